"""Fine-tune the wide-and-deep network on labelled rows: one file, top to bottom, `train(config, …)` is the whole stage."""

import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import nn
from torch.nn import functional

from eval.metrics import area_report
from eval.truth import UNKNOWN_SEVERITY, Truth, make_truth
from labeling.records import LabelledText
from models.calibration import UNTRAINED_PRIOR
from models.definition import SEVERITY_STEPS, TriageNetwork
from models.inference import encode_texts, like_length_batches, limit_tokens, pad
from training.config import TrainConfig
from training.data import repeat_rare, row_weights, select_rows, shuffled_batches
from training.encoders import extend_tokenizer, locate_encoder
from training.network import Trained, build_network

# An area with fewer positive rows than this is not learned but stays at UNTRAINED_PRIOR, and the bundle says so.
MIN_POSITIVES = 5
# The share of the time after which, again and again, a look is taken at the validation rows.
REPORT_EVERY = 0.2

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Rows:
    """Encoded rows with what is known of them."""

    ids: list[NDArray[np.int64]]
    lengths: NDArray[np.int64]
    truth: Truth
    weight: NDArray[np.float32]


def train(
    config: TrainConfig,
    rows: Sequence[LabelledText],
    *,
    validation: Sequence[LabelledText],
    areas: tuple[str, ...],
    start: Trained | None = None,
) -> Trained:
    """Train on `rows` by the clock of `config.minutes`; `validation` is only reported on, never chosen by.

    `start` is trained on in place of a new network. Raises EncoderError when the base encoder is not installed as pinned.
    """
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    chosen = select_rows(rows, config)
    network, tokenizer = (start.network, start.tokenizer) if start else _begin(chosen, config, areas=len(areas))
    network.wide.sparse = True
    train_rows = encode_rows(chosen, tokenizer, areas)
    positives = (train_rows.truth.labels * train_rows.truth.known).sum(0).astype(int).tolist()
    learned = [count >= MIN_POSITIVES for count in positives]
    train_rows.truth.known[:, [not one for one in learned]] = 0
    logger.info("%d rows, vocabulary %d", len(chosen), tokenizer.get_vocab_size())
    logger.info("positives: %s", ", ".join(f"{area} {count}" for area, count in zip(areas, positives, strict=True)))

    checks = encode_rows(validation, tokenizer, areas)
    if not start:
        warm_up_wide(network, train_rows, config)
    logger.info("before fine-tuning: %s", report_line(network, checks, areas))
    before = start.rows_seen if start else 0
    generator = np.random.default_rng(config.seed + 1 + before)
    seen = fine_tune(
        network, train_rows, config, generator=generator, report=lambda: report_line(network, checks, areas)
    )
    silence_untrained(network, torch.tensor(learned))
    return Trained(
        network=network,
        tokenizer=tokenizer,
        config=config,
        areas=areas,
        trained_areas=tuple(area for area, has in zip(areas, learned, strict=True) if has),
        rows_selected=len(chosen),
        rows_seen=before + seen,
        minutes=config.minutes + (start.minutes if start else 0),
    )


def warm_up_wide(network: TriageNetwork, rows: Rows, config: TrainConfig) -> None:
    """Fit the n-gram table alone first: as a linear model it needs many passes, which are cheap without the encoder."""
    generator = np.random.default_rng(config.seed)
    loss_of = _make_loss(rows, config)
    optimizer = torch.optim.SparseAdam(list(network.wide.parameters()), lr=config.wide_warm_rate)
    bias = nn.Parameter(torch.zeros(network.areas + SEVERITY_STEPS))
    bias_optimizer = torch.optim.Adam([bias], lr=config.wide_warm_rate)
    pool = _pool(rows, config)
    for epoch in range(config.wide_epochs):
        total, steps = 0.0, 0
        for batch in shuffled_batches(rows.lengths[pool], config.wide_batch_size, generator=generator):
            index = pool[batch]
            logits = network.wide_logits(*_tensors(rows, index)) + bias
            loss = loss_of(logits[:, : network.areas], logits[:, network.areas :], index)
            optimizer.zero_grad()
            bias_optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()  # type: ignore[no-untyped-call]
            bias_optimizer.step()
            total, steps = total + loss.item(), steps + 1
        for group in optimizer.param_groups:
            group["lr"] *= 0.5
        logger.info("wide epoch %d: loss %.4f", epoch + 1, total / max(steps, 1))
    with torch.no_grad():
        network.head.bias.copy_(bias)


def fine_tune(
    network: TriageNetwork,
    rows: Rows,
    config: TrainConfig,
    *,
    generator: np.random.Generator,
    report: Callable[[], str],
) -> int:
    """Train encoder, heads and table together until the clock runs out; returns the number of rows seen."""
    loss_of = _make_loss(rows, config)
    dense, sparse = _optimizers(network, config)
    weights = [weight for group in dense.param_groups for weight in group["params"]]
    clock = _Clock(config.minutes)
    seen, reports = 0, 0
    for index in _endless_batches(rows, config, generator=generator):
        share = clock.share()
        if share >= 1:
            break
        for group in (*dense.param_groups, *sparse.param_groups):
            group["lr"] = group["base"] * _schedule(share, config.warm_up)
        network.train()
        keep = (torch.rand(len(index), 1) >= config.wide_dropout).float()
        area_logits, severity_logits = network(*_tensors(rows, index), keep)
        loss = loss_of(area_logits, severity_logits, index)
        dense.zero_grad()
        sparse.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(weights, 1.0)
        dense.step()
        sparse.step()  # type: ignore[no-untyped-call]
        seen += len(index)
        if share > (reports + 1) * REPORT_EVERY:
            reports += 1
            with clock.stopped():
                logger.info("%.0f %% of the time, %d rows, loss %.3f: %s", 100 * share, seen, loss.item(), report())
    return seen


def silence_untrained(network: TriageNetwork, learned: torch.Tensor) -> None:
    """Make the columns that were not learned a constant prior instead of noise."""
    with torch.no_grad():
        columns = torch.nonzero(~learned).flatten()
        network.head.weight[columns] = 0
        network.head.bias[columns] = math.log(UNTRAINED_PRIOR / (1 - UNTRAINED_PRIOR))
        network.wide.weight[:, columns] = 0


@torch.inference_mode()
def predict(
    network: TriageNetwork, ids: Sequence[NDArray[np.int64]]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Area and cumulative severity logits of encoded texts, in their order."""
    network.eval()
    areas = np.zeros((len(ids), network.areas), np.float32)
    severity = np.zeros((len(ids), SEVERITY_STEPS), np.float32)
    for index in like_length_batches([len(one) for one in ids]):
        stacked, mask = pad([ids[one] for one in index])
        area_logits, severity_logits = network(torch.from_numpy(stacked), torch.from_numpy(mask))
        areas[index], severity[index] = area_logits.numpy(), severity_logits.numpy()
    return areas, severity


def report_line(network: TriageNetwork, rows: Rows, areas: tuple[str, ...]) -> str:
    """Macro AUPRC and its parts on `rows`, in one line."""
    scores, _ = predict(network, rows.ids)
    report = area_report(rows.truth, scores, areas)
    parts = ", ".join(f"{area} {entry.auprc:.3f}" for area, entry in report.areas.items())
    return f"macro AUPRC {report.macro_auprc:.4f} over {len(report.areas)} areas ({parts})"


def encode_rows(rows: Sequence[LabelledText], tokenizer: Tokenizer, areas: Sequence[str]) -> Rows:
    """Rows as the network takes them; `tokenizer` must know its limit already."""
    ids = encode_texts([row.text for row in rows], tokenizer)
    return Rows(ids, np.array([len(one) for one in ids], np.int64), make_truth(rows, areas), row_weights(rows))


def _begin(rows: Sequence[LabelledText], config: TrainConfig, *, areas: int) -> tuple[TriageNetwork, Tokenizer]:
    folder = locate_encoder(config.encoder)
    tokenizer = extend_tokenizer(folder, (row.text for row in rows), min_count=config.min_character_count)
    limit_tokens(tokenizer, config.max_tokens)
    return build_network(tokenizer, config, areas=areas), tokenizer


class _Clock:
    """Wall-clock budget that can be stopped while the run is looked at."""

    def __init__(self, minutes: float) -> None:
        self._budget = minutes * 60
        self._start = time.monotonic()

    def share(self) -> float:
        return (time.monotonic() - self._start) / self._budget

    @contextmanager
    def stopped(self) -> Iterator[None]:
        since = time.monotonic()
        yield
        self._start += time.monotonic() - since


def _endless_batches(rows: Rows, config: TrainConfig, *, generator: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    pool = _pool(rows, config)
    while len(pool):
        for batch in shuffled_batches(rows.lengths[pool], config.batch_size, generator=generator):
            yield pool[batch]


def _pool(rows: Rows, config: TrainConfig) -> NDArray[np.int64]:
    return repeat_rare(rows.truth, below=config.repeat_rare_below, at_most=config.repeat_at_most)


def _tensors(rows: Rows, index: NDArray[np.int64]) -> tuple[torch.Tensor, torch.Tensor]:
    ids, mask = pad([rows.ids[one] for one in index])
    return torch.from_numpy(ids), torch.from_numpy(mask)


def _schedule(share: float, warm_up: float) -> float:
    return min(share / warm_up, 1.0) * max(1 - share, 0.0)


def _optimizers(network: TriageNetwork, config: TrainConfig) -> tuple[torch.optim.AdamW, torch.optim.SparseAdam]:
    encoder = [weight for weight in network.encoder.parameters() if weight.requires_grad]
    dense = torch.optim.AdamW(
        [
            {"params": encoder, "base": config.encoder_rate, "weight_decay": config.weight_decay},
            {"params": list(network.head.parameters()), "base": config.head_rate, "weight_decay": 0.0},
        ]
    )
    sparse = torch.optim.SparseAdam([{"params": list(network.wide.parameters()), "base": config.wide_rate}])
    return dense, sparse


LossOf = Callable[[torch.Tensor, torch.Tensor, NDArray[np.int64]], torch.Tensor]


def _make_loss(rows: Rows, config: TrainConfig) -> LossOf:
    """Masked area loss plus cumulative severity loss. Positives weigh sqrt(negatives / positives), at most 5."""
    labels, known = torch.from_numpy(rows.truth.labels), torch.from_numpy(rows.truth.known)
    severity, weight = torch.from_numpy(rows.truth.severity), torch.from_numpy(rows.weight)
    positives = (labels * known).sum(0)
    balance = ((known.sum(0) - positives) / positives.clamp(min=1)).clamp(min=1).sqrt().clamp(max=5)
    steps = torch.arange(SEVERITY_STEPS)

    def loss_of(area_logits: torch.Tensor, severity_logits: torch.Tensor, index: NDArray[np.int64]) -> torch.Tensor:
        at = torch.from_numpy(index)
        mask = known[at] * weight[at, None]
        each = functional.binary_cross_entropy_with_logits(
            area_logits, labels[at], pos_weight=balance, reduction="none"
        )
        loss = (each * mask).sum() / mask.sum().clamp(min=1)
        rated = severity[at] != UNKNOWN_SEVERITY
        if bool(rated.any()):
            above = (severity[at][rated, None] > steps).float()
            loss = loss + config.severity_loss * functional.binary_cross_entropy_with_logits(
                severity_logits[rated], above
            )
        return loss

    return loss_of
