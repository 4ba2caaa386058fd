"""The sample reports keep their variety, and every picture they name can be drawn."""

import io
import json
from collections.abc import Iterator
from difflib import SequenceMatcher
from importlib import resources
from itertools import combinations
from typing import Any

import av
import pytest

from labeling.taxonomy import load_taxonomy
from service.media.containers import clip_format
from service.samples.clips import CLIPS, SECONDS
from service.samples.draw import PICTURES, UnknownPictureError, draw_picture

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_PICTURE_BYTES = 200_000
MAX_CLIP_BYTES = 100_000
CHANNELS = {"user", "press", "partner", "regulator", "advertiser", "employee", "trusted_flagger"}
KINDS = {"post", "comment", "message", "profile", "ad", "listing", "page"}
REPORT_FIELDS = {"channel", "reason", "note", "reporter", "subject", "age_minutes"}
SUBJECT_FIELDS = {"id", "kind", "text", "language", "author", "views_per_hour", "media"}

Report = dict[str, Any]


@pytest.fixture(scope="module")
def reports() -> list[Report]:
    lines = resources.files("service.samples").joinpath("reports.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def by_subject(reports: list[Report]) -> dict[str, list[Report]]:
    grouped: dict[str, list[Report]] = {}
    for report in reports:
        grouped.setdefault(report["subject"]["id"], []).append(report)
    return grouped


def look_alikes(reports: list[Report], *, limit: float) -> Iterator[tuple[str, str]]:
    subjects = [same[0]["subject"] for same in by_subject(reports).values()]
    for one, other in combinations(subjects, 2):
        if one["language"] != other["language"]:
            continue
        match = SequenceMatcher(None, one["text"], other["text"], autojunk=False)
        # The two cheap upper bounds spare the quadratic comparison for nearly every pair.
        if match.real_quick_ratio() >= limit and match.quick_ratio() >= limit and match.ratio() >= limit:
            yield one["text"], other["text"]


def test_every_report_has_the_fields_of_the_intake_call(reports: list[Report]) -> None:
    assert len(reports) >= 80
    for report in reports:
        assert set(report) == REPORT_FIELDS
        assert set(report["subject"]) == SUBJECT_FIELDS
        assert report["channel"] in CHANNELS
        assert report["subject"]["kind"] in KINDS
        assert all((report["reporter"]["id"], report["subject"]["author"]["id"], report["subject"]["text"].strip()))
        assert 2 <= report["age_minutes"] <= 4000
        assert 0 <= report["subject"]["views_per_hour"] <= 90_000


def test_every_policy_area_is_reported_and_no_unknown_one(reports: list[Report]) -> None:
    reasons = {report["reason"] for report in reports}
    assert reasons == {*load_taxonomy().area_ids, "other"}


def test_languages_channels_and_kinds_are_varied(reports: list[Report]) -> None:
    assert len({report["subject"]["language"].split("-")[0] for report in reports}) >= 12
    assert len({report["channel"] for report in reports}) >= 5
    assert {report["subject"]["kind"] for report in reports} == KINDS


def test_reports_on_one_subject_agree_and_come_from_different_reporters(reports: list[Report]) -> None:
    repeated = [same for same in by_subject(reports).values() if len(same) > 1]
    assert repeated
    for same in repeated:
        assert len({report["reporter"]["id"] for report in same}) == len(same)
        assert len({report["age_minutes"] for report in same}) == 1
        for report in same[1:]:
            assert report["subject"] | {"views_per_hour": 0} == same[0]["subject"] | {"views_per_hour": 0}


def test_no_two_subjects_read_alike(reports: list[Report]) -> None:
    assert list(look_alikes(reports, limit=0.8)) == []


def test_look_alikes_are_found_within_one_language_only() -> None:
    def report(subject_id: str, language: str, text: str) -> Report:
        return {"subject": {"id": subject_id, "language": language, "text": text}}

    planted = [
        report("a", "en", "same text here"),
        report("b", "en", "same text, here"),
        report("c", "de", "same text here"),
    ]
    assert list(look_alikes(planted, limit=0.8)) == [("same text here", "same text, here")]


def test_scenes_and_names_match_and_everything_named_can_be_drawn(reports: list[Report]) -> None:
    scenes = resources.files("service.samples").joinpath("pictures").iterdir()
    assert sorted(PICTURES) == sorted(scene.name.replace(".svg", ".png") for scene in scenes)
    named = {name for report in reports for name in report["subject"]["media"]}
    assert named == set(PICTURES) | set(CLIPS)


@pytest.mark.parametrize("name", PICTURES)
def test_picture_draws_to_a_small_png_of_fixed_size(name: str) -> None:
    png = draw_picture(name)
    assert png.startswith(PNG_SIGNATURE)
    assert (int.from_bytes(png[16:20]), int.from_bytes(png[20:24])) == (960, 720)
    assert len(png) < MAX_PICTURE_BYTES
    assert png == draw_picture(name)


@pytest.mark.parametrize("name", CLIPS)
def test_clip_is_small_and_always_the_same(name: str) -> None:
    data = CLIPS[name]()
    form = clip_format(data)
    assert form is not None
    assert name.endswith(f".{form.suffix}")
    assert len(data) < MAX_CLIP_BYTES
    with av.open(io.BytesIO(data), "r") as container:
        assert len(container.streams) == 1
        assert container.duration == pytest.approx(SECONDS * av.time_base, rel=0.05)
    assert data == CLIPS[name]()


@pytest.mark.parametrize("name", ["no-such-scene.png", "handbag", "../draw.py", ""])
def test_unknown_picture_is_refused_by_name(name: str) -> None:
    with pytest.raises(UnknownPictureError, match="no sample picture"):
        draw_picture(name)
