"""Narratives as files: read back by poppler and LibreOffice, whatever stands in the record."""

import subprocess
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import docx
import pytest

from service.narratives.compose import ROOMS
from service.narratives.docx import as_docx
from service.narratives.html import as_html
from service.narratives.model import (
    Document,
    Figure,
    Figures,
    Heading,
    Paragraph,
    Table,
    as_json,
    content_hash,
    from_json,
)
from service.narratives.pdf import as_pdf
from service.narratives.texts import cut
from tests.papers import converted, drawn, ensure, pages_of, text_of
from tests.service.narratives.steps import said

MADE = datetime(2026, 3, 1, 12, tzinfo=UTC)
# What markup languages and scripts would make something of.
ODD = (
    '#panic("x") #let a = 1; $x^2$ *bold* _it_ `raw` <label> @ref // no /* no */ = no \\u{41} \\',
    "لا أحد يريدك هنا، ارحل الآن 123 abc",
    "ここにはあなたの居場所はありません。",
    "👩‍👩‍👧‍👦 🏳️‍🌈 שלום لكم",
    "<script>pwned()</script> &amp; {{ 7 * 7 }} {% raw %}",
)
FIGURE = Figure(
    "cases_decided", "Linked cases decided", "Of the cases.", "cases", {"escalation": "1"}, 3, 2.0, None, None, "2 of 3"
)


def document(texts: Iterable[str], form: str = "full") -> Document:
    texts = list(texts)
    return Document(
        title=texts[0],
        subtitle="Full report",
        marking="Internal. Not to be passed on.",
        language="en",
        audience="internal",
        form=form,
        facts_at="2026-03-01 12:00, time zone UTC",
        blocks=(
            Heading("Bottom line"),
            *(Paragraph(text, "lead") for text in texts),
            Table("Timeline", ("When", "What"), tuple(("2026-03-01", text) for text in texts)),
            Figures("Figures", (FIGURE,), defined=True),
        ),
    )


def folded(text: str) -> str:
    """Letters alone: lines break, and what is written from right to left comes back in pieces."""
    return "".join(sorted(letter for letter in text if letter.isalnum()))


@pytest.mark.parametrize("paper", ["a4", "letter"])
def test_a_pdf_says_what_the_document_says_and_reads_no_text_as_markup(tmp_path: Path, paper: str) -> None:
    place = tmp_path / "odd.pdf"
    place.write_bytes(as_pdf(document(ODD), paper=paper, made_at=MADE))
    text = said(place.read_bytes(), "pdf", tmp_path)
    for odd in (ODD[0], ODD[4]):
        assert text.count(odd) >= 2, odd
    assert folded(ODD[1]) in {folded(line) for line in text_of(place).splitlines()} or "123 abc" in text
    assert "居場所" in text
    for expected in (
        "Internal. Not to be passed on.",
        "cases_decided(escalation=1)",
        "1 / 1",
        content_hash(document(ODD))[:16],
    ):
        assert expected in text
    size = subprocess.run([ensure("pdfinfo"), place], check=True, capture_output=True, text=True).stdout
    assert f"({'A4' if paper == 'a4' else 'letter'})" in size
    pages = drawn(place, tmp_path)
    assert len(pages) == pages_of(place) == 1
    # Something is on it.
    assert min(pages[0].read_bytes()[20:]) < 128


def test_a_pdf_has_a_title_a_language_and_tags(tmp_path: Path) -> None:
    place = tmp_path / "plain.pdf"
    place.write_bytes(as_pdf(document(["A plain title", "Words"]), paper="a4", made_at=MADE))
    told = subprocess.run([ensure("pdfinfo"), place], check=True, capture_output=True, text=True).stdout
    assert "A plain title" in told
    assert "Tagged:          yes" in told
    assert "(A4)" in told
    content = place.read_bytes()
    assert b"/Lang" in content
    # Plain texts are in every machine's fonts: then it meets the standard for readers of the screen.
    assert b"pdfuaid" in content
    assert as_pdf(document(["A plain title", "Words"]), paper="a4", made_at=MADE) == content


def test_a_word_file_has_headings_head_rows_a_language_and_no_author(tmp_path: Path) -> None:
    place = tmp_path / "odd.docx"
    place.write_bytes(as_docx(document(ODD), paper="letter", made_at=MADE))
    file = docx.Document(str(place))
    assert [one.style.name for one in file.paragraphs if one.style and one.style.name.startswith("Heading")][:2] == [
        "Heading 1",
        "Heading 2",
    ]
    assert file.core_properties.author == "content-triage"
    assert file.core_properties.created == MADE.replace(tzinfo=None) or file.core_properties.created == MADE
    with zipfile.ZipFile(place) as parts:
        body, styles = (parts.read(f"word/{name}.xml").decode() for name in ("document", "styles"))
    assert body.count("<w:tblHeader") == 2
    assert "<w:bidi" in body
    assert 'w:lang w:val="en-GB"' in styles
    text = said(place.read_bytes(), "docx", tmp_path)
    assert all(odd in text for odd in ODD)


def longest(letter: str) -> Document:
    """A brief with as much in it as its room takes."""
    room = ROOMS["brief"]
    texts = {
        name: cut(letter * 5000, columns)
        for name, columns in (("line", room.bottom_line), ("text", room.text), ("cell", room.cell))
    }
    made = document([cut(letter * 5000, 110)], "brief")
    rows = tuple((*("2026-03-01 12:00",), texts["cell"]) for _ in range(room.events + 1))
    actions = tuple(
        ("I-100000", texts["cell"], cut(letter * 99, 40), "2026-03-01", "proposed, overdue")
        for _ in range(room.actions)
    )
    pieces = tuple(("case", "01a22ced-512a-72e9-9fd5-aeb5070a2485", "decided", "f" * 64) for _ in range(room.pieces))
    figures = tuple(
        replace(FIGURE, title="Escalations of the same cause per week", name="escalations_of_cause_per_week")
        for _ in range(room.figures)
    )
    blocks = (
        *(Heading("Bottom line"), Paragraph(texts["line"], "lead"), Paragraph("Proposed from the facts.", "note")),
        *(
            Heading("What happened"),
            Paragraph(texts["text"]),
            Paragraph(texts["text"]),
            Table("Timeline", ("When", "What"), rows),
        ),
        *(
            Heading("Evidence"),
            Paragraph("Cases: 3."),
            Table("Pieces", ("Piece", "Reference", "Status", "SHA-256"), pieces),
        ),
        *(Heading("Figures"), Figures("Figures", figures), Heading("Cause"), Paragraph(texts["text"])),
        *(Heading("Actions"), Table("Actions", ("No.", "What", "Who", "Due", "State"), actions)),
        *(Heading("What is open"), Paragraph("Next: decision, due 2026-03-01 12:00 (legal deadline).")),
    )
    return replace(made, blocks=blocks)


@pytest.mark.parametrize(
    ("letter", "paper"),
    [("W", "a4"), ("w ", "letter"), ("漢", "a4"), ("م", "letter"), ("👩‍👩‍👧‍👦", "a4")],
)
def test_a_brief_is_one_page_whatever_is_in_it(tmp_path: Path, letter: str, paper: str) -> None:
    place = tmp_path / "brief.pdf"
    place.write_bytes(as_pdf(longest(letter), paper=paper, made_at=MADE))
    assert pages_of(place) == 1
    text = said(place.read_bytes(), "pdf", tmp_path)
    # Nothing fell off its end: the last part and the line below it are there.
    assert "due 2026-03-01 12:00 (legal deadline)" in text
    assert "Facts and figures as of" in text


def test_word_files_open_in_libreoffice_and_a_brief_is_one_page_there_too(tmp_path: Path) -> None:
    """One conversion in the whole suite, as it is slow: a brief that is full, with odd texts in it."""
    full = longest("w ")
    odd = replace(
        full,
        blocks=tuple(
            replace(one, text=ODD[0]) if isinstance(one, Paragraph) and one.style == "note" else one
            for one in full.blocks
        ),
    )
    place = tmp_path / "brief.docx"
    place.write_bytes(as_docx(odd, paper="a4", made_at=MADE))
    pdf = converted(place, tmp_path)
    text = said(pdf.read_bytes(), "pdf", tmp_path)
    for expected in (ODD[0], "escalations_of_cause_per_week", "Internal. Not to be passed on.", "1 / 1"):
        assert expected in text
    assert pages_of(pdf) == 1


def test_html_holds_no_markup_of_others_and_nothing_from_elsewhere() -> None:
    page = as_html(document(ODD), paper="letter").decode()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "http" not in page
    assert "size: letter" in page
    assert '<html lang="en">' in page


def test_a_document_comes_back_from_its_stored_form_with_the_same_hash() -> None:
    made = document(ODD)
    again = from_json(as_json(made))
    assert again == made
    assert content_hash(again) == content_hash(made)
    assert content_hash(replace(made, marking="Another")) != content_hash(made)
