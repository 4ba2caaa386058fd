"""What export, int8 and batching gain over the very network that was trained."""

from tokenizers import Tokenizer

from bench.measure import Result
from bench.torch_side import Network, compare
from models.bundle import Bundle
from training.config import read_config
from training.encoders import empty_encoder
from training.network import build_network

NAME = "int8_vs_own_torch"


def run(*, quick: bool) -> Result:
    """How many times as many texts a second the bundle scores."""
    return compare(NAME, _network, count=8 if quick else 256, rounds=1 if quick else 5)


def _network(bundle: Bundle, _: Tokenizer) -> Network:
    """The bundle's network before any training: weights do not matter to its speed."""
    training = bundle.manifest["training"]
    encoder = empty_encoder(training["encoder_shape"])
    return build_network(encoder, read_config(training["config"]), areas=len(bundle.areas)).eval()
