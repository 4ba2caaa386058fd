"""`python -m training data`, end to end: rows, card, the same bytes every time."""

import gzip
import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from labeling.records import read_labelled_texts
from models.preprocess import clean_text
from tests.architecture.tree import REPOSITORY
from training import acquire
from training.__main__ import main
from training.sources.fetch import Mirror
from training.sources.registry import choose_sources, load_sources, parse_sources
from training.sources.rows import read_source, text_key

SHARED = REPOSITORY.parent / "shared" / "data"

REGISTER = """
[[sources]]
name = "letters"
licence = "MIT"
lang = "en"
group = "email"
text = ["title", "body"]
join = ": "
citation = "nobody 2026, Letters"
problems = "made up"
rows = [
    {{ when = {{ label = "spam" }}, areas = ["spam"], severity = 1, tags = ["advert"] }},
    {{ when = {{ label = "ham" }}, clear = ["spam", "fraud_scams"], severity = 0 }},
]

[[sources.files]]
mirror = "letters/letters.csv"
mirror_sha256 = "{letters}"
shape = "csv"
only_mirror = "It was never published."

[[sources]]
name = "notes"
licence = "CC-BY-NC-4.0"
lang = "fr"
group = "social"
quality = "weak"
text = "text"
limit_per_file = 20
citation = "nobody 2026, Notes"
problems = "made up"
rows = [{{ clear = ["harassment"], severity = 0 }}]

[[sources.files]]
mirror = "notes/notes.jsonl.gz"
mirror_sha256 = "{notes}"
shape = "jsonl"
only_mirror = "It was never published."
"""

WORDS = ("garden", "winter", "bicycle", "library", "kitchen", "mountain", "harbour", "theatre")


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "mirror"
    letters = "label,title,body\n" + "".join(
        f"{('spam', 'ham', 'draft')[number % 3]},{WORDS[number % 8]} {number},write to {WORDS[number % 7] * 3} at ann{number}@example.org\n"
        for number in range(60)
    )
    letters += "ham,,\nham,cut off\n"
    notes = "".join(json.dumps({"text": f"{WORDS[number % 8] * 2} {number * 7919}"}) + "\n" for number in range(30))
    files = {"letters/letters.csv": letters.encode(), "notes/notes.jsonl.gz": gzip.compress(notes.encode(), mtime=0)}
    for name, raw in files.items():
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(raw)
    digests = {name.partition("/")[0]: hashlib.sha256(raw).hexdigest() for name, raw in files.items()}
    sources = parse_sources(REGISTER.format(**digests), where="register")
    monkeypatch.setattr(acquire, "load_sources", lambda: sources)
    return folder


def card_of(out: Path) -> dict[str, Any]:
    card: dict[str, Any] = json.loads((out / "card.json").read_text(encoding="utf-8"))
    return card


def test_rows_are_labelled_texts_with_clean_text(tmp_path: Path, mirror: Path) -> None:
    assert main(["data", "--out", str(tmp_path / "out"), "--mirror", str(mirror)]) == 0
    rows = [row for name in ("train", "validation") for row in read_labelled_texts(tmp_path / f"out/{name}.jsonl.gz")]
    assert len(rows) == 40
    row = next(row for row in rows if row.text.startswith("garden 0:"))
    assert row.text == "garden 0: write to gardengardengarden at [EMAIL]"
    assert (row.policy_areas, row.annotated_areas, row.severity) == (("spam",), ("spam",), 1)
    assert (row.source, row.licence, row.lang, row.label_quality) == ("letters", "MIT", "en", "silver")
    assert row.extra == {"group": "email", "severity_basis": "mapped", "tags": ["advert"]}
    assert len({one.id for one in rows}) == 40


def test_same_inputs_give_the_same_bytes(tmp_path: Path, mirror: Path) -> None:
    for name in ("first", "second"):
        assert main(["data", "--out", str(tmp_path / name), "--mirror", str(mirror), "--licence-policy", "all"]) == 0
    names = sorted(path.name for path in (tmp_path / "first").iterdir())
    assert names == ["card.json", "card.md", "train.jsonl.gz", "validation.jsonl.gz"]
    for name in names:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes(), name


def test_card_says_what_is_in_and_what_is_not(tmp_path: Path, mirror: Path) -> None:
    out = tmp_path / "out"
    assert main(["data", "--out", str(out), "--mirror", str(mirror)]) == 0
    card = card_of(out)
    letters = card["sources"]["letters"]
    assert letters["left_out"] == {"empty text": 1, "fewer cells than columns": 1, "says nothing about an area": 20}
    assert letters["taken"] == letters["train"] + letters["validation"] == 40
    assert letters["looked_for"] == ["fraud_scams", "spam"]
    assert card["refused_by_licence"] == {"notes": "CC-BY-NC-4.0"}
    spam = [side["areas"]["spam"] for side in card["sides"].values()]
    assert [sum(one[kind] for one in spam) for kind in ("positive", "negative", "unknown")] == [20, 20, 0]
    for name, side in card["sides"].items():
        assert side["sha256"] == hashlib.sha256((out / f"{name}.jsonl.gz").read_bytes()).hexdigest()
    text = (out / "card.md").read_text(encoding="utf-8")
    assert "Left out by the licence policy `commercial`: notes (CC-BY-NC-4.0)." in text
    assert "| letters | MIT | fraud_scams, spam | 40 |" in text


def test_limit_of_a_source_holds(tmp_path: Path, mirror: Path) -> None:
    out = tmp_path / "out"
    assert (
        main(["data", "--out", str(out), "--mirror", str(mirror), "--licence-policy", "all", "--source", "notes"]) == 0
    )
    assert card_of(out)["sources"]["notes"]["taken"] == 20
    assert card_of(out)["sources"]["notes"]["left_out"] == {"beyond the limit of the source": 10}


def test_evaluation_files_are_kept_out(tmp_path: Path, mirror: Path) -> None:
    out, evaluation = tmp_path / "out", tmp_path / "suite.jsonl"
    command = ["data", "--out", str(out), "--mirror", str(mirror)]
    assert main(command) == 0
    trained = next(read_labelled_texts(out / "train.jsonl.gz"))
    evaluation.write_text(json.dumps({"text": trained.text.upper(), "label": 1}) + "\n", encoding="utf-8")
    assert main([*command, "--keep-out", str(evaluation)]) == 0
    assert trained.text not in {row.text for row in read_labelled_texts(out / "train.jsonl.gz")}
    card = card_of(out)
    assert card["evaluation"]["taken_from_train_same_text"] == 1
    assert card["evaluation"]["files"] == [
        {"name": "suite.jsonl", "sha256": hashlib.sha256(evaluation.read_bytes()).hexdigest(), "texts": 1}
    ]


def test_without_a_mirror_the_card_names_what_cannot_be_fetched(tmp_path: Path, mirror: Path) -> None:
    out = tmp_path / "out"
    assert main(["data", "--out", str(out)]) == 0
    card = card_of(out)
    assert card["settings"]["from"] == "originals"
    assert card["sources"]["letters"]["files_missing"] == {"letters/letters.csv": "It was never published."}
    assert card["sides"]["train"]["rows"] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--source", "notes"], "notes (CC-BY-NC-4.0): no licence for commercial use"),
        (["--source", "novels"], "no source novels"),
        (["--keep-out", "nowhere.jsonl"], "nowhere.jsonl"),
    ],
)
def test_input_that_cannot_be_used_is_named(
    tmp_path: Path, mirror: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["data", "--out", str(tmp_path / "out"), "--mirror", str(mirror), *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out" / "train.jsonl.gz").exists()


def test_evaluation_file_without_texts_is_an_error(
    tmp_path: Path, mirror: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluation = tmp_path / "suite.jsonl"
    evaluation.write_text('{"prompt": "rain"}\n', encoding="utf-8")
    assert main(["data", "--out", str(tmp_path / "out"), "--mirror", str(mirror), "--keep-out", str(evaluation)]) == 2
    assert "every line needs a text" in capsys.readouterr().err


@pytest.mark.parametrize("share", ["0", "1", "-0.1"])
def test_share_must_leave_both_sides_something(tmp_path: Path, share: str) -> None:
    with pytest.raises(SystemExit):
        main(["data", "--out", str(tmp_path), f"--validation-share={share}"])


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the shared data folder beside the repository")
@pytest.mark.parametrize("name", ["ethos", "catqa_en", "jigsaw_sample", "openai_moderation_1680", "teen_safety_pack"])
def test_labels_agree_with_those_made_by_others(name: str) -> None:
    expected: dict[str, dict[str, Any]] = {}
    marker = f'"source": "{name}"'
    for side in ("train", "validation"):
        with gzip.open(SHARED / f"unified/{side}.jsonl.gz", "rt", encoding="utf-8") as lines:
            found = (json.loads(line) for line in lines if marker in line)
            expected |= {text_key(clean_text(row["text"])): row for row in found if not row.get("also_in")}
    (source,) = choose_sources(load_sources(), policy="all", names=[name])
    ours = [draft for draft in read_source(source, Mirror(SHARED / "raw"), Counter()) if draft.key in expected]
    assert len(ours) > 0.8 * len(expected) > 100
    agreed = [set(one.row.policy_areas) <= set(expected[one.key]["policy_areas"]) for one in ours]
    assert sum(agreed) / len(agreed) >= 0.99
