"""The order in which the answers to an item are shown."""

from hashlib import sha256
from uuid import UUID, uuid4

from service.quality.settling.workflow import in_neutral_order

SECRET, ANOTHER = "a secret of the installation", "that of another one"


def sources(item: UUID, secret: str) -> list[str]:
    answers = [{"source": "first"}, {"source": str(UUID(int=item.int ^ 1))}]
    return [str(one["source"]) for one in in_neutral_order(item, answers, secret)]


def test_it_cannot_be_guessed_by_who_knows_the_item_and_how_it_is_made() -> None:
    items = [uuid4() for _ in range(2_000)]
    firsts = {item: sources(item, SECRET)[0] == "first" for item in items}
    # Half of them, within five standard deviations.
    assert abs(sum(firsts.values()) - 1_000) < 112
    for guess in (lambda item: sources(item, ANOTHER)[0] == "first", early):
        assert abs(sum(firsts[item] == guess(item) for item in items) - 1_000) < 112


def early(item: UUID) -> bool:
    """By a plain hash of what is known, one half of its values goes before the other."""
    return sha256(f"{item}:first".encode()).hexdigest() < "8"


def test_it_is_the_same_whenever_the_item_is_read() -> None:
    item = uuid4()
    assert sources(item, SECRET) == sources(item, SECRET)
