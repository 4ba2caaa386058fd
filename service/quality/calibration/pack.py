"""A calibration session as a pack to take along, in JSON and in Markdown: pure functions."""

import re

from labeling.taxonomy import Taxonomy
from service.quality.calibration.schemas import (
    CalibrationItemOut,
    CalibrationOut,
    PackArea,
    PackOut,
    PackSeverity,
)
from service.quality.settling.schemas import SaidOut


def pack_of(shown: CalibrationOut, taxonomy: Taxonomy) -> PackOut:
    """The pack with the anchors of every severity and of the areas that are named in it."""
    named = {said.policy_area for item in shown.contents for said in _labels(item)}
    return PackOut(
        taxonomy_version=taxonomy.version,
        title=shown.title,
        made_at=shown.made_at,
        guidance=shown.guidance,
        areas=[
            PackArea(id=area.id, name=area.name, description=area.description, floor=area.floor)
            for area in taxonomy.areas
            if area.id in named
        ],
        severities=[PackSeverity(level=one.level, name=one.name, anchor=one.anchor) for one in taxonomy.severities],
        items=shown.contents,
    )


def markdown(pack: PackOut) -> str:
    """The pack for reading and printing. Content and notes stand in quotes, so that nothing in them is formatting."""
    lines = [f"# {_line(pack.title)}", "", f"Taxonomy {pack.taxonomy_version}, {pack.made_at:%Y-%m-%d}."]
    if pack.guidance:
        lines += ["", "## Guidance", "", _quoted(pack.guidance)]
    lines += ["", "## Severity anchors", ""]
    lines += [f"- **{one.level} {one.name}**: {one.anchor}" for one in pack.severities]
    if pack.areas:
        lines += ["", "## Policy areas", ""]
        lines += [f"- **{area.name}** (`{area.id}`, from {area.floor} on): {area.description}" for area in pack.areas]
    for number, item in enumerate(pack.items, start=1):
        lines += ["", f"## Item {number}", "", *_item_lines(item)]
    return "\n".join(lines) + "\n"


def _item_lines(item: CalibrationItemOut) -> list[str]:
    lines = [f"{_line(item.kind)}, language {_line(item.language or 'not stated')}", "", _quoted(item.text), ""]
    lines += ["| answer | area | severity | actions |", "|---|---|---|---|"]
    lines += [_row(one.name, one) for one in item.answers]
    lines.append(_row("Settled", item.settled))
    if item.agreed:
        lines.append(_row("**Agreed**", item.agreed))
    for one in item.answers:
        if one.note:
            lines += ["", f"Note of {one.name}:", "", _quoted(one.note)]
    if item.note:
        lines += ["", "Why:", "", _quoted(item.note)]
    return lines


def _row(name: str, said: SaidOut) -> str:
    return f"| {name} | {said.policy_area} | {said.severity} | {', '.join(said.actions)} |"


def _quoted(text: str) -> str:
    # Indented by four inside the quote: a code block, in which Markdown and HTML are plain characters.
    return "\n".join(f">     {line}" for line in text.splitlines() or [""])


def _line(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]()#+!|<>~-])", r"\\\1", " ".join(text.split()))


def _labels(item: CalibrationItemOut) -> list[SaidOut]:
    return [*item.answers, item.settled, *([item.agreed] if item.agreed else [])]
