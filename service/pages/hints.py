"""What the page of a case needs for hints on words: on which area they begin, and where its places lie."""

import json
import re
from dataclasses import dataclass

from labeling.taxonomy import Taxonomy
from service.cases.schemas import CaseOut
from service.errors.cases import HintsUnavailableError
from service.hints.workflow import asked_by_score
from service.pages.language import N_
from service.pages.views import label_name

KEY = (("W",), N_("Show what the model reacted to; again to hide it"))


@dataclass(frozen=True, slots=True)
class HintsOffer:
    """Hints can be asked for, first on this area.

    `returns` is a JSON list of the places where a line ends in two characters: a browser makes one of them, and counts
    differently from there on.
    """

    area: str
    name: str
    returns: str


def offer(case: CaseOut, taxonomy: Taxonomy) -> HintsOffer | None:
    """None where there is nothing to explain: no score, no text, or a model that has learned no area."""
    if case.score is None or not case.subject.text:
        return None
    try:
        area = asked_by_score(case.score.model_dump())
    except HintsUnavailableError:
        return None
    returns = [found.start() for found in re.finditer("\r\n", case.subject.text)]
    return HintsOffer(area, label_name(taxonomy, area), json.dumps(returns))
