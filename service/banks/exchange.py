"""Hashes in the formats of the package `threatexchange` 1.2 and of the exchanges it fetches from.

csv: what `threatexchange dataset -P --csv` prints: signal_type, signal_str, collab, category, tags
text: what `threatexchange dataset -P -S` prints and its exchange of local files reads: the type, a space, the signal;
    or the signal alone, one a line
threatexchange: an answer of Meta's ThreatExchange, /threat_updates: indicators with their descriptors
stopncii: an answer of StopNCII.org, FetchHashes: hash records with the feedback of platforms

Only PDQ is taken: 256 bits as 64 hexadecimal digits. Whatever else a file may hold is counted and left out.
"""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TextIO

from models import hamming, pdq
from service.banks.schemas import Format
from service.errors.media import BankFileError
from service.spreadsheets import guarded, unguarded

# Longer lines and larger files are no lists of hashes. JSON is read whole, so it is limited by characters.
LINE_CHARACTERS = 10_000
MOST_ROWS = 5_000_000
JSON_CHARACTERS = 64_000_000
TAGS, TAG_CHARACTERS = 20, 100

COLUMNS = ("signal_type", "signal_str", "collab", "category", "tags")
PDQ = "pdq"
CONFIRMED, LEAD = "POSITIVE_CLASS", "INVESTIGATION_SEED"
# What somebody says is no such picture, or is disputed, is not looked for.
REFUSED = {"NEGATIVE_CLASS": "said to be harmless", "DISPUTED": "disputed"}
OTHER_TYPES = "other kinds of hashes"
# Of a picture without any detail; exchanges are known to hold it, and nothing near it can be told from anything else.
EMPTY = "empty hashes"

_HEX = re.compile(r"[0-9a-fA-F]{64}")
# Of the database's texts: no U+0000, and no half of a surrogate pair, which JSON can hold.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Signal:
    """A hash as zeros and ones. `confirmed` is false for a lead; `withdrawn` takes it out of the bank."""

    bits: str
    tags: tuple[str, ...] = ()
    confirmed: bool = True
    withdrawn: bool = False


@dataclass(slots=True)
class Read:
    """What of a file was left out, by reason; filled while it is read."""

    left_out: Counter[str] = field(default_factory=Counter)


def lines_of(file: TextIO) -> Iterator[str]:
    """The lines of a file; of a longer one than there may be only so much is read as shows it."""
    return iter(partial(file.readline, LINE_CHARACTERS + 1), "")


def signals(lines: Iterable[str], kind: Format, read: Read) -> Iterator[Signal]:
    """The hashes of a file, line by line; JSON is read whole first.

    Raises BankFileError, which names line and column, or the place in JSON, of the first thing that is not in the format.
    """
    readers: Mapping[Format, Callable[[Iterable[str], Read], Iterator[Signal]]] = {
        "csv": _from_csv,
        "text": _from_text,
        "threatexchange": _from_threatexchange,
        "stopncii": _from_stopncii,
    }
    for number, signal in enumerate(readers[kind](lines, read), 1):
        if number > MOST_ROWS:
            raise BankFileError(f"more than {MOST_ROWS:,} hashes; split the file")
        if "1" in signal.bits:
            yield signal
        else:
            read.left_out[EMPTY] += 1


def csv_line(bits: str, tags: Iterable[str], *, confirmed: bool, bank: str) -> str:
    """A hash as `threatexchange dataset -P --csv` prints it, below `csv_header`."""
    return _csv((PDQ, hexadecimal(bits), bank, CONFIRMED if confirmed else LEAD, " ".join(tags)))


def csv_header() -> str:
    """The names of the columns."""
    return _csv(COLUMNS)


def text_line(bits: str) -> str:
    """A hash as `threatexchange dataset -P -S` prints it and its exchange of local files reads it."""
    return f"{PDQ} {hexadecimal(bits)}\n"


def hexadecimal(bits: str) -> str:
    """A fingerprint of zeros and ones as 64 lower-case digits: the package takes no others."""
    return format(int(bits, 2), f"0{pdq.BITS // 4}x")


def bits_of(digits: str) -> str:
    """64 hexadecimal digits as zeros and ones."""
    return hamming.bits(int(digits, 16), pdq.BITS)


def _csv(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(map(guarded, cells))
    return line.getvalue()


def _bits(digits: object, where: str) -> str:
    if not isinstance(digits, str) or not _HEX.fullmatch(digits):
        raise BankFileError(f"{where}: a PDQ hash is 64 hexadecimal digits")
    return bits_of(digits)


def _tags(given: Iterable[object], where: str) -> tuple[str, ...]:
    # They are stored and written apart by spaces, so a space inside of one is none.
    tags = tuple(dict.fromkeys("_".join(str(one).split()) for one in given))
    if len(tags) > TAGS or any(len(one) > TAG_CHARACTERS for one in tags):
        raise BankFileError(f"{where}: at most {TAGS} tags of {TAG_CHARACTERS} characters")
    if any(map(_UNSTORABLE.search, tags)):
        raise BankFileError(f"{where}: a tag holds U+0000 or half of a surrogate pair, which cannot be stored")
    return tuple(filter(None, tags))


def _short(lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        if len(line) > LINE_CHARACTERS:
            raise BankFileError(f"line {number}: longer than {LINE_CHARACTERS:,} characters")
        yield line


def _from_text(lines: Iterable[str], read: Read) -> Iterator[Signal]:
    for number, line in enumerate(_short(lines), 1):
        kind, _, digits = line.strip().rpartition(" ")
        if not digits:
            continue
        if kind not in {"", PDQ}:
            read.left_out[OTHER_TYPES] += 1
            continue
        column = line.index(digits) + 1
        yield Signal(_bits(digits, f"line {number}, column {column}"))


def _from_csv(lines: Iterable[str], read: Read) -> Iterator[Signal]:
    rows = csv.reader(_short(lines), strict=True)
    try:
        header = next(rows, None)
        if header is None or tuple(header) != COLUMNS:
            raise BankFileError(f"line 1: the columns are {','.join(COLUMNS)}")
        for row in rows:
            where = f"line {rows.line_num}"
            if len(row) != len(COLUMNS):
                raise BankFileError(f"{where}: {len(row)} columns where there are {len(COLUMNS)}")
            kind, digits, _, category, tags = row
            if kind != PDQ:
                read.left_out[OTHER_TYPES] += 1
            elif category in REFUSED:
                read.left_out[REFUSED[category]] += 1
            elif category in {CONFIRMED, LEAD}:
                bits = _bits(digits, f"{where}, column signal_str")
                yield Signal(
                    bits, _tags(unguarded(tags).split(), f"{where}, column tags"), confirmed=category == CONFIRMED
                )
            else:
                known = ", ".join((CONFIRMED, LEAD, *REFUSED))
                raise BankFileError(f"{where}, column category: {category[:40]!r} is none of {known}")
    except csv.Error as error:
        raise BankFileError(f"line {rows.line_num}: {error}") from error


def _from_threatexchange(lines: Iterable[str], read: Read) -> Iterator[Signal]:
    """Opinions of several owners are one: disputed where some say so and some not; a deleted indicator is withdrawn."""
    for place, row in enumerate(_list(_parsed(lines), "data", "")):
        where = f"data[{place}]"
        one = _object(row, where)
        if one.get("type") != "HASH_PDQ":
            read.left_out[OTHER_TYPES] += 1
            continue
        bits = _bits(one.get("indicator"), f"{where}.indicator")
        descriptors = _object(one.get("descriptors") or {"data": []}, f"{where}.descriptors")
        opinions = _list(descriptors, "data", f"{where}.descriptors.")
        if one.get("should_delete") or not opinions:
            yield Signal(bits, withdrawn=True)
            continue
        said, tags = set(), []
        for number, opinion in enumerate(opinions):
            at = f"{where}.descriptors.data[{number}]"
            given = _object(opinion, at)
            said.add(str(given.get("status")))
            tags += _texts(given.get("tags") or [], f"{at}.tags")
        yield from _judged(bits, said, ("MALICIOUS", "NON_MALICIOUS"), _tags(tags, where), read)


def _from_stopncii(lines: Iterable[str], read: Read) -> Iterator[Signal]:
    """Feedback of several platforms is one; a hash whose case was withdrawn or deleted is withdrawn."""
    gone = ("Withdrawn", "Deleted")
    for place, row in enumerate(_list(_parsed(lines), "hashRecords", "")):
        where = f"hashRecords[{place}]"
        one = _object(row, where)
        if one.get("signalType") != "ImagePDQ":
            read.left_out[OTHER_TYPES] += 1
            continue
        bits = _bits(one.get("hashValue"), f"{where}.hashValue")
        if one.get("hashStatus") in gone:
            yield Signal(bits, withdrawn=True)
            continue
        said, tags = set(), []
        for number, opinion in enumerate(_list({"CSPFeedbacks": [], **one}, "CSPFeedbacks", f"{where}.")):
            at = f"{where}.CSPFeedbacks[{number}]"
            given = _object(opinion, at)
            said.add(str(given.get("feedbackValue")))
            tags += _texts(given.get("tags") or [], f"{at}.tags")
        yield from _judged(bits, said, ("Blocked", "NotBlocked"), _tags(tags, where), read)


def _judged(bits: str, said: set[str], words: tuple[str, str], tags: tuple[str, ...], read: Read) -> Iterator[Signal]:
    yes, no = (word in said for word in words)
    if no:
        read.left_out[REFUSED["DISPUTED" if yes else "NEGATIVE_CLASS"]] += 1
    else:
        yield Signal(bits, tags, confirmed=yes)


def _parsed(lines: Iterable[str]) -> Mapping[str, Any]:
    parts, characters = [], 0
    for line in lines:
        characters += len(line)
        if characters > JSON_CHARACTERS:
            raise BankFileError(f"more than {JSON_CHARACTERS:,} characters of JSON; fetch smaller pages")
        parts.append(line)
    try:
        parsed = json.loads("".join(parts))
    except json.JSONDecodeError as error:
        raise BankFileError(f"line {error.lineno}, column {error.colno}: not JSON: {error.msg}") from error
    except ValueError as error:
        raise BankFileError("JSON with a number of too many digits") from error
    except RecursionError as error:
        raise BankFileError("JSON that is nested too deeply") from error
    return _object(parsed, "the file")


def _object(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BankFileError(f"{where}: an object is needed")
    return value


def _list(value: Mapping[str, Any], name: str, where: str) -> list[Any]:
    found = value.get(name)
    if not isinstance(found, list):
        raise BankFileError(f"{where}{name}: a list is needed")
    return found


def _texts(value: object, where: str) -> list[object]:
    """Tags as a list of texts or, as the Graph API gives them, {"data": [{"text": …}]}."""
    if isinstance(value, dict):
        return [_object(one, where).get("text", "") for one in _list(value, "data", f"{where}.")]
    if not isinstance(value, list):
        raise BankFileError(f"{where}: a list is needed")
    return value
