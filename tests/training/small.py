"""A network small enough to train in a moment, and a clock that counts steps, so that runs can be compared."""

import torch
from tokenizers import Tokenizer, models, pre_tokenizers

from eval.metrics import AreaReport
from models.definition import TriageNetwork
from models.inference import limit_tokens
from tests.training.conftest import AREAS
from training.config import TrainConfig
from training.encoders import empty_encoder
from training.network import build_network

SENTENCE = "you have won prize number call now to claim your free gift are a fool and clown go away the"
WORDS = ["[UNK]", *SENTENCE.split()]
CONFIG = TrainConfig(
    name="small",
    encoder="none",
    minutes=0.5,
    batch_size=6,
    wide_rows=100,
    checkpoint_minutes=3.5 / 60,
    threads=1,
    warm_up=0.1,
)


NOTHING = AreaReport({}, {})


class CountingClock:
    """A clock on which each step of training takes one second."""

    def __init__(self, minutes: float, used: float) -> None:
        self._budget = minutes * 60
        self._now = used

    def share(self) -> float:
        self._now += 1
        return self._now / self._budget

    def seconds(self) -> float:
        return self._now

    def stopped(self) -> torch.no_grad:
        """Any context manager will do."""
        return torch.no_grad()


def small_network(config: TrainConfig = CONFIG) -> tuple[TriageNetwork, Tokenizer]:
    tokenizer = Tokenizer(models.WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    limit_tokens(tokenizer, 16)
    torch.manual_seed(3)
    shape = {
        "vocab_size": len(WORDS),
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 32,
        "type_vocab_size": 2,
        "layer_norm_eps": 1e-6,
    }
    network = build_network(empty_encoder(shape), config, areas=len(AREAS))
    network.wide.sparse = True
    return network, tokenizer
