"""Decisions out as labelled rows, for training and evaluation."""

from collections.abc import AsyncIterator

from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.records import LabelledText
from labeling.taxonomy import Taxonomy
from service.exports import store

# The platform's own decisions on its own content; training configurations name the licences that they admit.
OWN_LICENCE = "own"


async def labelled_texts(connection: AsyncConnection, taxonomy: Taxonomy) -> AsyncIterator[LabelledText]:
    """Every standing decision as a labelled row; who decided is left out.

    A decision names one area and says nothing of the others, so only that one counts as annotated; a benign decision
    means that the reviewer found none of them.
    """
    harmless = {action.id for action in taxonomy.actions if not action.enforces}
    async for row in store.labels(connection):
        benign = row.policy_area == taxonomy.benign_id
        # An action that has left the taxonomy since did enforce something: the one that does not cannot leave.
        broken = any(action not in harmless for action in row.actions)
        yield LabelledText(
            id=f"decision:{row.id}",
            text=row.text,
            policy_areas=(row.policy_area,) if broken else (),
            annotated_areas=taxonomy.area_ids if benign else (row.policy_area,),
            # What breaks no rule has no severity, whatever the form held.
            severity=row.severity if broken else 0,
            source="decisions",
            lang=row.language or "und",
            licence=OWN_LICENCE,
            label_quality="gold",
            # What was decided with a cluster was not looked at by itself: such labels are not independent of each other.
            extra={"taxonomy_version": row.taxonomy_version, "basis": row.basis},
        )
