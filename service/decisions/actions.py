"""Which actions somebody may take on a case, and which are recommended: pure functions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from labeling.taxonomy import Action, Taxonomy
from service.decisions.schemas import ActionOut, ActionsOut, RecommendedOut
from service.errors.decisions import ActionNotAllowedError, ActionWithoutEffectError
from service.strikes.rules import Recommendation, Standing, StrikeRules, next_threshold, recommend
from service.strikes.schemas import StandingOut

NO_AUTHOR = "no author is known: report the subject with its author, or choose an action on the content"
NO_BREACH = "Choose a policy area and a severity: the model has given neither."


@dataclass(frozen=True, slots=True)
class Offer:
    """What a queue and a role leave of the taxonomy, on a subject whose author is known or not."""

    offered: Collection[str]
    has_author: bool

    def why_not(self, action: Action) -> str | None:
        """Why the action cannot be taken; None where it can."""
        if action.id not in self.offered:
            return "not offered in this queue to your role"
        return NO_AUTHOR if action.needs_author and not self.has_author else None


@dataclass(frozen=True, slots=True)
class Breach:
    """The area and severity that actions are recommended for, and who says so."""

    policy_area: str
    severity: int
    basis: Literal["caller", "model"]


def check_offered(actions: Sequence[str], offer: Offer, taxonomy: Taxonomy) -> None:
    """Refuse actions that cannot be taken. Raises ActionNotAllowedError, ActionWithoutEffectError."""
    refused = {action: reason for action in actions if (reason := offer.why_not(taxonomy.action(action)))}
    if not refused:
        return
    text = "; ".join(f"{taxonomy.action(action).name!r}: {reason}" for action, reason in refused.items())
    if any(action not in offer.offered for action in refused):
        raise ActionNotAllowedError(f"actions: {text}; GET /v1/cases/{{id}}/actions lists those you may take")
    raise ActionWithoutEffectError(f"actions: {text}")


def breach_of(score: Mapping[str, Any] | None, named: tuple[str, int] | None, taxonomy: Taxonomy) -> Breach | None:
    """What to recommend for: what the caller names, else what the model holds most likely.

    None without a score, and where its area has left the taxonomy since.
    """
    if named is not None:
        return Breach(*named, "caller")
    if score is None or score["primary_area"] not in taxonomy.label_ids:
        return None
    likely = max(range(len(score["severity"])), key=score["severity"].__getitem__)
    return Breach(score["primary_area"], likely, "model")


def offers(
    offer: Offer, breach: Breach | None, standing: Standing | None, *, rules: StrikeRules, taxonomy: Taxonomy
) -> ActionsOut:
    """Every action of the taxonomy with whether it may be taken, and what is recommended of those that may."""
    proposed = _proposed(breach, standing, rules, taxonomy)
    left_out = {action: reason for action in proposed.actions if (reason := offer.why_not(taxonomy.action(action)))}
    actions = [action for action in proposed.actions if action not in left_out]
    because = proposed.because
    if left_out:
        names = ", ".join(taxonomy.action(action).name for action in left_out)
        because += f" Left out, because it cannot be taken here: {names}."
    return ActionsOut(
        actions=[
            _shown(action, offer.why_not(action), recommended=action.id in actions) for action in taxonomy.actions
        ],
        recommended=RecommendedOut(
            actions=actions,
            because=because,
            policy_area=breach.policy_area if breach else None,
            severity=breach.severity if breach else None,
            basis=breach.basis if breach else None,
            strikes=_standing(standing, rules),
            rules_version=rules.version,
        ),
    )


def _proposed(
    breach: Breach | None, standing: Standing | None, rules: StrikeRules, taxonomy: Taxonomy
) -> Recommendation:
    if breach is None:
        return Recommendation((), NO_BREACH)
    return recommend(rules, taxonomy, area=breach.policy_area, severity=breach.severity, standing=standing)


def _standing(standing: Standing | None, rules: StrikeRules) -> StandingOut | None:
    if standing is None:
        return None
    following = next_threshold(rules, standing.weight)
    return StandingOut(weight=standing.weight, count=standing.count, next_threshold=following)


def _shown(action: Action, why_not: str | None, *, recommended: bool) -> ActionOut:
    return ActionOut(
        id=action.id,
        name=action.name,
        description=action.description,
        enforces=action.enforces,
        needs_author=action.needs_author,
        excludes=list(action.excludes),
        allowed=why_not is None,
        why_not=why_not,
        recommended=recommended,
    )
