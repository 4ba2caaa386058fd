"""The reader of the base encoder's file, on small files written here by its description."""

import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from training.config import TrainConfig
from training.e5s1 import BLOCK, LAYER_PARTS, E5S1Error, read_e5s1
from training.encoders import _cut_e5

HIDDEN, LAYERS, FEED_FORWARD, POSITIONS = 32, 3, 64, 8
PIECES = [
    *[("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)],
    *[("▁", -2.0), ("▁rose", -5.0), ("▁tulip", -6.0), ("a", -7.0), ("த", -8.0), ("▁never", -9.0), ("z", -9.5)],
]
GENERATOR = np.random.default_rng(1)


def four_bits(values: np.ndarray) -> tuple[bytes, np.ndarray]:
    """Random 4-bit blocks of the shape of `values`, as bytes and as the numbers they stand for."""
    scales = GENERATOR.normal(0, 0.1, (values.size // BLOCK, 1)).astype("<f2")
    integers = GENERATOR.integers(0, 16, (values.size // BLOCK, BLOCK))
    content = b""
    for scale, row in zip(scales, integers, strict=True):
        content += scale.tobytes() + bytes(
            int(low) | int(high) << 4 for low, high in zip(row[:16], row[16:], strict=True)
        )
    return content, ((integers - 8) * scales.astype(np.float32)).reshape(values.shape).astype(np.float32)


def write_file(path: Path) -> dict[str, np.ndarray]:
    """A whole file with random weights; returns them by tensor name."""
    shapes: dict[str, tuple[int, ...]] = {
        "emb.word": (len(PIECES), HIDDEN),
        "emb.pos": (POSITIONS, HIDDEN),
        "emb.type": (2, HIDDEN),
        "emb.ln.w": (HIDDEN,),
        "emb.ln.b": (HIDDEN,),
    }
    for layer in range(LAYERS):
        for part in LAYER_PARTS:
            out = FEED_FORWARD if part == "fi" else HIDDEN
            shapes[f"l{layer}.{part}.b"] = (out,)
            shapes[f"l{layer}.{part}.w"] = (out,) if "ln" in part else (out, FEED_FORWARD if part == "fo" else HIDDEN)
    texts = [piece.encode() for piece, _ in PIECES]
    header = struct.pack(
        "<4sI7ifi", b"E5S1", 1, HIDDEN, LAYERS, 4, FEED_FORWARD, len(PIECES), POSITIONS, 2, 1e-12, BLOCK
    )
    header += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, sum(map(len, texts)))
    header += np.cumsum([0, *map(len, texts)]).astype("<u4").tobytes()
    header += np.array([score for _, score in PIECES], "<f4").tobytes() + b"".join(texts)
    header += struct.pack("<iI", 1, 9) + bytes(9) + struct.pack("<i", len(shapes))
    directory_bytes = sum(2 + len(name) + 21 for name in shapes)
    directory, content, weights = b"", b"", {}
    for name, shape in shapes.items():
        if len(shape) == 2 and name not in {"emb.pos", "emb.type"}:
            raw, weights[name] = four_bits(np.zeros(shape))
        else:
            weights[name] = GENERATOR.normal(0, 1, shape).astype("<f4")
            raw = weights[name].tobytes()
        start = len(header) + directory_bytes + len(content)
        directory += struct.pack("<H", len(name)) + name.encode() + struct.pack("<BIQQ", 0, 0, start, len(raw))
        content += raw
    path.write_bytes(header + directory + content)
    return weights


def test_every_tensor_comes_back(tmp_path: Path) -> None:
    weights = write_file(tmp_path / "e5.bin")
    file = read_e5s1(tmp_path / "e5.bin")
    assert (file.hidden, file.layers, file.heads, file.feed_forward, file.positions) == (32, 3, 4, 64, 8)
    assert [piece for piece, _ in file.pieces] == [piece for piece, _ in PIECES]
    state = file.encoder_state(np.array([0, 1, 2, 3, 6]), layers=2)
    assert np.array_equal(state["embeddings.word_embeddings.weight"], weights["emb.word"][[0, 1, 2, 3, 6]])
    assert np.array_equal(state["encoder.layer.1.output.dense.weight"], weights["l1.fo.w"])
    assert np.array_equal(state["encoder.layer.0.attention.output.LayerNorm.bias"], weights["l0.aln.b"])
    assert not any(name.startswith("encoder.layer.2") for name in state)


@pytest.mark.parametrize("length", [3, 40, 200, 3_000])
def test_a_file_cut_off_is_refused(tmp_path: Path, length: int) -> None:
    write_file(tmp_path / "e5.bin")
    (tmp_path / "e5.bin").write_bytes((tmp_path / "e5.bin").read_bytes()[:length])
    with pytest.raises(E5S1Error, match="not a whole E5S1 file"):
        read_e5s1(tmp_path / "e5.bin")


def test_cut_to_the_layers_and_pieces_that_matter(tmp_path: Path) -> None:
    weights = write_file(tmp_path / "e5.bin")
    config = TrainConfig(name="cut", encoder="e5-small", layers=2, vocabulary=8)
    encoder, tokenizer = _cut_e5(read_e5s1(tmp_path / "e5.bin"), config, ["rose rose tulip", "த"])
    # Special pieces, the character that occurs, then by frequency; what neither texts nor prior know is left out.
    assert [piece for piece, _ in sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])] == [
        *("<s>", "<pad>", "</s>", "<unk>"),
        *("▁", "▁rose", "▁tulip", "த"),
    ]
    assert tokenizer.encode("rose த").tokens == ["<s>", "▁rose", "▁", "த", "</s>"]
    assert torch.equal(encoder.embeddings.word_embeddings.weight.detach()[7], torch.from_numpy(weights["emb.word"][8]))
    assert len(encoder.encoder.layer) == 2
