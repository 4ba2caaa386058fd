"""Texts to scores: numpy, tokenizers and onnxruntime, nothing else.

A score does not depend on the texts that happen to be scored beside it: a case scored alone, in a batch, or again
next week under the same bundle has the same numbers, up to float rounding.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors
from tokenizers import Tokenizer

from labeling.taxonomy import GRAPHIC_LEVELS, SEVERITY_LEVELS
from models.bundle import CALIBRATION, MODEL, TOKENIZER, Bundle, BundleError, load_bundle
from models.calibration import UNTRAINED_PRIOR, Calibration, parse_calibration, severity_level
from models.languages import primary_language
from models.preprocess import clean_text

# Texts tokenised at a time, so that scoring a million texts needs no more memory than scoring some thousands.
TEXTS_PER_CHUNK = 2_048
# Padded tokens in one forward pass: what then lies between two layers stays in a core's cache. Passes of eight times as many
# take half as long again by token.
TOKENS_PER_PASS = 512
# What a pass costs beside its tokens, in tokens: where padding would cost more, another pass is cheaper.
PASS_COST = 8
# At this median severity and below, and with no area over its threshold, a text counts as benign.
LOW_SEVERITY = 1

INPUTS = ("input_ids", "attention_mask")
OUTPUTS = ("area_logits", "severity_logits")
# Only graphs with a head for the graphic level have it.
GRAPHIC_OUTPUT = "graphic_logits"
# What each token adds to the area logits through the n-gram table; scoring does not ask for it.
HINT_OUTPUT = "token_hints"
# Tokens that one window of a long text shares with the next, so that no sentence is cut in both.
OVERLAP = 24

_LOAD_ERRORS = (
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NoSuchFile,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)


@dataclass(frozen=True, slots=True)
class Score:
    """What a model says of one text: a calibrated probability for each area, and for each severity 0..4 (sum 1).

    `primary_area` is the likeliest of the areas that reach their thresholds. Where none does, it is the benign id if
    severity is none or low, else the likeliest area of all. `graphic` are probabilities of graphic levels 0..3 of what
    the text tells or announces (sum 1), empty for a model that does not judge it. `unsure` are the areas for which
    neither answer can be excluded at the error rates that the bundle states.
    """

    areas: dict[str, float]
    severity: tuple[float, ...]
    primary_area: str
    graphic: tuple[float, ...] = ()
    unsure: tuple[str, ...] = ()


class Logits(NamedTuple):
    """Raw outputs for n texts: areas (n, areas), "more severe than k" (n, 4), "more graphic than k" (n, 3) or (n, 0)."""

    areas: NDArray[np.float32]
    severity: NDArray[np.float32]
    graphic: NDArray[np.float32]


class Window(NamedTuple):
    """Part of a text as token ids, and by token the characters that it stands for; special tokens stand for none."""

    ids: NDArray[np.int64]
    spans: tuple[tuple[int, int], ...]


class Scorer(Protocol):
    """Anything that scores texts. `trained_areas` are those whose probability depends on the text at all."""

    @property
    def bundle_hash(self) -> str:
        """What scores: the sha256 (hex) of a bundle's manifest, or a word for what is no bundle."""
        ...

    @property
    def areas(self) -> tuple[str, ...]:
        """Ids of the areas that a score has a probability for."""
        ...

    @property
    def trained_areas(self) -> tuple[str, ...]:
        """Those of `areas` that were learned."""
        ...

    def score(self, texts: Sequence[str], languages: Sequence[str | None] = ()) -> list[Score]:
        """One score for each text, in order.

        `languages` are BCP 47 tags as they were declared, one for each text, None where nobody knows; none at all is as
        good as all None.
        """
        ...


class TextModel:
    """A tokenizer and an ONNX graph: texts to raw logits."""

    def __init__(self, model: bytes, tokenizer: bytes, *, max_tokens: int, windows: int = 1, threads: int = 1) -> None:
        """Texts longer than `max_tokens` are read in up to `windows` windows, of which the highest logits count.

        Raises ValueError for a tokenizer, and an onnxruntime error for a graph, that cannot be loaded.
        """
        self._tokenizer = Tokenizer.from_buffer(tokenizer)
        limit_tokens(self._tokenizer, max_tokens)
        self._windows = windows
        self._threads = threads
        options = onnxruntime.SessionOptions()
        # One pass, one core: passes side by side waste less of two cores than one pass spread over both.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        outputs = {output.name: output.shape[-1] for output in self._session.get_outputs()}
        self._widths = {name: width for name, width in outputs.items() if name != HINT_OUTPUT}
        self._hints = HINT_OUTPUT in outputs

    def check_signature(self, areas: int) -> None:
        """Raise ValueError unless inputs and outputs are those that scoring needs, for so many areas."""
        inputs = {one.name for one in self._session.get_inputs()}
        expected = dict(zip((*OUTPUTS, GRAPHIC_OUTPUT), (areas, SEVERITY_LEVELS - 1, GRAPHIC_LEVELS - 1), strict=True))
        found = {GRAPHIC_OUTPUT: GRAPHIC_LEVELS - 1, **self._widths}
        if inputs != set(INPUTS) or found != expected:
            raise ValueError(f"inputs {INPUTS} and outputs {expected} needed, found {inputs} and {self._widths}")

    def logits(self, texts: Sequence[str]) -> Logits:
        """Logits in the order of `texts`."""
        starts = range(0, max(len(texts), 1), TEXTS_PER_CHUNK)
        parts = [self._chunk_logits(texts[start : start + TEXTS_PER_CHUNK]) for start in starts]
        return Logits(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def windows(self, cleaned: str) -> list[Window]:
        """What is read of a text that was cleaned before, in order; at least one window."""
        encoded = self._tokenizer.encode(cleaned)
        return [
            Window(np.array(one.ids, np.int64), tuple(one.offsets))
            for one in [encoded, *encoded.overflowing][: self._windows]
        ]

    def token_shares(
        self, rows: Sequence[NDArray[np.int64]]
    ) -> tuple[NDArray[np.float32], list[NDArray[np.float32]] | None]:
        """Area logits (n, areas) of n rows of token ids and, by row, what each token adds through the n-gram table.

        The shares of a row have the shape (length, areas); None for a graph that does not tell them.
        """
        logits: list[NDArray[np.float32]] = [np.empty(0, np.float32)] * len(rows)
        shares = list(logits)
        wanted = [OUTPUTS[0], *([HINT_OUTPUT] if self._hints else [])]
        for index, found in self._passes(rows, wanted):
            for place, one in enumerate(index):
                logits[one] = found[0][place]
                shares[one] = found[-1][place][: len(rows[one])]
        return np.stack(logits), shares if self._hints else None

    def _passes(
        self, rows: Sequence[NDArray[np.int64]], outputs: Sequence[str]
    ) -> Iterator[tuple[NDArray[np.int64], Sequence[NDArray[np.float32]]]]:
        """Which rows of token ids went through the graph together, and these outputs of it, on as many cores as may be used."""

        def run(index: NDArray[np.int64]) -> Sequence[NDArray[np.float32]]:
            stacked, mask = pad([rows[one] for one in index])
            found: list[NDArray[np.float32]] = self._session.run(
                list(outputs), {"input_ids": stacked, "attention_mask": mask}
            )
            return found

        batches = like_length_batches([len(one) for one in rows])
        if self._threads == 1 or len(batches) == 1:
            yield from zip(batches, map(run, batches), strict=True)
            return
        with ThreadPoolExecutor(self._threads) as pool:
            yield from zip(batches, pool.map(run, batches), strict=True)

    def _chunk_logits(self, texts: Sequence[str]) -> Logits:
        ids, owners = encode_windows(texts, self._tokenizer, windows=self._windows)
        columns = [np.full((len(texts), width), -np.inf, np.float32) for width in self._widths.values()]
        for index, found in self._passes(ids, list(self._widths)):
            for column, values in zip(columns, found, strict=True):
                np.maximum.at(column, owners[index], values)
        by_name = dict(zip(self._widths, columns, strict=True))
        nothing = np.zeros((len(texts), 0), np.float32)
        areas, severity = (by_name[name] for name in OUTPUTS)
        return Logits(areas, severity, by_name.get(GRAPHIC_OUTPUT, nothing))


class OnnxScorer:
    """Scores with a bundle. Safe to share between threads: onnxruntime sessions and tokenizers are."""

    def __init__(self, bundle: Bundle, model: TextModel, calibration: Calibration) -> None:
        self.bundle = bundle
        self._model = model
        self._calibration = calibration

    @classmethod
    def load(cls, folder: Path, *, threads: int = 1) -> "OnnxScorer":
        """Verify and load the bundle in `folder`; `threads` is how many cores one call may use. Raises BundleError."""
        bundle = load_bundle(folder)
        calibration = parse_calibration(bundle.read(CALIBRATION), folder / CALIBRATION, names=bundle.areas)
        try:
            model = TextModel(
                bundle.read(MODEL),
                bundle.read(TOKENIZER),
                max_tokens=bundle.max_tokens,
                windows=bundle.windows,
                threads=threads,
            )
            model.check_signature(len(bundle.areas))
        except (*_LOAD_ERRORS, ValueError) as error:
            raise BundleError(f"{folder}: model or tokenizer cannot be loaded ({error}); export it anew") from error
        return cls(bundle, model, calibration)

    @property
    def model(self) -> TextModel:
        """The tokenizer and the graph, for whoever asks for more than scores."""
        return self._model

    def odds_slope(self, area: str, language: str | None = None) -> float:
        """By how much the log-odds of an area change for each unit of its logit; 0 for an area that was not learned."""
        column = self.areas.index(area)
        own = self._calibration.languages.get(primary_language(language), {})
        return own[column].slope if column in own else self._calibration.areas[column].slope

    @property
    def bundle_hash(self) -> str:
        """The identity of the bundle that scores."""
        return self.bundle.hash

    @property
    def areas(self) -> tuple[str, ...]:
        """Area ids in the bundle's order."""
        return self.bundle.areas

    @property
    def trained_areas(self) -> tuple[str, ...]:
        """The areas that were learned; the others stay at a constant prior."""
        return self.bundle.trained_areas

    def score(self, texts: Sequence[str], languages: Sequence[str | None] = ()) -> list[Score]:
        """One score for each text, in order; any number of texts of any length, empty ones too."""
        if languages and len(languages) != len(texts):
            raise ValueError(f"{len(languages)} languages for {len(texts)} texts")
        logits = self._model.logits(texts)
        probabilities = self._calibration.area_probabilities(logits.areas, [primary_language(one) for one in languages])
        severities = self._calibration.severity_probabilities(logits.severity, probabilities)
        graphic = self._calibration.graphic_probabilities(logits.graphic)
        primary = self._primary_areas(probabilities, severity_level(severities))
        unsure = self._calibration.unsure(probabilities)
        return [
            Score(
                areas=dict(zip(self.areas, probabilities[row].tolist(), strict=True)),
                severity=tuple(severities[row].tolist()),
                primary_area=primary[row],
                graphic=tuple(graphic[row].tolist()),
                unsure=tuple(self.areas[column] for column in np.flatnonzero(unsure[row])),
            )
            for row in range(len(texts))
        ]

    def _primary_areas(self, probabilities: NDArray[np.float64], levels: NDArray[np.int64]) -> list[str]:
        trained = np.array([area in self.trained_areas for area in self.areas])
        if not trained.any():
            return [self.bundle.benign_id] * len(probabilities)
        reached = (probabilities >= self._calibration.thresholds()) & trained
        # Where some areas reach their thresholds, only those stand: 0.2 is much for a rare area, little for a common one.
        standing = np.where(reached.any(1, keepdims=True), reached, trained)
        highest = np.where(standing, probabilities, -1.0).argmax(1)
        benign = ~reached.any(1) & (levels <= LOW_SEVERITY)
        return [
            self.bundle.benign_id if is_benign else self.areas[column]
            for is_benign, column in zip(benign, highest, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class ConstantScorer:
    """Gives every text the same score: what is left when no model is to be had, and a double for tests."""

    areas: tuple[str, ...]
    trained_areas: tuple[str, ...] = ()
    bundle_hash: str = "constant"
    probability: float = UNTRAINED_PRIOR
    severity: tuple[float, ...] = (0.2,) * SEVERITY_LEVELS
    primary_area: str = "benign"

    def score(self, texts: Sequence[str], languages: Sequence[str | None] = ()) -> list[Score]:
        """The constant score, once for each text."""
        del languages
        return [Score(dict.fromkeys(self.areas, self.probability), self.severity, self.primary_area) for _ in texts]


def limit_tokens(tokenizer: Tokenizer, max_tokens: int) -> None:
    """Make `tokenizer` cut at `max_tokens`, special tokens included, and leave padding to `pad`."""
    tokenizer.enable_truncation(max_tokens, stride=min(OVERLAP, max_tokens // 4))
    tokenizer.no_padding()


def encode_texts(texts: Sequence[str], tokenizer: Tokenizer) -> list[NDArray[np.int64]]:
    """Token ids of the model text of each text, special tokens included."""
    encoded = tokenizer.encode_batch_fast([clean_text(text) for text in texts])
    return [np.array(one.ids, np.int64) for one in encoded]


def encode_windows(
    texts: Sequence[str], tokenizer: Tokenizer, *, windows: int
) -> tuple[list[NDArray[np.int64]], NDArray[np.int64]]:
    """Token ids of up to `windows` overlapping windows of each text, and which text each belongs to."""
    ids: list[NDArray[np.int64]] = []
    owners: list[int] = []
    for owner, encoded in enumerate(tokenizer.encode_batch_fast([clean_text(text) for text in texts])):
        for window in [encoded, *encoded.overflowing][:windows]:
            ids.append(np.array(window.ids, np.int64))
            owners.append(owner)
    return ids, np.array(owners, np.int64)


def like_length_batches(lengths: Sequence[int]) -> list[NDArray[np.int64]]:
    """Cut indices into batches of like length, short to long, each at most TOKENS_PER_PASS tokens when padded.

    A batch ends before a length for which the rows in it would be padded by more than PASS_COST tokens.
    """
    order = np.argsort(np.asarray(lengths, np.int64), kind="stable")
    batches: list[NDArray[np.int64]] = []
    start = 0
    for end, index in enumerate(order):
        length, rows = lengths[index], end - start
        if rows and ((rows + 1) * length > TOKENS_PER_PASS or rows * (length - lengths[order[end - 1]]) > PASS_COST):
            batches.append(order[start:end])
            start = end
    return [*batches, order[start:]] if len(order) else []


def pad(ids: Sequence[NDArray[np.int64]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Stack rows of ids to (batch, longest) with zeros behind, and the attention mask that goes with it."""
    longest = max(len(row) for row in ids)
    stacked = np.zeros((len(ids), longest), np.int64)
    mask = np.zeros_like(stacked)
    for index, row in enumerate(ids):
        stacked[index, : len(row)] = row
        mask[index, : len(row)] = 1
    return stacked, mask
