"""A report as Markdown, and in short for the terminal."""

from eval.sections import Json, Section, Table, sections


def markdown(report: Json) -> str:
    """The whole report as one Markdown page."""
    parts = [f"# Evaluation of {report['name']}", "Written by `python -m eval run`."]
    parts += [part for section in sections(report) for part in section_markdown(section)]
    return "\n\n".join(parts) + "\n"


def section_markdown(section: Section, *, level: int = 2) -> list[str]:
    """Paragraphs of one section under a heading of that level."""
    parts = [f"{'#' * level} {section.title}", *section.notes]
    for table in section.tables:
        parts += [f"**{table.caption}**"] * bool(table.caption) + [table_markdown(table)]
    return parts


def table_markdown(table: Table) -> str:
    """One table, pipes in cells escaped."""
    lines = [table.head, ("---", *("--:" for _ in table.head[1:])), *table.rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def terminal(report: Json) -> str:
    """The summary and the figures by area as aligned text."""
    chosen = [one for one in sections(report) if one.id in {"summary", "areas"}]
    tables = [table for section in chosen for table in section.tables]
    notes = [note for section in chosen for note in section.notes[1:]]
    return "\n\n".join([*(aligned(table) for table in tables), *notes])


def aligned(table: Table) -> str:
    """One table as text in columns."""
    lines = (table.head, *table.rows)
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
