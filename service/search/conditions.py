"""From a question to SQL: what the cases it asks for have to fulfil. Values go as parameters, never into the text."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from service.search.query import Filter, Query

ME = "me"
# Handles are looked up by their parts of three letters; what is shorter has to be the whole.
PART = 3

# The decision that stands: not undone, and none that the viewer is kept from (:kept).
STANDING = """NOT EXISTS (SELECT FROM decision_undos u WHERE u.decision_id = d.id)
    AND d.id <> ALL(CAST(:kept AS uuid[]))"""
_DECIDED = f"SELECT d.case_id FROM decisions d WHERE {STANDING} AND"  # noqa: S608 - constants
_JUDGED = "SELECT e.id FROM evidence e WHERE e.score IS NOT NULL AND"
# As decided, and as long as nothing is, or nothing that the viewer may know of, as the model finds it.
_AS_JUDGED = f"""(c.id IN ({_DECIDED} {{decided}})
    OR (NOT EXISTS (SELECT FROM decisions d WHERE d.case_id = c.id AND {STANDING}) AND c.evidence_id IN ({_JUDGED} {{judged}})))"""

_OF_JUDGEMENTS = ("area", "severity")

_HAS = {
    "note": "c.id IN (SELECT r.case_id FROM reports r WHERE r.note <> '')",
    "deadline": "c.deadline IS NOT NULL",
    "special": "c.special IS NOT NULL",
    "media": "c.evidence_id IN (SELECT m.evidence_id FROM evidence_media m)",
}
_OF_KIND = """c.evidence_id IN (SELECT em.evidence_id FROM evidence_media em JOIN media m ON m.id = em.media_id
    WHERE m.kind = {kind})"""
_NAMES = {
    "status": "c.status = ANY({values})",
    "queue": "c.queue = ANY({values})",
    # Never unknown: what has no special route is one of those without this one.
    "special": "coalesce(c.special, '') = ANY({values})",
    "kind": "c.subject_id IN (SELECT s.id FROM subjects s WHERE s.kind = ANY({values}))",
    "channel": "c.id IN (SELECT r.case_id FROM reports r WHERE r.channel = ANY({values}))",
    "reason": "c.id IN (SELECT r.case_id FROM reports r WHERE r.reason = ANY({values}))",
    "action": f"c.id IN ({_DECIDED} d.actions && {{values}})",
}
# Where a handle lies; its parts are indexed. OFFSET 0: they are looked up once, and not made again of each case's handle.
_HANDLES = {
    "author": ("c.subject_id IN (SELECT s.id FROM subjects s WHERE {this} OFFSET 0)", "s.author_id"),
    "subject": ("c.subject_id IN (SELECT s.id FROM subjects s WHERE {this} OFFSET 0)", "s.external_id"),
    "reporter": ("c.id IN (SELECT r.case_id FROM reports r WHERE {this} OFFSET 0)", "r.reporter_id"),
}
_DECIDER = "d.decided_by = {viewer}"
_BY = f"""c.id IN ({_DECIDED} ({{me}}
    OR d.decided_by IN (SELECT p.id FROM principals p WHERE p.username = ANY({{named}}))))"""  # noqa: S608 - constants
_IDS = """c.id IN (SELECT {id} UNION SELECT r.case_id FROM reports r WHERE r.id = {id}
    UNION SELECT d.case_id FROM decisions d WHERE d.id = {id}
    UNION SELECT k.id FROM evidence_media m JOIN cases k ON k.evidence_id = m.evidence_id WHERE m.media_id = {id}
    UNION SELECT k.id FROM cases k WHERE k.evidence_id = {id})"""
_FOUND = """c.id IN (SELECT f.case_id FROM search_documents f
    WHERE f.words @@ {query} AND f.id <> ALL(CAST(:kept AS uuid[])){but})"""
_KNOWN = "c.id = ANY({cases})"
# OFFSET 0: asked about each document that was found, and not about all that have words which may be in nearly every text.
_NONE_OF = """NOT EXISTS (SELECT FROM search_documents n
    WHERE n.case_id = {case} AND n.words @@ {query} AND n.id <> ALL(CAST(:kept AS uuid[])) OFFSET 0)"""


@dataclass(frozen=True, slots=True)
class Needed:
    """Words as a tsquery, to be found anywhere in a case; `cases` are those that have them, where these are few."""

    words: str
    cases: Sequence[UUID] | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """What one person may find: the queues that they see, and all but the decisions and notes that they are kept from."""

    viewer: UUID
    seen: tuple[str, ...]
    kept: tuple[UUID, ...]
    # The scopes of cases in each language: by their numbers the database knows how many cases that are.
    languages: Mapping[str, Sequence[int]]

    def values(self) -> dict[str, Any]:
        """As the statements take it."""
        return {"viewer": self.viewer, "seen": list(self.seen), "kept": list(self.kept)}


@dataclass(slots=True)
class Conditions:
    """SQL conditions on a case `c`, joined by AND, with their parameters."""

    scope: Scope
    sql: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    def add(self, condition: str, *, negated: bool = False) -> None:
        """One more condition."""
        self.sql.append(f"NOT ({condition})" if negated else f"({condition})")

    def value(self, value: object, cast: str) -> str:
        """A parameter; returns how the text names it."""
        name = f"asked_{len(self.values)}"
        self.values[name] = value
        return f"CAST(:{name} AS {cast})"

    @property
    def text(self) -> str:
        """All of them."""
        return " AND ".join(self.sql) or "true"


def conditions(query: Query, scope: Scope, *, found: Sequence[Needed], left_out: Sequence[str]) -> Conditions:
    """What cases have to fulfil: all of `found`, nothing of the tsqueries `left_out`."""
    made = Conditions(scope)
    for needed in found:
        if needed.cases is not None:
            made.add(_KNOWN.format(cases=made.value(list(needed.cases), "uuid[]")))
    frequent = [needed.words for needed in found if needed.cases is None]
    if left_out:
        _leave_out(" | ".join(left_out), frequent, made, rare=len(frequent) < len(found))
    else:
        _require(frequent, made)
    judged = [one for one in query.filters if one.field in _OF_JUDGEMENTS]
    if together := [one for one in judged if not one.negated]:
        made.add(_judged(together, made))
    for one in judged:
        if one.negated:
            made.add(_judged([one], made), negated=True)
    for one in query.filters:
        if one not in judged:
            made.add(_CONDITIONS.get(one.field, _name)(one, made), negated=one.negated)
    return made


def _require(found: Sequence[str], made: Conditions) -> None:
    for words in found:
        made.add(_FOUND.format(query=made.value(words, "tsquery"), but=""))


def _leave_out(without: str, found: Sequence[str], made: Conditions, *, rare: bool) -> None:
    """None of these words, and all that is found: asked about as few documents as can be."""
    if rare:
        made.add(_NONE_OF.format(case="c.id", query=made.value(without, "tsquery")))
        _require(found, made)
    elif found:
        # What has a word and none of the others in all of its documents has it in one that has none of them.
        query_of_it = made.value(f"{found[0]} & !({without})", "tsquery")
        but = _NONE_OF.format(case="f.case_id", query=made.value(without, "tsquery"))
        made.add(_FOUND.format(query=query_of_it, but=f" AND {but}"))
        _require(found[1:], made)
    else:
        made.add(_FOUND.format(query=made.value(without, "tsquery"), but=""), negated=True)


def _name(one: Filter, made: Conditions) -> str:
    return _NAMES[one.field].format(values=made.value(list(one.values), "text[]"))


def _language(one: Filter, made: Conditions) -> str:
    scopes = [scope for value in one.values for scope in made.scope.languages.get(value, ())]
    return f"c.scope_id = ANY({made.value(scopes, 'integer[]')})"


def _has(one: Filter, made: Conditions) -> str:
    kinds = (_HAS.get(value) or _OF_KIND.format(kind=made.value(value, "text")) for value in one.values)
    return " OR ".join(kinds)


def _handle(one: Filter, made: Conditions) -> str:
    [value] = one.values
    cases, handle = _HANDLES[one.field]
    text = made.value(value, "text")
    if len(value) < PART:
        return cases.format(this=f"{handle} = {text}")
    return cases.format(
        this=f"search_parts({handle}) @> search_parts({text}) AND strpos(lower({handle}), lower({text})) > 0"
    )


def _judged(filters: Sequence[Filter], made: Conditions) -> str:
    """Area and severity of one and the same judgement."""
    decided, judged = [], []
    for one in filters:
        if one.field == "area":
            values = made.value(list(one.values), "text[]")
            decided.append(f"d.policy_area = ANY({values})")
            judged.append(f"e.score ->> 'primary_area' = ANY({values})")
        else:
            least = made.value(0 if one.least is None else one.least, "smallint")
            most = made.value(4 if one.most is None else one.most, "smallint")
            decided.append(f"d.severity BETWEEN {least} AND {most}")
            judged.append(f"likely_severity(e.score) BETWEEN {least} AND {most}")
    return _AS_JUDGED.format(decided=" AND ".join(decided), judged=" AND ".join(judged))


def _reports(one: Filter, made: Conditions) -> str:
    least = made.value(0 if one.least is None else one.least, "integer")
    most = made.value(2**31 - 1 if one.most is None else one.most, "integer")
    return f"c.report_count BETWEEN {least} AND {most}"


def _when(one: Filter, made: Conditions) -> str:
    column = {"opened": "c.opened_at", "due": "c.deadline", "decided": "d.decided_at"}[one.field]
    within = [f"{column} IS NOT NULL"]
    if one.span is not None and one.span.since is not None:
        within.append(f"{column} >= {made.value(one.span.since, 'timestamptz')}")
    if one.span is not None and one.span.until is not None:
        within.append(f"{column} < {made.value(one.span.until, 'timestamptz')}")
    both = " AND ".join(within)
    return f"c.id IN ({_DECIDED} {both})" if one.field == "decided" else both


def _decided(one: Filter, made: Conditions) -> str:
    if one.span is not None:
        return _when(one, made)
    me = _DECIDER if ME in one.values else "false"
    named = made.value([value for value in one.values if value != ME], "text[]")
    return _BY.format(me=me.format(viewer=made.value(made.scope.viewer, "uuid")), named=named)


def _id(one: Filter, made: Conditions) -> str:
    return _IDS.format(id=made.value(one.found, "uuid"))


_CONDITIONS: dict[str, Callable[[Filter, Conditions], str]] = {
    "has": _has,
    "lang": _language,
    "author": _handle,
    "subject": _handle,
    "reporter": _handle,
    "reports": _reports,
    "opened": _when,
    "due": _when,
    "decided": _decided,
    "case": _id,
}
