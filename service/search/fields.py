"""What can be asked about a case beside words: one table for the parser, the completions and the page."""

from dataclasses import dataclass
from typing import Literal

# id: an identifier; part: some of an identifier; name: a word out of a list or of the platform's own; date, count: compared;
# person: somebody, or when.
Kind = Literal["id", "part", "name", "person", "date", "count"]

STATUSES = ("open", "leased", "held", "shed", "decided")
HAS = ("media", "image", "video", "audio", "note", "deadline", "special")


@dataclass(frozen=True, slots=True)
class Field:
    """One filter, `name:value`. `values` are all that there are; empty where they are not fixed."""

    name: str
    kind: Kind
    example: str
    values: tuple[str, ...] = ()


FIELDS: dict[str, Field] = {
    one.name: one
    for one in (
        Field("status", "name", "status:open", STATUSES),
        Field("area", "name", "area:harassment"),
        Field("severity", "count", "severity:>=3"),
        Field("queue", "name", "queue:default"),
        Field("author", "part", "author:anna"),
        Field("reporter", "part", "reporter:r77"),
        Field("subject", "part", "subject:post-1"),
        Field("kind", "name", "kind:comment"),
        Field("lang", "name", "lang:es"),
        Field("has", "name", "has:video", HAS),
        Field("channel", "name", "channel:user"),
        Field("reason", "name", "reason:spam"),
        Field("opened", "date", "opened:7d"),
        Field("due", "date", "due:4h"),
        Field("reports", "count", "reports:>=10"),
        Field("decided", "person", "decided:me"),
        Field("action", "name", "action:remove"),
        Field("special", "name", "special:legal_order"),
        Field("case", "id", "case:01990000-0000-7000-8000-000000000000"),
    )
}
