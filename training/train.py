"""Fine-tune the wide-and-deep network on labelled rows: one file, top to bottom, `train(config, …)` is the whole stage."""

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import nn
from torch.nn import functional

from eval.metrics import area_report
from labeling.records import LabelledText
from models.definition import SEVERITY_STEPS, TriageNetwork, WideConfig
from training.config import TrainConfig
from training.data import (
    UNKNOWN_SEVERITY,
    Targets,
    bucketed,
    encode_rows,
    make_targets,
    pad,
    repeat_rare,
    select_rows,
)
from training.encoders import extend_tokenizer, grow_embeddings, load_encoder, locate_encoder

# An area with fewer positive rows than this is not learned; its score is the constant prior below, and the bundle says so.
MIN_POSITIVES = 5
UNTRAINED_PRIOR = 0.01

Log = Callable[[str], None]


@dataclass(slots=True)
class Rows:
    """Encoded rows with their targets."""

    ids: list[NDArray[np.int64]]
    lengths: NDArray[np.int64]
    targets: Targets


@dataclass(slots=True)
class Trained:
    """What a run leaves: network, tokenizer, column order, and which columns were learned."""

    network: TriageNetwork
    tokenizer: Tokenizer
    areas: tuple[str, ...]
    trained_areas: tuple[str, ...]
    rows_seen: int
    rows_selected: int


def train(
    config: TrainConfig,
    rows: Sequence[LabelledText],
    validation: Sequence[LabelledText],
    *,
    areas: tuple[str, ...],
    log: Log = print,
) -> Trained:
    """Train on `rows` by the clock of `config.minutes`; `validation` is only reported on, never chosen by."""
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    chosen = select_rows(rows, config)
    folder = locate_encoder(config.encoder)
    tokenizer = extend_tokenizer(folder, (row.text for row in chosen), min_count=config.min_character_count)
    network = build_network(folder, tokenizer, config, areas=len(areas))
    train_rows = _encode(chosen, tokenizer, config, areas)
    positives = (train_rows.targets.labels * train_rows.targets.known).sum(0)
    learned = positives >= MIN_POSITIVES
    train_rows.targets.known[:, ~learned] = 0
    log(f"{len(chosen)} rows, vocabulary {tokenizer.get_vocab_size()}, positives {dict(zip(areas, positives, strict=True))}")

    checks = _encode(validation, tokenizer, config, areas)
    warm_up_wide(network, train_rows, config, log=log)
    log(f"wide branch alone: {report_line(network, checks, areas)}")
    seen = fine_tune(network, train_rows, config, log=log, report=lambda: report_line(network, checks, areas))
    silence_untrained(network, torch.from_numpy(learned))
    trained = tuple(area for area, has in zip(areas, learned, strict=True) if has)
    return Trained(network, tokenizer, areas, trained, seen, len(chosen))


def build_network(folder: Path, tokenizer: Tokenizer, config: TrainConfig, *, areas: int) -> TriageNetwork:
    """The untrained network around a base encoder, its embedding grown to the tokenizer's vocabulary."""
    encoder = load_encoder(folder)
    generator = torch.Generator().manual_seed(config.seed)
    size = tokenizer.get_vocab_size()
    grow_embeddings(encoder, size, generator=generator)
    encoder.embeddings.requires_grad_(config.train_embeddings)  # type: ignore[union-attr]
    for layer in list(encoder.encoder.layer)[: config.frozen_layers]:  # type: ignore[union-attr,arg-type]
        layer.requires_grad_(False)
    hidden: int = encoder.config.hidden_size  # type: ignore[union-attr,assignment]
    network = TriageNetwork(encoder, hidden=hidden, areas=areas, wide=WideConfig(config.wide_rows, size))
    network.wide.sparse = True
    return network


def warm_up_wide(network: TriageNetwork, rows: Rows, config: TrainConfig, *, log: Log) -> None:
    """Fit the n-gram table alone first: as a linear model it needs many passes, which are cheap without the encoder."""
    generator = np.random.default_rng(config.seed)
    loss_of = _make_loss(rows.targets, config)
    optimizer = torch.optim.SparseAdam(list(network.wide.parameters()), lr=config.wide_warm_rate)
    bias = nn.Parameter(torch.zeros(network.areas + SEVERITY_STEPS))
    bias_optimizer = torch.optim.Adam([bias], lr=config.wide_warm_rate)
    pool = _pool(rows, config)
    for epoch in range(config.wide_epochs):
        total, steps = 0.0, 0
        for batch in bucketed(rows.lengths[pool], config.wide_batch_size, generator=generator):
            index = pool[batch]
            ids, mask = _tensors(rows, index)
            logits = network.wide_logits(ids, mask) + bias
            loss = loss_of(logits[:, : network.areas], logits[:, network.areas :], index)
            optimizer.zero_grad()
            bias_optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            bias_optimizer.step()
            total, steps = total + loss.item(), steps + 1
        for group in optimizer.param_groups:
            group["lr"] *= 0.5
        log(f"wide epoch {epoch + 1}: loss {total / max(steps, 1):.4f}")
    with torch.no_grad():
        network.head.bias.copy_(bias)


def fine_tune(
    network: TriageNetwork, rows: Rows, config: TrainConfig, *, log: Log, report: Callable[[], str]
) -> int:
    """Train encoder, heads and table together until the clock runs out; returns the number of rows seen."""
    generator = np.random.default_rng(config.seed + 1)
    loss_of = _make_loss(rows.targets, config)
    dense, sparse = _optimizers(network, config)
    pool = _pool(rows, config)
    clock = _Clock(config.minutes)
    seen, reports = 0, 0
    while not clock.over():
        for batch in bucketed(rows.lengths[pool], config.batch_size, generator=generator):
            if clock.over():
                break
            rate = _schedule(clock.share(), config.warm_up)
            for group in (*dense.param_groups, *sparse.param_groups):
                group["lr"] = group["base"] * rate
            index = pool[batch]
            ids, mask = _tensors(rows, index)
            network.train()
            keep = (torch.rand(len(index), 1) >= config.wide_dropout).float()
            loss = loss_of(*network.forward_with_wide_kept(ids, mask, keep), index)
            dense.zero_grad()
            sparse.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_([p for group in dense.param_groups for p in group["params"]], 1.0)
            dense.step()
            sparse.step()
            seen += len(index)
            if clock.share() > (reports + 1) * 0.2:
                # once in a while: say where we are; the clock stands still meanwhile
                reports += 1
                with clock.stopped():
                    log(f"{clock.share():.0%} of the time, {seen} rows, loss {loss.item():.3f}: {report()}")
    return seen


def silence_untrained(network: TriageNetwork, learned: torch.Tensor) -> None:
    """Make the columns that were not learned a constant prior instead of noise."""
    with torch.no_grad():
        columns = torch.nonzero(~learned).flatten()
        network.head.weight[columns] = 0
        network.head.bias[columns] = math.log(UNTRAINED_PRIOR / (1 - UNTRAINED_PRIOR))
        network.wide.weight[:, columns] = 0


@torch.inference_mode()
def predict(network: TriageNetwork, rows: Rows) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Area and cumulative severity logits of every row, in row order."""
    network.eval()
    areas = np.zeros((len(rows.ids), network.areas), np.float32)
    severity = np.zeros((len(rows.ids), SEVERITY_STEPS), np.float32)
    for index in bucketed(rows.lengths, 64, generator=None):
        area_logits, severity_logits = network(*_tensors(rows, index))
        areas[index], severity[index] = area_logits.numpy(), severity_logits.numpy()
    return areas, severity


def report_line(network: TriageNetwork, rows: Rows, areas: tuple[str, ...]) -> str:
    """Macro AUPRC and its parts on `rows`, in one line."""
    scores, _ = predict(network, rows)
    report = area_report(rows.targets.labels, rows.targets.known, scores, areas)
    parts = ", ".join(f"{area} {entry.auprc:.3f}" for area, entry in report.areas.items())
    return f"macro AUPRC {report.macro_auprc:.4f} over {len(report.areas)} areas ({parts})"


def save_checkpoint(trained: Trained, config: TrainConfig, folder: Path) -> None:
    """Write what `training.export_onnx` needs; tensors as a plain state dict, never a pickled object."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(trained.network.state_dict(), folder / "network.pt")
    trained.tokenizer.save(str(folder / "tokenizer.json"))
    state = {
        "config": asdict(config),
        "areas": trained.areas,
        "trained_areas": trained.trained_areas,
        "rows_seen": trained.rows_seen,
        "rows_selected": trained.rows_selected,
    }
    (folder / "run.json").write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")


class _Clock:
    """Wall-clock budget that can be paused while the run is looked at."""

    def __init__(self, minutes: float) -> None:
        self._budget = minutes * 60
        self._start = time.monotonic()

    def share(self) -> float:
        return (time.monotonic() - self._start) / self._budget

    def over(self) -> bool:
        return self.share() >= 1

    def stopped(self) -> "_Pause":
        return _Pause(self)

    def forgive(self, seconds: float) -> None:
        self._start += seconds


class _Pause:
    def __init__(self, clock: _Clock) -> None:
        self._clock = clock
        self._since = 0.0

    def __enter__(self) -> None:
        self._since = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._clock.forgive(time.monotonic() - self._since)


def _encode(
    rows: Sequence[LabelledText], tokenizer: Tokenizer, config: TrainConfig, areas: Sequence[str]
) -> Rows:
    ids = encode_rows(rows, tokenizer, max_tokens=config.max_tokens)
    return Rows(ids, np.array([len(one) for one in ids], np.int64), make_targets(rows, areas))


def _pool(rows: Rows, config: TrainConfig) -> NDArray[np.int64]:
    return repeat_rare(rows.targets, below=config.repeat_rare_below, at_most=config.repeat_at_most)


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


def _make_loss(targets: Targets, config: TrainConfig) -> LossOf:
    """Masked area loss plus cumulative severity loss. Positives weigh sqrt(negatives / positives), at most 5."""
    labels, known = torch.from_numpy(targets.labels), torch.from_numpy(targets.known)
    severity, weight = torch.from_numpy(targets.severity), torch.from_numpy(targets.weight)
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
