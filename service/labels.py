"""What a judgement on a case may say, and whether it says that a rule was broken."""

from collections.abc import Sequence

from labeling.taxonomy import Taxonomy
from service.errors.decisions import UnknownLabelError
from service.errors.requests import InvalidRequestError


def check_labels(actions: Sequence[str], policy_area: str, taxonomy: Taxonomy) -> None:
    """Refuse labels that do not exist and judgements that contradict themselves."""
    known = {action.id: action for action in taxonomy.actions}
    unknown = [action for action in actions if action not in known]
    if unknown:
        raise UnknownLabelError(f"actions: {', '.join(unknown)} not in the taxonomy; known: {', '.join(known)}")
    check_area(policy_area, taxonomy)
    clash = taxonomy.contradiction(actions)
    if clash is not None:
        one, other = (known[action].name for action in clash)
        raise InvalidRequestError(f"actions: {one!r} and {other!r} cannot be combined; leave one of them out")
    if policy_area == taxonomy.benign_id and any(known[action].enforces for action in actions):
        raise InvalidRequestError(
            "policy_area: benign content cannot be enforced against; name the area that was broken"
        )


def check_area(policy_area: str, taxonomy: Taxonomy) -> None:
    """Refuse an area that does not exist; benign is one of those that do."""
    if policy_area not in taxonomy.label_ids:
        raise UnknownLabelError(
            f"policy_area: {policy_area!r} not in the taxonomy; known: {', '.join(taxonomy.label_ids)}"
        )


def violates(actions: Sequence[str], taxonomy: Taxonomy) -> bool:
    """Whether a rule was broken, by what was done: an action that has left the taxonomy since did enforce."""
    return any(action != taxonomy.harmless_action.id for action in actions)
