"""What export, int8 and batching gain over the very network that was trained."""

from tokenizers import Tokenizer

from bench.measure import Result
from bench.torch_side import Network, compare
from models.bundle import Bundle
from training.config import TrainConfig
from training.network import build_network

NAME = "int8_vs_own_torch"


def run(*, quick: bool) -> Result:
    """How many times as many texts a second the bundle scores."""
    return compare(NAME, _network, count=8 if quick else 256, rounds=1 if quick else 5)


def _network(bundle: Bundle, tokenizer: Tokenizer) -> Network:
    """The bundle's network before any training: weights do not matter to its speed."""
    state = bundle.manifest["training"]["config"]
    config = TrainConfig(name=bundle.name, encoder=state["encoder"], wide_rows=state["wide_rows"])
    return build_network(tokenizer, config, areas=len(bundle.areas)).eval()
