"""The network: a small transformer encoder (deep) beside a table of hashed token n-grams (wide), three heads on their sum.

The wide branch is what a linear bag-of-n-grams model would learn, kept inside the same graph, so that one ONNX file
scores both (Cheng et al. 2016, "Wide & Deep Learning for Recommender Systems"). Severity and graphic level are ordinal:
one logit for each step "more than k" (Frank & Hall 2001).
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from labeling.taxonomy import GRAPHIC_LEVELS, SEVERITY_LEVELS

SEVERITY_STEPS = SEVERITY_LEVELS - 1
GRAPHIC_STEPS = GRAPHIC_LEVELS - 1


@dataclass(frozen=True, slots=True)
class WideConfig:
    """Sizes of the n-gram table: `rows` in all, the first `vocabulary` of them one for each token."""

    rows: int
    vocabulary: int


class TriageNetwork(nn.Module):
    """Scores token ids. The heads give `areas` logits, and cumulative logits: SEVERITY_STEPS and GRAPHIC_STEPS."""

    def __init__(
        self, encoder: nn.Module, *, hidden: int, areas: int, wide: WideConfig, frozen_layers: int = 0
    ) -> None:
        """`frozen_layers` of the encoder, counted from its embeddings, are those that `states_below` runs."""
        super().__init__()
        self.encoder = encoder
        self.wide_config = wide
        self.areas = areas
        self._frozen_layers = frozen_layers
        outputs = areas + SEVERITY_STEPS + GRAPHIC_STEPS
        self.head = nn.Linear(2 * hidden, outputs)
        self.dropout = nn.Dropout(0.1)
        self.wide = nn.Embedding(wide.rows, outputs)
        nn.init.zeros_(self.wide.weight)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        keep_wide: torch.Tensor | None = None,
        below: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Map int64 (batch, length) ids and mask to (batch, areas), (batch, SEVERITY_STEPS), (batch, GRAPHIC_STEPS).

        Training passes `keep_wide` (batch, 1): 0 leaves the table out of a row, so that the encoder must learn what
        the table already knows; at inference the two then act as an ensemble. `below`, where given, are the states
        (batch, length, hidden) that `states_below` gave, whose layers are then not run again.
        """
        wide = self.wide_logits(input_ids, attention_mask)
        deep = self._deep_logits(input_ids, attention_mask, below)
        logits = deep + (wide if keep_wide is None else keep_wide * wide)
        return self.split(logits)

    def split(self, logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Area, severity and graphic columns of (batch, outputs) logits."""
        severity = self.areas + SEVERITY_STEPS
        return logits[:, : self.areas], logits[:, self.areas : severity], logits[:, severity:]

    def wide_logits(self, ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """The table's share of the (batch, outputs) logits."""
        alone, pairs, length = self._wide_parts(ids, attention_mask)
        shared: torch.Tensor = (alone.sum(1) + pairs.sum(1)) / length
        return shared

    def token_hints(self, ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """What each token adds to the table's share of the area logits (batch, length, areas).

        They sum to that share exactly; what a pair of tokens adds is halved between the two.
        """
        alone, pairs, length = self._wide_parts(ids, attention_mask)
        nothing = torch.zeros_like(alone[:, :1])
        halves = torch.cat([pairs, nothing], 1) / 2 + torch.cat([nothing, pairs], 1) / 2
        hints: torch.Tensor = ((alone + halves) / length.unsqueeze(1))[:, :, : self.areas]
        return hints

    def _wide_parts(
        self, ids: torch.Tensor, attention_mask: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Rows of the table for tokens (batch, length, outputs) and pairs, and what their sum is divided by."""
        mask = attention_mask.unsqueeze(-1).to(self.wide.weight.dtype)
        first, rest = self.wide_config.vocabulary, self.wide_config.rows - self.wide_config.vocabulary
        # Token ids stay below 2**17, so the products stay far inside int64; the primes only spread pairs over the
        # rows behind the vocabulary.
        pairs = (ids[:, :-1] * 1_000_003 + ids[:, 1:] * 8_191) % rest + first
        # Long texts would otherwise drown the encoder: the sum grows with length, its spread with the square root.
        return self.wide(ids) * mask, self.wide(pairs) * mask[:, 1:], mask.sum(1).clamp(min=1).sqrt()

    def states_below(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """States (batch, length, hidden) after embeddings and frozen layers, which go without dropout."""
        encoder: Any = self.encoder
        states: torch.Tensor = encoder.embeddings.eval()(input_ids=input_ids)
        for layer in encoder.encoder.layer[: self._frozen_layers]:
            states = layer.eval()(states, _added(attention_mask))
        return states

    def _deep_logits(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, below: torch.Tensor | None = None
    ) -> torch.Tensor:
        encoder: Any = self.encoder
        added = _added(attention_mask)
        if below is None:
            hidden = encoder(input_ids=input_ids, attention_mask=added).last_hidden_state
        else:
            hidden = below
            for layer in encoder.encoder.layer[self._frozen_layers :]:
                hidden = layer(hidden, added)
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1)
        largest = (hidden + (mask - 1) * 1e4).max(1).values
        logits: torch.Tensor = self.head(self.dropout(torch.cat([mean, largest], 1)))
        return logits


def _added(attention_mask: torch.Tensor) -> torch.Tensor:
    # As attention adds it, made here: what the encoder would make of a plain mask depends on the values it sees,
    # which a traced graph would then repeat for ever.
    return (1.0 - attention_mask[:, None, None, :].float()) * torch.finfo(torch.float32).min
