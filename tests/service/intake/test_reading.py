"""Reading mails: any charset, any nesting, any damage; never an exception, and what was said is there."""

from email.message import EmailMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors.intake import UnreadableMailError
from service.intake.mails.plain_text import from_html
from service.intake.mails.reading import Mail, read_mail
from tests.service.intake.steps import mail

SEED = mail("Seed text").as_bytes()
HEADERS = ("Content-Type", "Content-Disposition", "Content-Transfer-Encoding", "From", "Subject", "Date", "References")
ODD_VALUES = (
    "text/plain; charset*=utf-8''%", "multipart/mixed", 'multipart/mixed; boundary=""', "message/rfc822", "=?utf-8?b?!!?=",
    "attachment; filename*0*=x", "base64", "x-uuencode", "<@", "@,@;:<", "=?x?q?=00?=", '"', "text/plain; charset=idna",
    "multipart/alternative; boundary=b", "message/delivery-status", "text/html; charset=zlib", "\udcff", "(((((", "a\0/b", "image/\udcff",
)  # fmt: skip


def read(raw: bytes) -> Mail | None:
    """As the product reads; None for what is no mail."""
    try:
        return read_mail(raw)
    except UnreadableMailError:
        return None


@settings(max_examples=150)
@given(st.binary(max_size=600))
def test_any_bytes_are_a_mail_or_said_to_be_none(raw: bytes) -> None:
    read(raw)


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.sampled_from(HEADERS), st.sampled_from(ODD_VALUES) | st.text(max_size=40)), max_size=6),
    st.lists(st.sampled_from(("--b", "--b--", "begin 644 x", "", "=ZZ", "\x00")) | st.text(max_size=30), max_size=8),
)
def test_odd_headers_over_odd_bodies_never_fail_and_can_be_stored(
    headers: list[tuple[str, str]], lines: list[str]
) -> None:
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    raw = f"To: help@platform.example\r\n{head}\r\n".encode("utf-8", "surrogateescape")
    read_text = read(raw + "\r\n".join(lines).encode("utf-8", "surrogatepass"))

    assert read_text is not None
    stored = (read_text.text, read_text.subject, read_text.sender, read_text.sender_name, *read_text.recipients)
    for one in (*stored, *(said for file in read_text.attachments for said in (file.name, file.mime))):
        assert "\x00" not in one
        one.encode("utf-8")


@settings(max_examples=100)
@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=200))
def test_nothing_of_a_plain_text_is_lost(text: str) -> None:
    message = EmailMessage()
    message["From"] = "ana@people.example"
    message.set_content(text, cte="base64")

    found = read_mail(message.as_bytes())

    assert found.text.split() == text.replace("\x00", "").split()
    assert not found.cut


@pytest.mark.parametrize(
    "charset", ["utf-8", "iso-8859-1", "windows-1252", "utf-16", "iso-2022-jp", "koi8-r", "gb18030"]
)
def test_charsets(charset: str) -> None:
    said = {"iso-2022-jp": "ここにある", "koi8-r": "Привет", "gb18030": "你好"}.get(charset, "Grüße, señor")
    part = MIMEText("", "plain", "us-ascii")
    part["From"] = "ana@people.example"
    part.replace_header("Content-Type", f'text/plain; charset="{charset}"')
    part.replace_header("Content-Transfer-Encoding", "8bit")
    raw = part.as_bytes() + said.encode(charset)

    assert read_mail(raw).text == said


@pytest.mark.parametrize("charset", ["", "utf-8", "no-such-charset", "idna", "zlib"])
def test_a_charset_that_is_wrong_or_missing_costs_no_letter(charset: str) -> None:
    kind = f"Content-Type: text/plain; charset={charset}\r\n" if charset else ""
    head = f"From: ana@people.example\r\n{kind}\r\n".encode()

    assert read_mail(head + "Grüße".encode()).text == "Grüße"
    if charset != "utf-8":
        assert read_mail(head + "Grüße".encode("cp1252")).text == "Grüße"


def test_encoded_headers_and_names() -> None:
    raw = (
        b'From: =?utf-8?b?w4RuYQ==?= <Ana@People.Example>\r\nTo: a@x.example, "B, C" <b@x.example>\r\n'
        b"Subject: =?iso-8859-1?q?Se=F1al?= [E-1042]\r\nReferences: <1@x> <018f0000-0000-7000-8000-000000000001@p.example>\r\n"
        b"\r\nText"
    )
    found = read_mail(raw)
    assert (found.sender_name, found.sender) == ("Äna", "ana@people.example")
    assert found.recipients == ("a@x.example", "b@x.example")
    assert (found.subject, found.number) == ("Señal [E-1042]", 1042)
    assert [str(one) for one in found.threads] == ["018f0000-0000-7000-8000-000000000001"]


def test_of_two_forms_the_plain_one_is_read_and_of_html_alone_the_text() -> None:
    both = mail("The plain text")
    both.add_alternative("<p>The other text</p>", subtype="html")
    assert read_mail(both.as_bytes()).text == "The plain text"

    only = EmailMessage()
    only["From"] = "ana@people.example"
    markup = (
        '<style>p{}</style><p>One &amp; two<br>three</p><script>no()</script><a href="https://x.example/1">here</a>'
    )
    only.set_content(markup, subtype="html")
    found = read_mail(only.as_bytes())
    assert found.text == "One & two\nthree\n here <https://x.example/1>".replace("\n here", "\nhere")
    assert found.urls == ("https://x.example/1",)


def test_mails_inside_mails_are_read_with_who_wrote_them() -> None:
    outer = mail("See below.")
    outer.add_attachment(mail("The inner text", From="Bo <bo@inner.example>", Subject="Inner"))
    found = read_mail(outer.as_bytes())

    assert "The inner text" in found.text
    assert "From: Bo <bo@inner.example>" in found.text
    assert found.sender == "ana@people.example"


def test_a_mail_of_endless_depth_or_parts_is_cut_and_says_so() -> None:
    wide = MIMEMultipart()
    for number in range(500):
        wide.attach(MIMEText(str(number)))
    wide["From"] = "ana@people.example"
    assert read_mail(wide.as_bytes()).cut
    # Beyond what the library takes apart: it is kept as it stands.
    parts = "".join(f'Content-Type: multipart/mixed; boundary="b{one}"\r\n\r\n--b{one}\r\n' for one in range(600))
    found = read_mail(f"From: ana@people.example\r\nMIME-Version: 1.0\r\n{parts}deepest".encode())
    assert found.cut
    assert "deepest" in found.text
    assert not read_mail(mail().as_bytes()).cut


@pytest.mark.parametrize(
    ("header", "automatic", "replies"),
    [
        ("Auto-Submitted: no", False, False),
        ("Auto-Submitted: auto-generated", True, False),
        ("Auto-Submitted: auto-replied; owner=x", True, True),
        ("Precedence: bulk", True, False),
        ("List-Id: <all.people.example>", True, False),
        ("X-Autoreply: yes", True, True),
        ("Return-Path: <>", True, True),
        ("Return-Path: <ana@people.example>", False, False),
    ],
)
def test_what_machines_write_is_known(header: str, automatic: bool, replies: bool) -> None:
    found = read_mail(f"From: ana@people.example\r\n{header}\r\n\r\nText".encode())
    assert (found.automatic, found.reply) == (automatic, replies)


@given(st.text(st.sampled_from("<>&;/ab =\"'!-[]#x0\n"), max_size=80))
def test_any_markup_gives_text(markup: str) -> None:
    assert isinstance(from_html(markup), str)
