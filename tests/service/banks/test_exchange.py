"""Files of hashes: what the formats hold, what is refused and where, and that a bank goes out and in again unchanged."""

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
import pytest

from service import __main__ as command
from service.banks import exchange
from service.banks.exchange import Read, Signal, bits_of, signals
from service.banks.schemas import Format
from service.commands.banks import export_bank, import_bank
from service.errors.media import BankFileError
from service.settings import Settings
from tests.service.banks.conftest import a_picture, make_bank, upload
from tests.service.steps import assert_error, claim, decided, query, report, value

ONE = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
TWO = "e64cc9d91c623882f8d1f1d9a398e78c9f199b3bd83924f2b7e11e0bf861b064"
THREE = "6227401f601ff4ccafcc9fad4b0d95d371a2eb7265a3285234d228ca94deeb2d"
HEADER = "signal_type,signal_str,collab,category,tags"


def read(text: str, kind: Format) -> tuple[list[Signal], dict[str, int]]:
    left = Read()
    return list(signals(text.splitlines(keepends=True), kind, left)), dict(left.left_out)


def opinion(status: str, *tags: str) -> dict[str, Any]:
    return {"id": "1", "owner": {"id": "2"}, "status": status, "tags": {"data": [{"text": one} for one in tags]}}


def indicator(digits: str, *opinions: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"type": "HASH_PDQ", "indicator": digits, "descriptors": {"data": list(opinions)}, **fields}


def record(digits: str, *feedback: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "signalType": "ImagePDQ",
        "hashValue": digits,
        "hashStatus": "Active",
        "CSPFeedbacks": list(feedback),
        **fields,
    }


def test_the_csv_of_the_command_line_tool() -> None:
    text = "\n".join(
        (
            HEADER,
            f"pdq,{ONE},Sample,POSITIVE_CLASS,a b",
            f'pdq,{TWO},"Sample, two",INVESTIGATION_SEED,',
            f"pdq,{THREE},Sample,NEGATIVE_CLASS,",
            f"pdq,{THREE},Sample,DISPUTED,",
            "video_md5,0123,Sample,POSITIVE_CLASS,",
        )
    )
    assert read(text, "csv") == (
        [Signal(bits_of(ONE), ("a", "b")), Signal(bits_of(TWO), confirmed=False)],
        {"said to be harmless": 1, "disputed": 1, "other kinds of hashes": 1},
    )


def test_lines_of_type_and_signal_or_of_signals_alone() -> None:
    text = f"pdq {ONE}\n\n{TWO.upper()}\r\nraw_text some words\n{'0' * 64}\n"
    assert read(text, "text") == (
        [Signal(bits_of(ONE)), Signal(bits_of(TWO))],
        {"other kinds of hashes": 1, "empty hashes": 1},
    )


def test_indicators_of_threatexchange() -> None:
    data = [
        indicator(ONE, opinion("MALICIOUS", "gore", "two words"), opinion("UNKNOWN")),
        indicator(TWO, {"id": "1", "status": "UNKNOWN", "tags": ["lead"]}),
        indicator(THREE, opinion("MALICIOUS"), opinion("NON_MALICIOUS")),
        indicator(THREE, opinion("NON_MALICIOUS")),
        indicator(ONE, should_delete=True),
        {"type": "HASH_PDQ", "indicator": TWO},
        {"type": "HASH_MD5", "indicator": "0123"},
    ]
    assert read(json.dumps({"data": data}), "threatexchange") == (
        [
            Signal(bits_of(ONE), ("gore", "two_words")),
            Signal(bits_of(TWO), ("lead",), confirmed=False),
            Signal(bits_of(ONE), withdrawn=True),
            Signal(bits_of(TWO), withdrawn=True),
        ],
        {"disputed": 1, "said to be harmless": 1, "other kinds of hashes": 1},
    )


def test_hash_records_of_stopncii() -> None:
    records = [
        record(ONE, {"feedbackValue": "Blocked", "tags": ["seen"], "source": "A"}),
        record(TWO),
        record(THREE, {"feedbackValue": "NotBlocked", "source": "A"}),
        record(ONE, hashStatus="Withdrawn"),
        record(THREE, hashStatus=["Withdrawn"]),
        {"signalType": "VideoMD5", "hashValue": "0123"},
    ]
    assert read(json.dumps({"count": 5, "hashRecords": records}), "stopncii") == (
        [
            Signal(bits_of(ONE), ("seen",)),
            Signal(bits_of(TWO), confirmed=False),
            Signal(bits_of(ONE), withdrawn=True),
            Signal(bits_of(THREE), confirmed=False),
        ],
        {"said to be harmless": 1, "other kinds of hashes": 1},
    )


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        ("text", f"pdq {ONE}\npdq {ONE[:-1]}g\n", "line 2, column 5"),
        ("text", f"{ONE[:-1]}\n", "line 1, column 1"),
        ("text", "x" * 10_001, "line 1: longer"),
        ("csv", "", "line 1: the columns are"),
        ("csv", f"hash\n{ONE}\n", "line 1: the columns are"),
        ("csv", f"{HEADER}\npdq,{ONE},a\n", "line 2: 3 columns"),
        ("csv", f"{HEADER}\npdq,{ONE[1:]},a,POSITIVE_CLASS,\n", "line 2, column signal_str"),
        ("csv", f"{HEADER}\npdq,{ONE},a,GOOD,\n", "line 2, column category: 'GOOD'"),
        ("csv", f"{HEADER}\npdq,{ONE},a,POSITIVE_CLASS,{' '.join(map(str, range(21)))}\n", "line 2, column tags"),
        ("csv", f"{HEADER}\npdq,{ONE},a,POSITIVE_CLASS,{'t ' * 3}{'x' * 101}\n", "line 2, column tags"),
        ("csv", f'{HEADER}\npdq,{ONE},"a"b,POSITIVE_CLASS,\n', "line 2: "),
        ("threatexchange", "{\n  no", "line 2, column 3: not JSON"),
        ("threatexchange", "[" * 100_000, "nested too deeply"),
        ("threatexchange", "[]", "the file: an object"),
        ("threatexchange", '{"data": {}}', "data: a list"),
        ("threatexchange", '{"data": [1]}', "data[0]: an object"),
        ("threatexchange", json.dumps({"data": [indicator("12")]}), "data[0].indicator"),
        ("threatexchange", json.dumps({"data": [{"type": "HASH_PDQ"}]}), "data[0].indicator"),
        ("threatexchange", json.dumps({"data": [indicator(ONE, descriptors=[1])]}), "data[0].descriptors: an object"),
        (
            "threatexchange",
            json.dumps({"data": [indicator(ONE, {"status": "MALICIOUS", "tags": "x"})]}),
            "data[0].descriptors.data[0].tags: a list",
        ),
        ("threatexchange", f'{{"data": [], "cursor": {"1" * 5_000}}}', "a number of too many digits"),
        (
            "threatexchange",
            json.dumps({"data": [indicator(ONE, opinion("MALICIOUS", "\ud800"))]}),
            "data[0]: a tag holds U+0000 or half",
        ),
        ("stopncii", json.dumps({"hashRecords": [record("12")]}), "hashRecords[0].hashValue"),
        ("stopncii", json.dumps({"hashRecords": [record(ONE, CSPFeedbacks=1)]}), "hashRecords[0].CSPFeedbacks: a list"),
    ],
)
def test_what_is_not_in_the_format_is_refused_with_its_place(kind: Format, text: str, told: str) -> None:
    with pytest.raises(BankFileError) as raised:
        read(text, kind)
    assert told in raised.value.detail


def test_files_have_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "MOST_ROWS", 1)
    with pytest.raises(BankFileError, match="more than 1 hashes"):
        read(f"{ONE}\n{TWO}\n", "text")
    monkeypatch.setattr(exchange, "JSON_CHARACTERS", 10)
    with pytest.raises(BankFileError, match="more than 10 characters"):
        read('{"data":\n [] }', "threatexchange")


async def post(lead: httpx.AsyncClient, bank: str, body: Any, kind: str) -> httpx.Response:
    data = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    return await lead.post(f"/v1/banks/{bank}/import", content=data, params={"format": kind})


async def test_a_file_is_taken_whole_or_not_at_all(lead: httpx.AsyncClient, database: str) -> None:
    bank = (await make_bank(lead))["id"]
    broken = await post(lead, bank, f"{ONE}\n{TWO[1:]}\n", "text")
    assert "line 2" in assert_error(broken, 422, "bank_file_unreadable")
    assert "byte 1" in assert_error(await post(lead, bank, b"\xff", "text"), 422, "bank_file_unreadable")
    assert value(database, "SELECT count(*) FROM bank_hashes") == 0
    taken = await post(lead, bank, f"{ONE}\n{TWO}\n{ONE}\nmd5 12\n", "text")
    assert taken.json() == {
        "added": 2,
        "duplicates": 1,
        "confirmed": 0,
        "withdrawn": 0,
        "left_out": {"other kinds of hashes": 1},
    }
    data = [
        indicator(THREE, opinion("MALICIOUS")),
        indicator(ONE, should_delete=True),
        indicator(ONE, opinion("MALICIOUS")),
    ]
    taken = await post(lead, bank, {"data": data}, "threatexchange")
    assert taken.json() == {"added": 2, "duplicates": 0, "confirmed": 0, "withdrawn": 1, "left_out": {}}
    rows = query(database, "SELECT removed_note, source FROM bank_hashes WHERE removed_at IS NOT NULL")
    assert rows == [("withdrawn where it came from", "a file (text)")]


async def test_what_was_exported_is_imported_unchanged(lead: httpx.AsyncClient, database: str) -> None:
    first = (await make_bank(lead, "One, with a comma"))["id"]
    second, third = (await make_bank(lead, "Two"))["id"], (await make_bank(lead, "Three"))["id"]
    rows = (HEADER, f"pdq,{ONE},Sample,POSITIVE_CLASS,a b", f"pdq,{TWO},Sample,INVESTIGATION_SEED,")
    await post(lead, first, "\n".join(rows), "csv")
    written = await lead.get(f"/v1/banks/{first}/export")
    assert written.text == (
        f'{HEADER}\npdq,{ONE},"One, with a comma",POSITIVE_CLASS,a b\npdq,{TWO},"One, with a comma",INVESTIGATION_SEED,\n'
    )
    assert (await post(lead, second, written.text, "csv")).json()["added"] == 2
    plain = await lead.get(f"/v1/banks/{first}/export", params={"format": "text"})
    assert plain.text == f"pdq {ONE}\npdq {TWO}\n"
    assert (await post(lead, third, plain.text, "text")).json()["added"] == 2
    kept = "SELECT CAST(pdq AS text), tags, confirmed FROM bank_hashes WHERE bank_id = %s ORDER BY id"
    assert query(database, kept, first) == query(database, kept, second)
    assert [bits for bits, *_ in query(database, kept, third)] == [bits_of(ONE), bits_of(TWO)]


async def test_what_an_exchange_writes_is_no_formula_and_comes_in_unchanged(
    lead: httpx.AsyncClient, database: str
) -> None:
    first, second = (await make_bank(lead, "=1+1"))["id"], (await make_bank(lead, "Two"))["id"]
    data = [indicator(ONE, opinion("MALICIOUS", "=cmd()", "two\n words"))]
    await post(lead, first, {"data": data}, "threatexchange")
    written = (await lead.get(f"/v1/banks/{first}/export")).text
    assert written == f"{HEADER}\npdq,{ONE},'=1+1,POSITIVE_CLASS,'=cmd() two_words\n"
    # As spreadsheets save it, with a byte order mark.
    assert (await post(lead, second, written.encode("utf-8-sig"), "csv")).json()["added"] == 1
    assert query(database, "SELECT DISTINCT tags FROM bank_hashes") == [(["=cmd()", "two_words"],)]


async def test_a_later_file_confirms_leads_and_takes_nothing_back_that_was_decided_here(
    lead: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    media = await upload(platform, a_picture())
    await report(platform, media=[media])
    decision = (await decided(reviewer, await claim(reviewer)))["decision_id"]
    bank = (await make_bank(lead))["id"]
    [bits] = query(database, "SELECT CAST(pdq AS text) FROM media")[0]
    ours = f"{int(bits, 2):064x}"
    leads = {"data": [indicator(one, opinion("UNKNOWN")) for one in (ONE, TWO, ours)]}
    await post(lead, bank, leads, "threatexchange")
    # What an exchange calls a lead was decided on here.
    body = {"decision_id": decision, "media_id": media, "note": "seen here"}
    assert not (await lead.post(f"/v1/banks/{bank}/decided", json=body)).json()["added"]
    later = [indicator(ONE, opinion("MALICIOUS")), *(indicator(one, should_delete=True) for one in (TWO, ours))]
    taken = await post(lead, bank, {"data": later}, "threatexchange")
    assert taken.json() == {"added": 0, "duplicates": 1, "confirmed": 1, "withdrawn": 1, "left_out": {}}
    kept = "SELECT CAST(pdq AS text), confirmed, CAST(decision_id AS text) FROM bank_hashes WHERE removed_at IS NULL ORDER BY id"
    assert query(database, kept) == [(bits_of(ONE), True, None), (bits, True, decision)]


async def run(monkeypatch: pytest.MonkeyPatch, arguments: Iterable[str]) -> int:
    monkeypatch.setattr(sys, "argv", ["service", "banks", *arguments])
    return command.main()


async def test_the_command_takes_and_writes_files(
    lead: httpx.AsyncClient,
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await make_bank(lead, "By command")
    source, out = tmp_path / "in.txt", tmp_path / "out.csv"
    source.write_text(f"pdq {ONE}\npdq {TWO}\n", encoding="utf-8")
    settings = Settings(data_dir=tmp_path, database_url=database)
    options = {"bank": "By command", "file": source, "format": "text"}
    taken = await import_bank(settings, argparse.Namespace(**options))
    assert json.loads(taken)["added"] == 2
    assert value(database, "SELECT DISTINCT source FROM bank_hashes") == "in.txt"
    done = await export_bank(settings, argparse.Namespace(**options | {"file": out, "format": "csv"}))
    assert done == f"2 hashes written to {out}"
    assert out.read_text(encoding="utf-8").splitlines()[0] == HEADER
    with pytest.raises(BankFileError, match="written as csv or text"):
        await export_bank(settings, argparse.Namespace(**options | {"format": "stopncii"}))
    with pytest.raises(BankFileError, match="No such file"):
        await import_bank(settings, argparse.Namespace(**options | {"file": tmp_path / "none"}))
