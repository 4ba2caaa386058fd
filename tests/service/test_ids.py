"""Identifiers sort by the time they were made."""

from uuid import UUID

from service.ids import new_id


def test_ids_are_of_version_seven_and_never_repeat() -> None:
    ids = [new_id() for _ in range(10_000)]
    assert len(set(ids)) == 10_000
    assert {one.version for one in ids} == {7}


def test_later_ids_sort_later() -> None:
    ids = [new_id() for _ in range(1_000)]
    assert ids == sorted(ids)


def test_ids_are_plain_uuids() -> None:
    assert type(new_id()) is UUID
