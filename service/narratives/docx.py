"""A narrative as DOCX: real headings, tables with head rows, a language, and nothing about whoever made it."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime

import docx
from docx.document import Document as File
from docx.enum.section import WD_ORIENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.oxml.table import CT_Tbl
from docx.shared import Mm, Pt, RGBColor
from docx.table import Table as FileTable
from docx.text.paragraph import Paragraph as FileParagraph

from service.catalogues import Voice
from service.narratives.model import (
    Document,
    Figures,
    Heading,
    Paragraph,
    Table,
    asked,
    closing,
    figure_defined,
    figure_head,
    footing,
    lines,
    widths,
)
from service.narratives.texts import is_right_to_left

PAPERS = {"a4": (Mm(210), Mm(297)), "letter": (Mm(215.9), Mm(279.4))}
# What is left of the narrower paper between its margins.
TEXT_MM = 174.0
# From so many letters on a brief is full.
FULL_LETTERS = 2200
LANGUAGES = {"en": "en-GB", "es": "es-ES"}
SOFT = RGBColor(0x56, 0x5C, 0x69)
BAD = RGBColor(0xA3, 0x16, 0x21)


def as_docx(document: Document, *, paper: str, made_at: datetime) -> bytes:
    """The file. Takes some tens of milliseconds: not for the event loop."""
    file = docx.Document()
    _page(file, document, paper)
    _styles(file, document)
    _properties(file, document, made_at)
    _text(file.add_heading(level=1), document.title)
    _soft(file.add_paragraph(document.subtitle))
    say = Voice(document.language)
    for block in document.blocks:
        match block:
            case Heading():
                file.add_heading(block.text, level=2)
            case Paragraph():
                _paragraph(file.add_paragraph(), block, lead=Pt(_size(document) * 1.1))
            case Table():
                _table(file, block, widths(block.title, len(block.head), say=say))
            case Figures():
                rows = tuple((one.title, one.said, one.name) for one in block.rows)
                _table(file, Table(block.title, figure_head(say), rows), widths(block.title, 3, say=say))
                _defined(file, block, say)
    _soft(file.add_paragraph(closing(document)))
    written = io.BytesIO()
    file.save(written)
    return written.getvalue()


def _page(file: File, document: Document, paper: str) -> None:
    section = file.sections[0]
    section.page_width, section.page_height = PAPERS[paper]
    section.orientation = WD_ORIENT.PORTRAIT
    section.left_margin = section.right_margin = Mm(18)
    section.top_margin = section.bottom_margin = Mm(18)
    section.header_distance = section.footer_distance = Mm(9)
    marking = section.header.paragraphs[0].add_run(document.marking)
    marking.bold, marking.font.size, marking.font.color.rgb = True, Pt(8), BAD
    foot = section.footer.paragraphs[0]
    foot.add_run(f"{footing(document)} · ")
    _field(foot, "PAGE")
    foot.add_run(" / ")
    _field(foot, "NUMPAGES")
    for run in foot.runs:
        run.font.size, run.font.color.rgb = Pt(7.5), SOFT


def _styles(file: File, document: Document) -> None:
    normal = file.styles["Normal"]
    normal.font.name, normal.font.size = "Noto Sans", Pt(_size(document))
    normal.paragraph_format.space_after = Pt(3)
    language = OxmlElement("w:lang")
    for name in ("w:val", "w:eastAsia", "w:bidi"):
        language.set(qn(name), LANGUAGES.get(document.language, document.language))
    normal.element.get_or_add_rPr().append(language)
    for level, size in ((1, 1.45), (2, 1.15)):
        heading = file.styles[f"Heading {level}"]
        heading.font.name, heading.font.size, heading.font.color.rgb = (
            "Noto Sans",
            Pt(_size(document) * size),
            RGBColor(0x16, 0x18, 0x1D),
        )
        heading.paragraph_format.space_before, heading.paragraph_format.space_after = Pt(6), Pt(2)


def _size(document: Document) -> float:
    """Of letters, in points: a brief that is full is set smaller, as whatever opens the file breaks lines and pages itself."""
    if document.form == "full":
        return 9.5
    return 8.5 if sum(map(len, lines(document))) < FULL_LETTERS else 7


def _properties(file: File, document: Document, made_at: datetime) -> None:
    properties = file.core_properties
    # The library's own would say who wrote its template, and when.
    properties.author = properties.last_modified_by = "content-triage"
    properties.title, properties.subject, properties.comments = document.title[:255], document.subtitle, ""
    properties.language = LANGUAGES.get(document.language, document.language)
    properties.created = properties.modified = made_at.astimezone(UTC).replace(tzinfo=None)


def _paragraph(place: FileParagraph, block: Paragraph, *, lead: Pt) -> None:
    _text(place, block.text)
    if block.style == "lead":
        for run in place.runs:
            run.bold, run.font.size = True, lead
    elif block.style == "note":
        _soft(place)


def _table(file: File, block: Table, shares: Sequence[int]) -> None:
    if isinstance(file.element.body[-2], CT_Tbl):
        # Two tables with nothing between them would be read as one.
        _soft(file.add_paragraph(block.title))
    table: FileTable = file.add_table(rows=1, cols=len(block.head), style="Table Grid")
    table.autofit = False
    head_row = table.rows[0]._tr  # noqa: SLF001 - the library has no other way to say that a row is a head
    head_row.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
    for cell, words in zip(table.rows[0].cells, block.head, strict=True):
        cell.paragraphs[0].add_run(words).bold = True
    for row in block.rows:
        added = table.add_row()  # type: ignore[no-untyped-call]
        for cell, words in zip(added.cells, row, strict=True):
            _text(cell.paragraphs[0], words)
    # Word reads the widths of cells, others those of columns.
    for place, share in zip((*table.columns,), shares, strict=True):
        place.width = Mm(TEXT_MM * share / sum(shares))
    for row in table.rows:
        for cell, share in zip(row.cells, shares, strict=True):
            cell.width = Mm(TEXT_MM * share / sum(shares))
            cell.paragraphs[0].paragraph_format.space_after = Pt(0)


def _defined(file: File, block: Figures, say: Voice) -> None:
    for one in block.rows if block.defined else ():
        _soft(file.add_paragraph(f"{one.title}. {figure_defined(one, say)} {asked(one)}"))


def _text(place: FileParagraph, words: str) -> None:
    run = place.add_run(words)
    if is_right_to_left(words):
        place.paragraph_format.element.get_or_add_pPr().append(OxmlElement("w:bidi"))
        run.font.rtl = True


def _soft(place: FileParagraph) -> None:
    for run in place.runs:
        run.font.size, run.font.color.rgb = Pt(7.5), SOFT


def _field(place: FileParagraph, code: str) -> None:
    """A field that whoever opens the file works out, such as the number of the page."""
    for kind in ("begin", "", "end"):
        run = place.add_run()
        if kind:
            mark = OxmlElement("w:fldChar")
            mark.set(qn("w:fldCharType"), kind)
        else:
            mark = OxmlElement("w:instrText")
            mark.text = code
        run.font.element.append(mark)
