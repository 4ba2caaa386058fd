"""What the bundle gains over the usual choice: a BERT-base classifier in torch."""

import torch
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

from bench.measure import Result
from bench.torch_side import Network, compare
from models.bundle import Bundle

NAME = "int8_vs_bert_base_torch"


def run(*, quick: bool) -> Result:
    """How many times as many texts a second the bundle scores."""
    return compare(NAME, _network, count=4 if quick else 256, rounds=1 if quick else 5)


def _network(bundle: Bundle, _tokenizer: Tokenizer) -> Network:
    """BERT-base by its published sizes, with random weights: they do not matter to its speed."""
    network = BertModel(BertConfig())
    head = torch.nn.Linear(network.config.hidden_size, len(bundle.areas))
    network.train(False)

    def forward(ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        # Our vocabulary is larger than BERT's 30,522; which row of a table is read does not matter either.
        states = network(input_ids=ids % network.config.vocab_size, attention_mask=mask)
        logits: torch.Tensor = head(states.pooler_output)
        return logits

    return forward
