"""How long one text takes by itself: an absolute figure, for one thread of the machine it runs on."""

import itertools
import statistics

from tokenizers import Tokenizer

from bench.measure import Result, hardware, say, seconds
from bench.texts import texts
from models.bundle import TOKENIZER
from models.inference import OnnxScorer, encode_texts
from service.settings import Settings

NAME = "score_one_text_ms"
TOKENS = 128


def run(*, quick: bool) -> Result:
    """Median and 99th percentile of scoring one text of TOKENS tokens."""
    times = 20 if quick else 500
    scorer = OnnxScorer.load(Settings().bundle, threads=1)
    text, tokens = _text_of(TOKENS, Tokenizer.from_buffer(scorer.bundle.read(TOKENIZER)))
    say(f"{NAME}: {times} times one text of {tokens} tokens")
    scorer.score([text] * 5)
    taken = sorted(1000 * seconds(lambda: scorer.score([text])) for _ in range(times))
    detail = {
        "absolute": "milliseconds on this machine, not a ratio",
        "p50_ms": round(statistics.median(taken), 2),
        "p99_ms": round(taken[int(0.99 * (len(taken) - 1))], 2),
        "tokens": tokens,
        "threads": 1,
        "times": times,
        "bundle": scorer.bundle_hash[:12],
    }
    return Result(NAME, statistics.median(taken), "ms", detail | hardware())


def _text_of(tokens: int, tokenizer: Tokenizer) -> tuple[str, int]:
    """The longest run of words that makes no more tokens than that, and how many it makes."""
    # A text that was cut would be scored in two windows, and so measured twice.
    tokenizer.no_truncation()
    text, found = "", 0
    for word in itertools.chain.from_iterable(text.split() for text in texts(500)):
        longer = f"{text} {word}"
        count = len(encode_texts([longer], tokenizer)[0])
        if count > tokens:
            break
        text, found = longer, count
    return text, found
