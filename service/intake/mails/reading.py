"""A mail as it came, read: never an exception but for what is no mail at all, and nothing of it left out silently."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from email import policy
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from email.utils import getaddresses
from uuid import UUID

from service.errors.intake import UnreadableMailError
from service.intake.checking import is_url
from service.intake.mails.plain_text import ODD, cleaned, decoded, from_html

# Beyond these a mail is an attempt to keep somebody busy; what is left out is said so.
PARTS = 200
DEPTH = 20
TEXT_CHARACTERS = 190_000
URLS = 100
NAME_CHARACTERS = 200

_NUMBER = re.compile(r"\[\s*E-(\d{1,12})\s*\]", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.IGNORECASE)
_URL = re.compile(r"https?://[^\s<>\"')\]}]+")
_RESULT = re.compile(r"\b(dkim|spf|dmarc)\s*=\s*pass\b([^;]*)", re.IGNORECASE)
_DOMAIN = re.compile(
    r"\b(?:header\.d|header\.i|header\.from|smtp\.mailfrom)\s*=\s*\"?(?:[^\s;\"@]*@)?([^\s;\"@]+)", re.IGNORECASE
)
_LOCAL_MACHINES = ("mailer-daemon", "postmaster", "noreply", "no-reply", "donotreply", "do-not-reply")


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that came with a mail."""

    name: str
    mime: str
    data: bytes

    @property
    def sha256(self) -> str:
        """Of the whole file."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True)
class Mail:
    """What a mail says. `sender` and `recipients` are addresses in small letters, empty where there are none.

    `verified`: a trusted host said that it comes from the sender's domain. `automatic`: written by a machine, so never
    answered; `reply`: an automatic answer or a bounce. `references` are the Message-IDs of what it may answer, `threads` ids of
    messages of ours in them, `returned` those in its own: then it is one of ours that came back.
    """

    sha256: bytes
    message_id: str
    sender: str
    sender_name: str
    recipients: tuple[str, ...]
    subject: str
    text: str
    language: str
    cut: bool
    verified: bool
    automatic: bool
    reply: bool
    number: int | None
    references: tuple[str, ...]
    threads: tuple[UUID, ...]
    returned: tuple[UUID, ...]
    urls: tuple[str, ...]
    attachments: tuple[Attached, ...]


def read_mail(raw: bytes, *, trusted: frozenset[str] = frozenset()) -> Mail:
    """Read the bytes of a mail. `trusted` are hosts whose Authentication-Results count. Raises UnreadableMailError."""
    message = _parsed(raw)
    names = {name.lower() for name, _ in _raw_items(message)}
    if not names & {"from", "to", "subject", "date", "message-id", "received"}:
        raise UnreadableMailError("this is no mail: none of From, To, Subject, Date, Message-ID and Received is there")
    sender_name, sender = _first_address(_headers(message, "from"))
    contents = _Contents()
    contents.add(message, 0)
    if contents.cut:
        # Not all of it could be taken apart, so it stands there as it came as well: behind the first empty line.
        contents.texts.append(decoded(re.split(rb"\r?\n\r?\n", raw, maxsplit=1)[-1][: 4 * TEXT_CHARACTERS], ""))
    text = cleaned("\n\n".join(contents.texts)).strip()
    subject = _one_line(" ".join(_headers(message, "subject")))
    replies = _is_reply(message, sender)
    # A bounce has the number only in what it sends back.
    number = _NUMBER.search(subject) or (_NUMBER.search(text) if replies else None)
    references = _message_ids(
        *_headers(message, "in-reply-to"), *_headers(message, "references"), *contents.message_ids
    )
    return Mail(
        sha256=hashlib.sha256(raw).digest(),
        message_id=_one_line(" ".join(_headers(message, "message-id")))[:NAME_CHARACTERS],
        sender=sender,
        sender_name=sender_name,
        recipients=_recipients(message),
        subject=subject,
        text=text[:TEXT_CHARACTERS],
        language=_language(message),
        cut=contents.cut or len(text) > TEXT_CHARACTERS,
        verified=_verified(message, sender, trusted),
        automatic=_is_automatic(message, sender),
        reply=replies,
        number=int(number[1]) if number else None,
        references=references,
        threads=_uuids(*references),
        returned=_uuids(*_headers(message, "message-id")),
        urls=_urls(text),
        attachments=tuple(contents.attachments),
    )


def _parsed(raw: bytes) -> Message:
    # What the newer parser gives up on may be odd headers, which the older one does not read before it is asked, or a
    # nesting without end: then the headers are read, and the rest is kept as it stands.
    for rules in (policy.default, policy.compat32):
        with suppress(*ODD):
            return BytesParser(policy=rules).parsebytes(raw)
    return BytesHeaderParser(policy=policy.compat32).parsebytes(raw)


def _raw_items(message: Message) -> Iterator[tuple[str, str]]:
    """Headers as they came, none of them parsed."""
    for name, value in message.raw_items():
        yield str(name), str(value)


def _headers(message: Message, wanted: str) -> list[str]:
    """All headers of a name as text, however odd they are."""
    try:
        return [cleaned(str(value)) for value in message.get_all(wanted, [])]
    except ODD:
        return [_decoded_header(value) for name, value in _raw_items(message) if name.lower() == wanted]


def _decoded_header(value: str) -> str:
    try:
        return cleaned(str(make_header(decode_header(value))))
    except ODD:
        return cleaned(value)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:1_000]


def _first_address(headers: list[str]) -> tuple[str, str]:
    """(name, address) of the first header that has an address."""
    try:
        found = getaddresses(headers)
    except ODD:
        found = []
    for name, address in found:
        if "@" in address:
            return _one_line(name)[:NAME_CHARACTERS], _one_line(address).lower()[:254]
    return "", ""


def _recipients(message: Message) -> tuple[str, ...]:
    headers = [one for name in ("to", "cc", "delivered-to", "x-original-to") for one in _headers(message, name)]
    try:
        found = getaddresses(headers)
    except ODD:
        found = []
    return tuple(dict.fromkeys(address.lower() for _, address in found if "@" in address))[:100]


def _language(message: Message) -> str:
    """By the header Content-Language (RFC 3282); "und" without one."""
    said = re.match(r"\s*([a-zA-Z]{2,3})(?:-|\b)", " ".join(_headers(message, "content-language")))
    return said[1].lower() if said else "und"


def _is_automatic(message: Message, sender: str) -> bool:
    """Written by a machine (RFC 3834): it says so, or it comes from a list or an address that nobody reads."""
    submitted = " ".join(_headers(message, "auto-submitted")).strip().lower()
    precedence = " ".join(_headers(message, "precedence")).strip().lower()
    return (
        _is_reply(message, sender)
        or (submitted not in ("", "no") and not submitted.startswith("no;"))
        or precedence in ("bulk", "junk", "list", "auto_reply")
        or bool(_headers(message, "list-id"))
        or sender.partition("@")[0] in _LOCAL_MACHINES
    )


def _is_reply(message: Message, sender: str) -> bool:
    """An automatic answer, or a note that something could not be delivered."""
    submitted = " ".join(_headers(message, "auto-submitted")).strip().lower()
    return (
        submitted.startswith("auto-replied")
        or " ".join(_headers(message, "precedence")).strip().lower() == "auto_reply"
        or bool(_headers(message, "x-autoreply") or _headers(message, "x-autorespond"))
        or "<>" in "".join(_headers(message, "return-path")).replace(" ", "")
        or _type(message) == "multipart/report"
        or sender.partition("@")[0] in ("mailer-daemon", "postmaster")
    )


def _verified(message: Message, sender: str, trusted: frozenset[str]) -> bool:
    """Whether the first Authentication-Results (RFC 8601) is that of a trusted host and passes the sender's domain.

    Only the first: those below were there before the mail reached that host, so anybody may have written them.
    """
    results = _headers(message, "authentication-results")
    if not results or not sender:
        return False
    host, _, rest = results[0].partition(";")
    if not host.split() or host.split()[0].lower() not in trusted:
        return False
    domain = sender.rpartition("@")[2]
    named = [name.lower() for _, said in _RESULT.findall(rest) for name in _DOMAIN.findall(said)]
    return any(name == domain or domain.endswith(f".{name}") or name.endswith(f".{domain}") for name in named)


def _message_ids(*headers: str) -> tuple[str, ...]:
    found = (one for header in headers for one in re.findall(r"<[^<>\s]{1,500}>", header))
    return tuple(dict.fromkeys(found))[:100]


def _uuids(*headers: str) -> tuple[UUID, ...]:
    found = (UUID(one) for header in headers for one in _UUID.findall(header))
    return tuple(dict.fromkeys(found))[:50]


def _urls(text: str) -> tuple[str, ...]:
    found = (one.rstrip(".,;:!?") for one in _URL.findall(text))
    return tuple(dict.fromkeys(one for one in found if is_url(one)))[:URLS]


def _type(part: Message) -> str:
    try:
        return cleaned(part.get_content_type()).lower()
    except ODD:
        return "application/octet-stream"


def _filename(part: Message) -> str:
    try:
        return _one_line(cleaned(str(part.get_filename() or "")))[:NAME_CHARACTERS]
    except ODD:
        return ""


def _disposition(part: Message) -> str:
    try:
        return part.get_content_disposition() or ""
    except ODD:
        return ""


class _Contents:
    """Texts and files of a mail, put together part by part."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.attachments: list[Attached] = []
        self.message_ids: list[str] = []
        self.cut = False
        self._parts = 0

    def add(self, part: Message, depth: int) -> None:
        """Add a part with all below it."""
        self._parts += 1
        if self._parts > PARTS or depth > DEPTH:
            self.cut = True
            return
        kind = _type(part)
        # Of a part that is none of several the library would decode what it holds, in any charset that it claims.
        if part.is_multipart():
            below = [one for one in part.get_payload() if isinstance(one, Message)]
            if kind == "multipart/alternative":
                self._add_best(below, depth)
                return
            for one in below:
                self._add_nested(one, kind, depth)
            return
        if kind in ("text/plain", "text/html") and _disposition(part) != "attachment" and not _filename(part):
            self.texts.append(_text_of(part, kind))
        elif kind.startswith("multipart/"):
            # It says that it has parts, and none can be told from the others.
            self.cut = True
        elif kind == "text/rfc822-headers":
            self.texts.append(_text_of(part, kind))
            self.message_ids += re.findall(r"(?im)^message-id:.*$", self.texts[-1])
        else:
            self.attachments.append(Attached(_filename(part), kind[:NAME_CHARACTERS], _bytes_of(part)))

    def _add_nested(self, part: Message, kind: str, depth: int) -> None:
        if kind.startswith("message/"):
            # A mail inside, or what a machine says of one: who wrote it stands before what it says.
            self.message_ids += _headers(part, "message-id")
            wanted = (
                ("from", "date", "subject") if kind == "message/rfc822" else [one for one, _ in _raw_items(part)][:20]
            )
            lines = [f"{name.title()}: {_one_line(value)}" for name in wanted for value in _headers(part, name.lower())]
            self.texts.append("\n".join(("-----", *lines)))
        self.add(part, depth + 1)

    def _add_best(self, alternatives: list[Message], depth: int) -> None:
        """Of several forms of one text the plain one, if it says something."""
        best = _Contents()
        for wanted in ("text/plain", "text/html", ""):
            for one in alternatives:
                if (_type(one) == wanted) or (not wanted and _type(one) not in ("text/plain", "text/html")):
                    if wanted and any(text.strip() for text in best.texts):
                        continue
                    best.add(one, depth + 1)
        self.texts += best.texts
        self.attachments += best.attachments
        self.message_ids += best.message_ids
        self.cut = self.cut or best.cut
        self._parts += best._parts


def _bytes_of(part: Message) -> bytes:
    try:
        data = part.get_payload(decode=True)
    except ODD:
        data = None
    return data if isinstance(data, bytes) else _as_it_stands(part)


def _as_it_stands(part: Message) -> bytes:
    try:
        return part.as_bytes()
    except ODD:
        return b""


def _text_of(part: Message, kind: str) -> str:
    try:
        charset = part.get_content_charset() or ""
    except ODD:
        charset = ""
    text = decoded(_bytes_of(part), charset)
    return from_html(text) if kind == "text/html" else text
