"""The register of sources: what ships is sound, what is wrong is named."""

import re

import pytest

from labeling.taxonomy import load_taxonomy
from training.sources.label_rules import RULES
from training.sources.parsers import PARSERS
from training.sources.parsers_joined import JOINED
from training.sources.registry import Source, SourceError, choose_sources, load_sources, parse_sources

# Test suites: who trains on them cannot measure with them any more.
RESERVED = re.compile(
    r"hate_?check|hatemoji_?check|xstest|madlibs|offensive/test|hate/test|olid-test|testset-level", re.IGNORECASE
)

ONE = """
[[sources]]
name = "one"
licence = "MIT"
lang = "en"
group = "social"
text = "text"
citation = "nobody"
problems = "none"
rows = [{ when = { label = "1" }, areas = ["spam"], severity = 1 }]

[[sources.files]]
mirror = "one/rows.csv"
mirror_sha256 = "00"
shape = "csv"
originals = [{ url = "https://example.org/rows.csv", sha256 = "00" }]
"""


def one(name: str) -> Source:
    return next(source for source in load_sources() if source.name == name)


def test_shipped_register_names_only_what_exists() -> None:
    for source in load_sources():
        assert not source.rule or source.rule in RULES, source.name
        for file in source.files:
            assert file.shape in PARSERS, file.mirror
            assert file.only_mirror or file.original_shape.partition(":")[0] in {*PARSERS, *JOINED}, file.mirror
            assert file.mirror.startswith(f"{source.name}/")


def test_every_original_is_pinned_to_a_commit_and_has_a_hash() -> None:
    originals = [original for source in load_sources() for file in source.files for original in file.originals]
    assert len(originals) > 60
    for original in originals:
        assert re.match(r"https://raw\.githubusercontent\.com/[^/]+/[^/]+/[0-9a-f]{40}/", original.url)
        assert re.fullmatch(r"[0-9a-f]{64}", original.sha256)


def test_no_test_suite_is_among_the_sources() -> None:
    for source in load_sources():
        for file in source.files:
            for named in (source.name, file.mirror, *(original.url for original in file.originals)):
                assert not RESERVED.search(named), named


def test_development_set_never_trains() -> None:
    assert one("openai_moderation_1680").validation_only


def test_a_list_of_words_judges_nothing() -> None:
    assert one("surge_profanity").train_only
    assert not any(one(name).train_only for name in ("surge_toxicity", "davidson_2017"))


@pytest.mark.parametrize(
    ("name", "permitted"),
    [
        ("davidson_2017", True),  # MIT
        ("goemotions", True),  # Apache-2.0
        ("told_br", True),  # CC-BY-SA-4.0
        ("clinc150", True),  # CC-BY-3.0
        ("edos", True),  # CC0-1.0
        ("spamassassin", True),  # PDDL-1.0
        ("phishing_pot", False),  # CC-BY-NC-4.0
        ("indonesian_hate", False),  # CC-BY-NC-SA-4.0
        ("ethos", False),  # GPL-3.0
        ("liar", False),  # research only
        ("olid", False),  # nothing stated
    ],
)
def test_licence_policy(name: str, permitted: bool) -> None:
    commercial = {source.name for source in choose_sources(load_sources(), policy="commercial")}
    assert (name in commercial) is permitted
    assert name in {source.name for source in choose_sources(load_sources(), policy="all")}


def test_naming_a_source_that_the_policy_refuses_is_an_error() -> None:
    with pytest.raises(SourceError, match=r"liar \(LicenseRef-research-only\).*--licence-policy all"):
        choose_sources(load_sources(), policy="commercial", names=["liar", "edos"])


def test_unknown_source_is_an_error_that_lists_the_known() -> None:
    with pytest.raises(SourceError, match=r"no source missing; known: .*davidson_2017"):
        choose_sources(load_sources(), policy="all", names=["missing"])


def test_group_of_areas_is_spelled_out() -> None:
    labels = one("banking77").rows[0].labels
    assert labels
    assert len(labels.clear) == 14
    assert set(labels.clear) <= set(load_taxonomy().area_ids)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"spam"', '"tasteless"', "source one: no area tasteless"),
        ("severity = 1", "severity = 5", "severity must be 0-4, not 5"),
        ('lang = "en"', 'lang = "en"\nquality = "best"', "quality must be one of gold"),
        ('lang = "en"', 'lang = "en"\nrepairs = ["polish"]', "no repair polish; known: links"),
        ('lang = "en"', 'lang = "en"\nrule = "told_br"', "needs either rows or a rule"),
        ('lang = "en"', "", "cannot be read as a register"),
        ('lang = "en"', 'lang = "en"\ncolour = "red"', "cannot be read as a register"),
        ("originals = [", 'only_mirror = "no reason"\noriginals = [', "needs either originals or only_mirror"),
        ("[[sources]]", "[[sources", "cannot be read as a register"),
    ],
)
def test_fault_in_the_register_is_named(old: str, new: str, message: str) -> None:
    assert [source.name for source in parse_sources(ONE, where="register")] == ["one"]
    with pytest.raises(SourceError, match=f"^register: .*{message}"):
        parse_sources(ONE.replace(old, new), where="register")


def test_source_listed_twice_is_named() -> None:
    with pytest.raises(SourceError, match="listed twice: one"):
        parse_sources(ONE + ONE, where="register")
