"""From facts to a document: what happened, for one audience, on one page or in full. Plain rules, no model."""

from dataclasses import dataclass

from service.escalations.schemas import EscalationEventOut
from service.narratives.facts import OPEN_STATES, Facts, area_of, cause_name, figure_of, moment, spoken
from service.narratives.model import Block, Document, Figures, Heading, Paragraph, Table
from service.narratives.rules import AUDIENCES, EVENTS, REACHES, Rules, Told
from service.narratives.texts import clean, cut, masked

PROPOSED = "Proposed from the facts; nobody has edited it."
NO_PICTURES = "Pictures, clips and sound are never part of a narrative."


@dataclass(frozen=True, slots=True)
class Room:
    """How much of each thing there is room for: texts in columns of letters, lists in rows."""

    bottom_line: int
    text: int
    cell: int
    events: int
    pieces: int
    figures: int
    actions: int


ROOMS = {"brief": Room(420, 260, 90, 6, 3, 4, 3), "full": Room(4000, 4000, 1000, 500, 500, 20, 200)}


@dataclass(frozen=True, slots=True)
class Asked:
    """For whom, and in which form. `bottom_line` is what a person wrote, empty for the proposal."""

    audience: str
    form: str
    bottom_line: str = ""


def compose(facts: Facts, asked: Asked) -> Document:
    """The document for an audience."""
    rules, room = AUDIENCES[asked.audience], ROOMS[asked.form]
    written = bool(asked.bottom_line)
    line = _own(facts, rules, asked.bottom_line) or proposal(facts, rules)
    blocks: list[Block] = [Heading("Bottom line"), Paragraph(cut(line, room.bottom_line), "lead")]
    if not written:
        blocks.append(Paragraph(PROPOSED, "note"))
    blocks += _what_happened(facts, rules, room)
    blocks += _evidence(facts, rules, room)
    blocks += _figures(facts, rules, room, full=asked.form == "full")
    if rules.cause:
        blocks += _cause(facts, rules, room, full=asked.form == "full")
        blocks += _actions(facts, rules, room)
    if rules.own_words and asked.form == "full":
        blocks += _advice(facts, rules)
    blocks += _open(facts, rules)
    record = facts.record
    title = _own(facts, rules, record.title) if rules.own_words else f"{spoken(record.trigger).capitalize()}"
    return Document(
        title=f"E-{record.number} · {cut(title, 110)}",
        subtitle=f"{'Executive brief' if asked.form == 'brief' else 'Full report'} · {rules.name}",
        marking=rules.marking,
        language="en",
        audience=asked.audience,
        form=asked.form,
        facts_at=f"{moment(facts, facts.at)}, time zone {facts.zone.key}",
        blocks=tuple(blocks),
    )


def proposal(facts: Facts, rules: Rules) -> str:
    """The bottom line as the facts give it."""
    record = facts.record
    about = f" about {area_of(facts).lower()}" if record.policy_area else ""
    kind = spoken(record.trigger)
    # A "u" at the beginning is that of user.
    article = "an" if kind[0] in "aeio" else "a"
    said = [f"E-{record.number} is {article} {kind}{about}, received on {moment(facts, record.received_at)}."]
    if record.status == "resolved":
        said.append(f"It was resolved on {moment(facts, record.resolved_at)}: {spoken(record.resolution)}.")
    else:
        severity = f", severity {record.severity} of 4" if rules.own_words and record.severity is not None else ""
        said.append(f"It is {_STATUS[record.status]}{severity}.")
    if rules.cause and facts.cause is not None:
        said.append(f"Its cause: {cause_name(facts.cause)}.")
    overdue = sum(one.overdue for one in facts.actions)
    if facts.actions and rules.own_words:
        open_ones = sum(one.state in OPEN_STATES for one in facts.actions)
        said.append(f"Actions: {len(facts.actions)}, of which {open_ones} open and {overdue} overdue.")
    return " ".join(said)


_STATUS = {
    "new": "not yet worked on",
    "needs_information": "waiting for facts that are missing",
    "working": "being worked on",
    "waiting": "waiting for others",
    "resolved": "resolved",
}


def _what_happened(facts: Facts, rules: Rules, room: Room) -> list[Block]:
    blocks: list[Block] = [Heading("What happened")]
    summary = _own(facts, rules, facts.record.summary)
    if rules.own_words and summary:
        blocks.append(Paragraph(cut(summary, room.text)))
    if rules.requester:
        requester = facts.record.requester
        named = ", ".join(clean(one) for one in (requester.get(key) for key in _REQUESTER) if one)
        if named:
            blocks.append(Paragraph(cut(f"Raised by {named} ({spoken(facts.record.source)}).", room.text)))
    told = [(one, _told(one)) for one in facts.events]
    told = [(event, how) for event, how in told if how.weight and _reaches(how, rules)]
    kept = sorted(sorted(told, key=lambda one: one[1].weight, reverse=True)[: room.events], key=lambda one: one[0].id)
    rows = [(moment(facts, facts.record.received_at), "It was received")]
    rows += [(moment(facts, event.at), _event_words(event, how, rules, room)) for event, how in kept]
    blocks.append(Table("Timeline", ("When", "What"), tuple(rows)))
    if left := len(told) - len(kept):
        blocks.append(Paragraph(f"Smaller events left out here: {left}.", "note"))
    return blocks


_REQUESTER = ("name", "organisation", "email", "reference")


def _told(event: EscalationEventOut) -> Told:
    direction = event.data.get("direction")
    if event.data.get("automatic"):
        # A receipt is told of where it is written.
        return Told("", 0)
    if event.kind != "escalation.said":
        return EVENTS.get(event.kind, Told(spoken(event.kind).capitalize(), 1))
    kind = f"{event.kind}/{direction}"
    return EVENTS.get(f"{kind}/{event.data.get('kind')}", EVENTS[kind])


def _reaches(how: Told, rules: Rules) -> bool:
    return REACHES.index(how.reach) >= REACHES.index(rules.reach)


def _event_words(event: EscalationEventOut, how: Told, rules: Rules, room: Room) -> str:
    by = f" ({event.actor})" if rules.staff and event.actor else ""
    return cut(f"{how.words}{by}", room.cell)


def _evidence(facts: Facts, rules: Rules, room: Room) -> list[Block]:
    cases = [one for one in facts.evidence if one.kind == "case"]
    media = sum(one.media for one in facts.evidence)
    said = f"Cases: {len(cases)}. Media: {media}. Accounts and assets: {facts.assets}. {NO_PICTURES}"
    blocks: list[Block] = [Heading("Evidence"), Paragraph(said)]
    if rules.evidence == "counts" or not facts.evidence:
        return blocks
    shown = facts.evidence[: room.pieces]
    if rules.evidence == "hashes":
        head = ("Piece", "Reference", "Status", "SHA-256")
        rows = [(one.kind, one.reference, one.status, one.sha256) for one in shown]
        blocks.append(Table("Pieces", head, tuple(rows)))
    else:
        rows_short = [(one.kind, one.reference, one.status) for one in shown]
        blocks.append(Table("Pieces", ("Piece", "Reference", "Status"), tuple(rows_short)))
    if left := len(facts.evidence) - len(shown):
        blocks.append(Paragraph(f"Further pieces left out here: {left}.", "note"))
    return blocks


def _figures(facts: Facts, rules: Rules, room: Room, *, full: bool) -> list[Block]:
    rows = [figure_of(facts.figures[name]) for name in rules.figures if name in facts.figures]
    if not full:
        # Where there is little room, what is not known makes place for what is.
        rows = sorted(rows, key=lambda one: one.value is None)[: room.figures]
    if not rows:
        return []
    return [Heading("Figures"), Figures("Figures", tuple(rows), defined=full)]


def _cause(facts: Facts, rules: Rules, room: Room, *, full: bool) -> list[Block]:
    blocks: list[Block] = [Heading("Cause")]
    cause = facts.cause
    if cause is None:
        return [*blocks, Paragraph("The root cause is not established yet.")]
    if not rules.own_words or not (cause.whys or cause.factors):
        return [*blocks, Paragraph(f"{cause_name(cause)}.")]
    if not full:
        last = f" {_own(facts, rules, cause.whys[-1].because)}" if cause.whys else ""
        return [*blocks, Paragraph(cut(f"{cause_name(cause)}.{last}", room.text))]
    blocks.append(Paragraph(f"{cause_name(cause)}."))
    if cause.whys:
        rows = tuple((_own(facts, rules, one.why), _own(facts, rules, one.because)) for one in cause.whys)
        blocks.append(Table("Five whys", ("Why", "Because"), rows))
    if cause.factors:
        rows_one = tuple((_own(facts, rules, one),) for one in cause.factors)
        blocks.append(Table("What contributed", ("Factor",), rows_one))
    return blocks


def _actions(facts: Facts, rules: Rules, room: Room) -> list[Block]:
    blocks: list[Block] = [Heading("Actions")]
    if not facts.actions:
        return [*blocks, Paragraph("No action is registered.")]
    if not rules.own_words:
        done = sum(one.state == "done" for one in facts.actions)
        return [*blocks, Paragraph(f"{done} of {len(facts.actions)} registered actions are done.")]
    shown = sorted(facts.actions, key=lambda one: one.state not in OPEN_STATES)[: room.actions]
    rows = []
    for one in shown:
        owner = ", ".join(filter(None, (_own(facts, rules, one.team), (one.owner or "") if rules.staff else "")))
        state = f"{one.state}, overdue" if one.overdue else one.state
        rows.append(
            (
                f"I-{one.number}",
                cut(_own(facts, rules, one.title), room.cell),
                cut(owner, 40) or "-",
                str(one.due_on),
                state,
            )
        )
    blocks.append(Table("Actions", ("No.", "What", "Who", "Due", "State"), tuple(rows)))
    if left := len(facts.actions) - len(shown):
        blocks.append(Paragraph(f"Further actions left out here: {left}.", "note"))
    return blocks


def _advice(facts: Facts, rules: Rules) -> list[Block]:
    if not facts.advice:
        return []
    rows = tuple(
        tuple(_own(facts, rules, said) for said in (one.team, one.question, one.answer)) for one in facts.advice
    )
    return [Heading("Advice"), Table("Advice", ("Team", "Question", "Answer"), rows)]


def _open(facts: Facts, rules: Rules) -> list[Block]:
    blocks: list[Block] = [Heading("What is open")]
    if facts.record.status == "resolved":
        return [*blocks, Paragraph("The record is resolved.")]
    if rules.deadlines == "none":
        return [*blocks, Paragraph("Work on it goes on.")]
    if facts.due is None or (rules.deadlines == "legal" and not facts.due.hard):
        return [*blocks, Paragraph("No deadline runs." if rules.deadlines == "all" else "No legal deadline runs.")]
    kind = "legal deadline" if facts.due.hard else "target"
    paused = ", paused" if facts.due.paused else ""
    return [
        *blocks,
        Paragraph(f"Next: {spoken(facts.due.target)}, due {moment(facts, facts.due.due_at)} ({kind}{paused})."),
    ]


def _own(facts: Facts, rules: Rules, text: str) -> str:
    """What somebody wrote, on one line, without people where the audience may not read of them. Before any cut: half a name is one."""
    line = clean(text)
    return line if rules.names_people else masked(line, facts.hidden)
