"""What a judgement on a case may say: labels that exist, and actions that do not contradict each other."""

from collections.abc import Sequence

from labeling.taxonomy import Taxonomy
from service.errors import InvalidRequestError, UnknownLabelError


def check_labels(actions: Sequence[str], policy_area: str, taxonomy: Taxonomy) -> None:
    """Refuse labels that do not exist and judgements that contradict themselves."""
    known = {action.id: action for action in taxonomy.actions}
    unknown = [action for action in actions if action not in known]
    if unknown:
        raise UnknownLabelError(f"actions: {', '.join(unknown)} not in the taxonomy; known: {', '.join(known)}")
    if policy_area not in taxonomy.label_ids:
        raise UnknownLabelError(
            f"policy_area: {policy_area!r} not in the taxonomy; known: {', '.join(taxonomy.label_ids)}"
        )
    clash = taxonomy.contradiction(actions)
    if clash is not None:
        one, other = (known[action].name for action in clash)
        raise InvalidRequestError(f"actions: {one!r} and {other!r} cannot be combined; leave one of them out")
    if policy_area == taxonomy.benign_id and any(known[action].enforces for action in actions):
        raise InvalidRequestError(
            "policy_area: benign content cannot be enforced against; name the area that was broken"
        )
