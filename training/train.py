"""Fine-tune the wide-and-deep network on labelled rows: top to bottom, `train(config, …)` is the whole stage."""

import hashlib
import json
import logging
import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import nn

from eval.metrics import AreaReport, area_report
from eval.truth import make_truth
from labeling.records import LabelledText
from models.calibration import UNTRAINED_PRIOR
from models.definition import GRAPHIC_STEPS, SEVERITY_STEPS, TriageNetwork
from models.inference import Logits, encode_texts, encode_windows, like_length_batches, limit_tokens, pad
from training.config import ConfigError, TrainConfig
from training.data import (
    make_targets,
    repeat_rare,
    repeat_sources,
    row_weights,
    select_rows,
    shuffled_batches,
)
from training.disguise import disguise
from training.encoders import begin
from training.frozen import frozen_states
from training.loss import Rows, make_loss
from training.network import Trained, build_network
from training.pairs import find_twins, with_twins
from training.parallel import Team
from training.progress import Position, load_progress, save_progress
from training.robust import GroupDro, mention_weights, source_numbers
from training.tracking import NullTracker, Tracking

# An area with fewer positive rows than this is not learned but stays at UNTRAINED_PRIOR, and the bundle says so.
MIN_POSITIVES = 5
# The share of the time after which, again and again, a look is taken at the validation rows.
REPORT_EVERY = 0.25
# What a run may change that goes on after a kill, on another machine: it moves no weight.
OF_THE_MACHINE = frozenset({"threads", "checkpoint_minutes"})

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a run starts from and where it happens.

    `start` is trained on in place of a new network. With `progress`, a folder, the state is kept there and a run that
    was killed goes on from it. `tracker` gets the points of its curves.
    """

    start: Trained | None = None
    team: Team = field(default_factory=Team)
    progress: Path | None = None
    tracker: Tracking = field(default_factory=NullTracker)


def train(
    config: TrainConfig,
    rows: Sequence[LabelledText],
    *,
    validation: Sequence[LabelledText],
    areas: tuple[str, ...],
    around: Surroundings | None = None,
) -> Trained:
    """Train on `rows` by the clock of `config.minutes`; `validation` is only reported on, never chosen by.

    Raises EncoderError when the base encoder is not installed as pinned, ProgressError, RecordError for a row with
    values that cannot be trained on, ConfigError where processes would be left without rows.
    """
    around = around or Surroundings()
    start, team = around.start, around.team
    torch.set_num_threads(team.threads_each(config.threads))
    torch.manual_seed(config.seed)
    chosen = select_rows(rows, config)
    network, tokenizer = (start.network, start.tokenizer) if start else _begin(chosen, config, areas=len(areas))
    network.wide.sparse = True
    train_rows = encode_rows(chosen, tokenizer, areas, config=config)
    positives = (train_rows.truth.labels * train_rows.truth.known).sum(0).astype(int).tolist()
    enough = [count >= MIN_POSITIVES for count in positives]
    train_rows.truth.known[:, [not one for one in enough]] = 0
    # What was learned before stays as it is where these rows say too little of it.
    known_before = start.trained_areas if start else ()
    learned = [has or area in known_before for area, has in zip(areas, enough, strict=True)]
    logger.info("%d rows, vocabulary %d", len(chosen), tokenizer.get_vocab_size())
    logger.info("positives: %s", ", ".join(f"{area} {count}" for area, count in zip(areas, positives, strict=True)))
    checks = encode_rows(validation, tokenizer, areas)
    network.to(team.device)
    fit = Fit(network, train_rows, config, around=around, identity=_identity(config, chosen, areas, start))
    if not fit.went_on and not start:
        warm_up_wide(network, train_rows, config)
    if team.leads:
        logger.info("before fine-tuning: %s", report_line(_judge(network, checks, areas)))
    seen = fit.run(report=lambda: _judge(network, checks, areas))
    silence_untrained(network, torch.tensor(learned))
    before = start.rows_seen if start else 0
    return Trained(
        network=network.cpu(),
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
    device = network.wide.weight.device
    loss_of = make_loss(rows, config, device)
    optimizer = torch.optim.SparseAdam(list(network.wide.parameters()), lr=config.wide_warm_rate)
    bias = nn.Parameter(torch.zeros(network.head.out_features, device=device))
    bias_optimizer = torch.optim.Adam([bias], lr=config.wide_warm_rate)
    for epoch in range(config.wide_epochs):
        total, steps = 0.0, 0
        for batch in shuffled_batches(rows.lengths[rows.pool], config.wide_batch_size, generator=generator):
            index = rows.pool[batch]
            loss = loss_of(network.split(network.wide_logits(*_tensors(rows, index, device)) + bias), index)
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


class Fit:
    """Trains encoder, heads and table together until the clock runs out."""

    def __init__(
        self,
        network: TriageNetwork,
        rows: Rows,
        config: TrainConfig,
        *,
        around: Surroundings,
        identity: str = "",
    ) -> None:
        """`identity` is what a saved state must have been made with to be gone on from."""
        self._network = network
        self._rows = rows
        self._config = config
        self._team = around.team
        self._progress = around.progress
        self._identity = identity
        self._tracker = around.tracker
        network.wide.sparse = self._team.sparse_table
        self._dense, self._table = _optimizers(network, config)
        # On disk the table's keeps its first name.
        self._optimizers: dict[str, torch.optim.Optimizer] = {"dense": self._dense, "sparse": self._table}
        found = load_progress(around.progress, network, self._optimizers, run=identity) if around.progress else None
        self.went_on = found is not None
        self._position = found or Position()
        if self.went_on:
            logger.info("going on after %d rows", self._position.seen)

    def run(self, *, report: Callable[[], AreaReport]) -> int:
        """Train; returns the number of rows seen, by all processes together."""
        position, config, team = self._position, self._config, self._team
        joined = team.join(self._network)
        device = self._network.wide.weight.device
        dro = self._dro()
        loss_of = make_loss(self._rows, config, device, dro)
        frozen = frozen_states(self._network, self._rows, config)
        weights = [weight for group in self._dense.param_groups for weight in group["params"]]
        clock = _Clock(config.minutes, position.seconds)
        saved = position.seconds
        for index in self._batches():
            share = team.share_of_leader(clock.share())
            if share >= 1:
                break
            self._set_rates(share)
            # Drawn anew for each step, so that a run that goes on after a kill draws what it would have drawn.
            torch.manual_seed(config.seed + position.step * team.size + team.rank)
            self._network.train()
            mine = index[team.rank :: team.size]
            if config.pair_loss:
                mine = with_twins(mine, self._rows.twins)
            keep = (torch.rand(len(mine), 1) >= config.wide_dropout).float().to(device)
            below = frozen.of(mine) if frozen else None
            loss = loss_of(joined(*_tensors(self._rows, mine, device), keep, below), mine)
            for optimizer in self._optimizers.values():
                optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(weights, 1.0)
            for optimizer in self._optimizers.values():
                optimizer.step()
            position.step, position.seen, position.batch = (
                position.step + 1,
                position.seen + len(index),
                position.batch + 1,
            )
            position.seconds = clock.seconds()
            position.shares = dro.shares.tolist() if dro else []
            with clock.stopped():
                if share > (position.reports + 1) * REPORT_EVERY:
                    position.reports += 1
                    self._report(share, loss.item(), report)
                if position.seconds - saved > config.checkpoint_minutes * 60:
                    saved = position.seconds
                    self._save()
        return position.seen

    def _dro(self) -> GroupDro | None:
        if not self._config.group_dro:
            return None
        if self._team.size > 1:
            raise ConfigError("group_dro: several processes would each weigh sources their own way; start one")
        return GroupDro(self._rows.sources, self._config.group_dro, shares=self._position.shares)

    def _set_rates(self, share: float) -> None:
        for group in (*self._dense.param_groups, *self._table.param_groups):
            group["lr"] = group["base"] * _schedule(share, self._config.warm_up)

    def _batches(self) -> Iterator[NDArray[np.int64]]:
        """Batches for all processes together, without end, from the position on; each epoch has its own order."""
        rows, position = self._rows, self._position
        while True:
            generator = np.random.default_rng([self._config.seed, position.epoch])
            batches = shuffled_batches(rows.lengths[rows.pool], self._config.batch_size, generator=generator)
            # One process must not be left without a row while the others wait for its gradients.
            whole = [batch for batch in batches if len(batch) >= self._team.size]
            if not whole:
                raise ConfigError(
                    f"batch_size {self._config.batch_size} and {len(rows.pool)} rows leave some of {self._team.size} "
                    "processes without a row; raise batch_size, bring more rows or start fewer processes"
                )
            for batch in whole[position.batch :]:
                yield rows.pool[batch]
            position.epoch, position.batch = position.epoch + 1, 0

    def _report(self, share: float, loss: float, report: Callable[[], AreaReport]) -> None:
        if self._team.leads:
            found = report()
            line = report_line(found)
            logger.info("%.0f %% of the time, %d rows, loss %.3f: %s", 100 * share, self._position.seen, loss, line)
            parts = {f"auprc.{area}": entry.auprc for area, entry in found.areas.items()}
            self._tracker.point(self._position.seen, loss=loss, macro_auprc=found.macro_auprc, **parts)
        self._team.wait()

    def _save(self) -> None:
        if self._progress and self._team.leads:
            save_progress(self._progress, self._position, self._network, self._optimizers, run=self._identity)


def silence_untrained(network: TriageNetwork, learned: torch.Tensor) -> None:
    """Make the columns that were not learned a constant prior instead of noise."""
    with torch.no_grad():
        columns = torch.nonzero(~learned).flatten()
        network.head.weight[columns] = 0
        network.head.bias[columns] = math.log(UNTRAINED_PRIOR / (1 - UNTRAINED_PRIOR))
        network.wide.weight[:, columns] = 0


def predict_texts(trained: Trained, texts: Sequence[str]) -> Logits:
    """Logits of texts, long ones read in windows as in service."""
    ids, owners = encode_windows(texts, trained.tokenizer, windows=trained.config.windows)
    found = predict(trained.network, ids)
    columns = [np.full((len(texts), values.shape[1]), -np.inf, np.float32) for values in found]
    for column, values in zip(columns, found, strict=True):
        np.maximum.at(column, owners, values)
    return Logits(*columns)


@torch.inference_mode()
def predict(network: TriageNetwork, ids: Sequence[NDArray[np.int64]]) -> Logits:
    """Logits of encoded texts, in their order."""
    network.eval()
    widths = (network.areas, SEVERITY_STEPS, GRAPHIC_STEPS)
    columns = [np.zeros((len(ids), width), np.float32) for width in widths]
    device = network.wide.weight.device
    for index in like_length_batches([len(one) for one in ids]):
        found = network(*(torch.from_numpy(one).to(device) for one in pad([ids[one] for one in index])))
        for column, values in zip(columns, found, strict=True):
            column[index] = values.cpu().numpy()
    return Logits(*columns)


def report_line(report: AreaReport) -> str:
    """Macro AUPRC and its parts, in one line."""
    parts = ", ".join(f"{area} {entry.auprc:.3f}" for area, entry in report.areas.items())
    return f"macro AUPRC {report.macro_auprc:.4f} over {len(report.areas)} areas ({parts})"


def _judge(network: TriageNetwork, rows: Rows, areas: tuple[str, ...]) -> AreaReport:
    return area_report(rows.truth, predict(network, rows.ids).areas, areas)


def encode_rows(
    rows: Sequence[LabelledText], tokenizer: Tokenizer, areas: Sequence[str], *, config: TrainConfig | None = None
) -> Rows:
    """Rows as the network takes them, disguised and repeated as `config` says where it is given.

    `tokenizer` must know its limit already.
    """
    texts = [row.text for row in rows]
    truth = make_truth(rows, areas)
    pool, weights = np.arange(len(rows)), row_weights(rows)
    if config:
        chance = random.Random(config.seed)
        texts = [disguise(text, chance) if chance.random() < config.disguise else text for text in texts]
        pool = np.repeat(
            pool,
            np.maximum(
                repeat_rare(truth, below=config.repeat_rare_below, at_most=config.repeat_at_most),
                repeat_sources(rows, config),
            ),
        )
        if config.balance_mentions:
            weights *= mention_weights(rows)
    ids = encode_texts(texts, tokenizer)
    lengths = np.array([len(one) for one in ids], np.int64)
    return Rows(
        ids, lengths, truth, make_targets(rows, truth, areas), weights, pool, source_numbers(rows), find_twins(rows)
    )


def _begin(rows: Sequence[LabelledText], config: TrainConfig, *, areas: int) -> tuple[TriageNetwork, Tokenizer]:
    encoder, tokenizer = begin(config, [row.text for row in rows])
    limit_tokens(tokenizer, config.max_tokens)
    return build_network(encoder, config, areas=areas), tokenizer


def _identity(config: TrainConfig, rows: Sequence[LabelledText], areas: tuple[str, ...], start: Trained | None) -> str:
    """What a saved state must have been made with to be gone on from."""
    settings = {key: value for key, value in asdict(config).items() if key not in OF_THE_MACHINE}
    digest = hashlib.sha256(json.dumps([settings, areas], sort_keys=True).encode())
    for row in rows:
        digest.update(row.to_line().encode())
    if start:
        digest.update(str(start.rows_seen).encode())
        for name, values in start.network.state_dict().items():
            digest.update(name.encode())
            digest.update(values.cpu().numpy().tobytes())
    return digest.hexdigest()


class _Clock:
    """Wall-clock budget, some of it used before, that can be stopped while the run is looked at."""

    def __init__(self, minutes: float, used: float) -> None:
        self._budget = minutes * 60
        self._start = time.monotonic() - used

    def seconds(self) -> float:
        return time.monotonic() - self._start

    def share(self) -> float:
        return self.seconds() / self._budget

    @contextmanager
    def stopped(self) -> Iterator[None]:
        since = time.monotonic()
        yield
        self._start += time.monotonic() - since


def _tensors(rows: Rows, index: NDArray[np.int64], device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    ids, mask = pad([rows.ids[one] for one in index])
    return torch.from_numpy(ids).to(device), torch.from_numpy(mask).to(device)


def _schedule(share: float, warm_up: float) -> float:
    return min(share / warm_up, 1.0) * max(1 - share, 0.0)


def _optimizers(network: TriageNetwork, config: TrainConfig) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
    """One for encoder and heads, one for the n-gram table."""
    encoder = [weight for weight in network.encoder.parameters() if weight.requires_grad]
    dense = torch.optim.AdamW(
        [
            {"params": encoder, "base": config.encoder_rate, "weight_decay": config.weight_decay},
            {"params": list(network.head.parameters()), "base": config.head_rate, "weight_decay": 0.0},
        ]
    )
    table = [{"params": list(network.wide.parameters()), "base": config.wide_rate}]
    if network.wide.sparse:
        return dense, torch.optim.SparseAdam(table)
    return dense, torch.optim.AdamW(table, weight_decay=0.0)
