"""From facts to a document: what happened, for one audience, on one page or in full, in one language. Plain rules, no model."""

from dataclasses import dataclass

from service.catalogues import N_, Voice
from service.escalations.schemas import EscalationEventOut
from service.narratives.facts import OPEN_STATES, Facts, Piece, area_of, cause_name, figure_of, moment, spoken
from service.narratives.model import Block, Document, Figures, Heading, Paragraph, Table
from service.narratives.rules import AUDIENCES, EVENTS, REACHES, Rules, Told
from service.narratives.texts import MASK, clean, cut, masked

PROPOSED = N_("Proposed from the facts; nobody has edited it.")
NO_PICTURES = N_("Pictures, clips and sound are never part of a narrative.")


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


FORMS = {"brief": N_("Executive brief"), "full": N_("Full report")}
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
    blocks: list[Block] = [Heading(facts.say("Bottom line")), Paragraph(cut(line, room.bottom_line), "lead")]
    if not written:
        blocks.append(Paragraph(facts.say(PROPOSED), "note"))
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
    title = _own(facts, rules, record.title) if rules.own_words else facts.say(spoken(record.trigger)).capitalize()
    return Document(
        title=f"E-{record.number} · {cut(title, 110)}",
        subtitle=f"{facts.say(FORMS[asked.form])} · {facts.say(rules.name)}",
        marking=facts.say(rules.marking),
        language=facts.say.code,
        audience=asked.audience,
        form=asked.form,
        facts_at=facts.say("%(when)s, time zone %(zone)s", when=moment(facts, facts.at), zone=facts.zone.key),
        blocks=tuple(blocks),
    )


def proposal(facts: Facts, rules: Rules) -> str:
    """The bottom line as the facts give it."""
    record, say = facts.record, facts.say
    number, kind, area = record.number, say(spoken(record.trigger)), area_of(facts).lower()
    when = moment(facts, record.received_at)
    said = [
        say(
            "E-%(number)s (%(kind)s about %(area)s) was received on %(when)s.",
            number=number,
            kind=kind,
            area=area,
            when=when,
        )
        if area
        else say("E-%(number)s (%(kind)s) was received on %(when)s.", number=number, kind=kind, when=when)
    ]
    if record.status == "resolved":
        ended, how = moment(facts, record.resolved_at), say(spoken(record.resolution))
        said.append(say("It was resolved on %(when)s: %(how)s.", when=ended, how=how))
    else:
        said.append(say(_STATUS[record.status]))
        if rules.own_words and record.severity is not None:
            said.append(say("Its severity is %(severity)s of 4.", severity=record.severity))
    if rules.cause and facts.cause is not None:
        said.append(say("Its cause: %(cause)s.", cause=cause_name(facts.cause, say)))
    overdue = sum(one.overdue for one in facts.actions)
    if facts.actions and rules.own_words:
        unfinished = sum(one.state in OPEN_STATES for one in facts.actions)
        said.append(
            say(
                "Actions: %(count)s, of which %(open)s open and %(overdue)s overdue.",
                count=len(facts.actions),
                open=unfinished,
                overdue=overdue,
            )
        )
    return " ".join(said)


_STATUS = {
    "new": N_("It is not yet worked on."),
    "needs_information": N_("It waits for facts that are missing."),
    "working": N_("It is being worked on."),
    "waiting": N_("It waits for others."),
}


def _what_happened(facts: Facts, rules: Rules, room: Room) -> list[Block]:
    blocks: list[Block] = [Heading(facts.say("What happened"))]
    summary = _own(facts, rules, facts.record.summary)
    if rules.own_words and summary:
        blocks.append(Paragraph(cut(summary, room.text)))
    if rules.requester:
        requester = facts.record.requester
        named = ", ".join(clean(one) for one in (requester.get(key) for key in _REQUESTER) if one)
        if named:
            source = facts.say(spoken(facts.record.source))
            blocks.append(
                Paragraph(cut(facts.say("Raised by %(name)s (%(source)s).", name=named, source=source), room.text))
            )
    told = [(one, _told(one)) for one in facts.events]
    told = [(event, how) for event, how in told if how.weight and _reaches(how, rules)]
    kept = sorted(sorted(told, key=lambda one: one[1].weight, reverse=True)[: room.events], key=lambda one: one[0].id)
    rows = [(moment(facts, facts.record.received_at), facts.say("It was received"))]
    rows += [(moment(facts, event.at), _event_words(facts, event, how, rules=rules, room=room)) for event, how in kept]
    blocks.append(Table(facts.say("Timeline"), (facts.say("When"), facts.say("What")), tuple(rows)))
    if left := len(told) - len(kept):
        blocks.append(Paragraph(facts.say("Smaller events left out here: %(count)s.", count=left), "note"))
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


def _event_words(facts: Facts, event: EscalationEventOut, how: Told, *, rules: Rules, room: Room) -> str:
    by = f" ({event.actor})" if rules.staff and event.actor else ""
    return cut(f"{facts.say(how.words)}{by}", room.cell)


def _evidence(facts: Facts, rules: Rules, room: Room) -> list[Block]:
    cases = [one for one in facts.evidence if one.kind == "case"]
    media = sum(one.media for one in facts.evidence)
    say = facts.say
    counts = say(
        "Cases: %(cases)s. Media: %(media)s. Accounts and assets: %(assets)s.",
        cases=len(cases),
        media=media,
        assets=facts.assets,
    )
    blocks: list[Block] = [Heading(say("Evidence")), Paragraph(f"{counts} {say(NO_PICTURES)}")]
    if rules.evidence == "counts" or not facts.evidence:
        return blocks
    shown = facts.evidence[: room.pieces]
    if rules.evidence == "hashes":
        head = (say("Piece"), say("Reference"), say("Status"), "SHA-256")
        rows = [(*_piece(one, say), one.sha256) for one in shown]
        blocks.append(Table(say("Pieces"), head, tuple(rows)))
    else:
        rows_short = [_piece(one, say) for one in shown]
        blocks.append(Table(say("Pieces"), (say("Piece"), say("Reference"), say("Status")), tuple(rows_short)))
    if left := len(facts.evidence) - len(shown):
        blocks.append(Paragraph(say("Further pieces left out here: %(count)s.", count=left), "note"))
    return blocks


def _piece(one: Piece, say: Voice) -> tuple[str, str, str]:
    """What a piece of evidence is, how it is called, and its state."""
    called = one.reference if one.kind == "case" else say("file %(number)s", number=one.reference)
    return say(one.kind), called, say(spoken(one.status))


def _figures(facts: Facts, rules: Rules, room: Room, *, full: bool) -> list[Block]:
    rows = [figure_of(facts.figures[name], facts.say) for name in rules.figures if name in facts.figures]
    if not full:
        # Where there is little room, what is not known makes place for what is.
        rows = sorted(rows, key=lambda one: one.value is None)[: room.figures]
    if not rows:
        return []
    return [Heading(facts.say("Figures")), Figures(facts.say("Figures"), tuple(rows), defined=full)]


def _cause(facts: Facts, rules: Rules, room: Room, *, full: bool) -> list[Block]:
    blocks: list[Block] = [Heading(facts.say("Cause"))]
    cause, say = facts.cause, facts.say
    if cause is None:
        return [*blocks, Paragraph(say("The root cause is not established yet."))]
    if not rules.own_words or not (cause.whys or cause.factors):
        return [*blocks, Paragraph(f"{cause_name(cause, say)}.")]
    if not full:
        last = f" {_own(facts, rules, cause.whys[-1].because)}" if cause.whys else ""
        return [*blocks, Paragraph(cut(f"{cause_name(cause, say)}.{last}", room.text))]
    blocks.append(Paragraph(f"{cause_name(cause, say)}."))
    if cause.whys:
        rows = tuple((_own(facts, rules, one.why), _own(facts, rules, one.because)) for one in cause.whys)
        blocks.append(Table(say("Five whys"), (say("Why"), say("Because")), rows))
    if cause.factors:
        rows_one = tuple((_own(facts, rules, one),) for one in cause.factors)
        blocks.append(Table(say("What contributed"), (say("Factor"),), rows_one))
    return blocks


def _actions(facts: Facts, rules: Rules, room: Room) -> list[Block]:
    say = facts.say
    blocks: list[Block] = [Heading(say("Actions"))]
    if not facts.actions:
        return [*blocks, Paragraph(say("No action is registered."))]
    if not rules.own_words:
        done = sum(one.state == "done" for one in facts.actions)
        return [
            *blocks,
            Paragraph(
                say("Registered actions that are done: %(done)s of %(count)s.", done=done, count=len(facts.actions))
            ),
        ]
    shown = sorted(facts.actions, key=lambda one: one.state not in OPEN_STATES)[: room.actions]
    rows = []
    for one in shown:
        owner = ", ".join(filter(None, (_own(facts, rules, one.team), (one.owner or "") if rules.staff else "")))
        state = f"{say(one.state)}, {say('overdue')}" if one.overdue else say(one.state)
        rows.append(
            (
                f"I-{one.number}",
                cut(_own(facts, rules, one.title), room.cell),
                cut(owner, 40) or "-",
                str(one.due_on),
                state,
            )
        )
    blocks.append(Table(say("Actions"), (say("No."), say("What"), say("Who"), say("Due"), say("State")), tuple(rows)))
    if left := len(facts.actions) - len(shown):
        blocks.append(Paragraph(say("Further actions left out here: %(count)s.", count=left), "note"))
    return blocks


def _advice(facts: Facts, rules: Rules) -> list[Block]:
    if not facts.advice:
        return []
    rows = tuple(
        tuple(_own(facts, rules, said) for said in (one.team, one.question, one.answer)) for one in facts.advice
    )
    say = facts.say
    return [Heading(say("Advice")), Table(say("Advice"), (say("Team"), say("Question"), say("Answer")), rows)]


def _open(facts: Facts, rules: Rules) -> list[Block]:
    return [Heading(facts.say("What is open")), Paragraph(_what_is_open(facts, rules))]


def _what_is_open(facts: Facts, rules: Rules) -> str:
    say, due = facts.say, facts.due
    if facts.record.status == "resolved":
        return say("The record is resolved.")
    if rules.deadlines == "none":
        return say("Work on it goes on.")
    if due is None or (rules.deadlines == "legal" and not due.hard):
        return say("No deadline runs.") if rules.deadlines == "all" else say("No legal deadline runs.")
    target, when = say(spoken(due.target)), moment(facts, due.due_at)
    if due.hard:
        return say("Next: %(target)s, due %(when)s (legal deadline).", target=target, when=when)
    if due.paused:
        return say("Next: %(target)s, due %(when)s (target, paused).", target=target, when=when)
    return say("Next: %(target)s, due %(when)s (target).", target=target, when=when)


def _own(facts: Facts, rules: Rules, text: str) -> str:
    """What somebody wrote, on one line, without people where the audience may not read of them. Before any cut: half a name is one."""
    line = clean(text)
    return line if rules.names_people else masked(line, facts.hidden, mark=facts.say(MASK))
