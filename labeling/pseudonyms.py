"""Names for people and things in what leaves an installation: the same one each time, and nobody can be found by it."""

import hashlib
import hmac

# 64 bits: among a hundred million things of one kind, two meet with a chance of about 1 in 3,700.
LENGTH = 16
SHORTEST_KEY = 16


def pseudonym(key: bytes, kind: str, value: str) -> str:
    """The pseudonym of `value` among things of its kind.

    A keyed hash, because ids are few enough to try them all: without the key none can be confirmed. Another kind gives the
    same value another pseudonym, and another key gives all of them others. Raises ValueError for a key that could be guessed.
    """
    if len(key) < SHORTEST_KEY:
        raise ValueError(f"a key of at least {SHORTEST_KEY} bytes is needed, not {len(key)}")
    return hmac.new(key, f"{kind}:{value}".encode(errors="surrogatepass"), hashlib.sha256).hexdigest()[:LENGTH]
