"""Decisions out as labelled rows, for training and evaluation."""

from collections.abc import AsyncIterator

from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.records import LabelledText
from labeling.taxonomy import Taxonomy
from service.exports import store


async def labelled_texts(connection: AsyncConnection, taxonomy: Taxonomy) -> AsyncIterator[LabelledText]:
    """Every standing decision as a labelled row; who decided is left out.

    A decision names one area and says nothing of the others, so only that one counts as annotated; a benign decision
    means that the reviewer found none of them.
    """
    async for row in store.labels(connection):
        benign = row.policy_area == taxonomy.benign_id
        broken = any(taxonomy.action(action).enforces for action in row.actions)
        yield LabelledText(
            id=f"decision:{row.id}",
            text=row.text,
            policy_areas=(row.policy_area,) if broken else (),
            annotated_areas=taxonomy.area_ids if benign else (row.policy_area,),
            # What breaks no rule has no severity, whatever the form held.
            severity=row.severity if broken else 0,
            source="decisions",
            lang=row.language or "und",
            label_quality="gold",
            extra={"taxonomy_version": row.taxonomy_version},
        )
