"""What a large call holds is light, keeps the last word on each subject, and its work leaves room for others."""

import asyncio
import gc
import time
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from service.telemetry.batch import MOST_PAUSE_SECONDS, Batch, GivingWay
from service.telemetry.schemas import ViewsUpdate

updates = st.lists(
    st.builds(
        ViewsUpdate,
        id=st.sampled_from("abcdef"),
        kind=st.sampled_from(["post", "profile"]),
        views_per_hour=st.floats(0, 1e9),
        at=st.none() | st.just(datetime(2026, 11, 1, tzinfo=UTC)),
    ),
    max_size=30,
)


@given(sent=st.lists(updates, max_size=4), size=st.integers(1, 7))
def test_chunks_hold_the_last_update_of_each_subject_once(sent: list[list[ViewsUpdate]], size: int) -> None:
    batch = Batch()
    for piece in sent:
        batch.add(piece)
    chunks = list(batch.chunks(size))
    every = [one for piece in sent for one in piece]
    last = {(one.kind, one.id): one for one in every}
    assert [one for chunk in chunks for one in chunk] == list(last.values())
    assert all(len(chunk) == size for chunk in chunks[:-1])
    assert (batch.sent, len(batch)) == (len(every), len(last))


def test_the_garbage_collector_finds_next_to_nothing_to_look_through() -> None:
    gc.collect()
    before = len(gc.get_objects())
    batch = Batch(ViewsUpdate(id=f"p{number}", kind="post", views_per_hour=number) for number in range(10_000))
    gc.collect()
    assert len(gc.get_objects()) - before < 100
    assert len(batch) == 10_000


async def test_the_rest_is_as_long_as_the_work_and_no_longer_than_the_limit() -> None:
    way = GivingWay()
    for work, least, most in (
        (0.03, 0.03, 0.2),
        (0.0, 0.0, 0.03),
        (2 * MOST_PAUSE_SECONDS, 0.9 * MOST_PAUSE_SECONDS, 0.45),
    ):
        await asyncio.to_thread(time.sleep, work)
        started = time.monotonic()
        await way.rest()
        assert least * 0.9 <= time.monotonic() - started <= most
