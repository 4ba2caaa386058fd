"""What the torch benchmarks share: the int8 bundle in batches on one side, a torch network text by text on the other."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from tokenizers import Tokenizer

from bench.measure import Result, alternate, hardware, ratio, say, seconds, sides, usable_cores
from bench.texts import texts
from models.bundle import TOKENIZER, Bundle, load_bundle
from models.inference import OnnxScorer, encode_texts, limit_tokens, pad
from service.settings import Settings

Network = Callable[[torch.Tensor, torch.Tensor], Any]


def compare(name: str, make_network: Callable[[Bundle, Tokenizer], Network], *, count: int, rounds: int) -> Result:
    """Texts a second of the bundle over those of the network; both get the same texts and the same cores."""
    threads = usable_cores()
    torch.set_num_threads(threads)
    folder = Settings().bundle
    scorer = OnnxScorer.load(folder, threads=threads)
    tokenizer = Tokenizer.from_buffer(scorer.bundle.read(TOKENIZER))
    limit_tokens(tokenizer, scorer.bundle.max_tokens)
    network = make_network(load_bundle(folder), tokenizer)
    sample = texts(count)
    scorer.score(sample)
    _score_each(network, tokenizer, sample[:5])
    say(f"{name}: {rounds} rounds of {count} texts")
    pairs = alternate(
        lambda: count / seconds(partial(scorer.score, sample)),
        lambda: count / seconds(lambda: _score_each(network, tokenizer, sample)),
        rounds=rounds,
    )
    detail = sides(pairs, first="int8", second="torch", unit="texts_per_second")
    lengths = [len(one) for one in encode_texts(sample, tokenizer)]
    detail |= {
        "texts": count,
        "mean_tokens": round(sum(lengths) / len(lengths), 1),
        "threads_each": threads,
        "torch": torch.__version__,
    }
    return Result(name, ratio(pairs), "times", detail | hardware())


@torch.inference_mode()
def _score_each(network: Network, tokenizer: Tokenizer, sample: Sequence[str]) -> None:
    for text in sample:
        ids, mask = pad(encode_texts([text], tokenizer))
        network(torch.from_numpy(ids), torch.from_numpy(mask))
