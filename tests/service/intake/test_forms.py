"""The forms: what they say fits together, in every language, and a file that does not is refused with its place."""

from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.taxonomy import Taxonomy, load_taxonomy
from service.intake import texts
from service.intake.checking import problems
from service.intake.forms import LANGUAGES, FormFileError, read_forms
from service.intake.workflow import configured
from service.settings import Settings, SettingsError

SHIPPED = resources.files("service.intake").joinpath("forms.toml").read_text(encoding="utf-8")
FORMS = read_forms(None, load_taxonomy())

# What the law asks for, said by hand and not by the file: DSA Art. 16(2), 17 USC 512(c)(3) and (g)(3), DSA Art. 9(2).
BY_LAW = {
    "dsa_notice": {"reasons", "urls", "requester_name", "requester_email", "good_faith"},
    "copyright_notice": {"signature", "work", "urls", "requester_email", "not_authorised", "accurate_under_penalty"},
    "counter_notice": {
        "signature", "removed", "mistake", "requester_name", "postal_address", "phone", "jurisdiction_consent",
    },
    "removal_order": {"order_number", "authority", "legal_basis", "territory", "received", "urls", "reasons"},
}  # fmt: skip


@pytest.mark.parametrize("trigger", BY_LAW)
def test_what_the_law_asks_for_is_required(trigger: str) -> None:
    assert BY_LAW[trigger] <= set(FORMS.triggers[trigger].required)
    lacking = {one.field for one in problems(FORMS, FORMS.triggers[trigger], {})}
    assert lacking == set(FORMS.triggers[trigger].required)


def test_name_and_address_are_waived_where_a_child_is_abused() -> None:
    assert not {"requester_name", "requester_email"} & set(FORMS.triggers["child_sexual_exploitation"].required)


def test_everything_can_be_asked_for_in_every_language() -> None:
    for language in LANGUAGES:
        for name, field in FORMS.fields.items():
            assert field.ask.get(language), f"{name} has no words in {language}"
        asked = texts.question(FORMS, 1042, list(FORMS.fields), language)
        assert len(asked.splitlines()) == len(FORMS.fields) + 3
        assert "E-1042" in asked
        assert "E-1042" in texts.receipt(1042, language)
    assert texts.receipt(1, "xx") == texts.receipt(1, "en")


def test_a_field_is_required_where_another_says_so() -> None:
    form = FORMS.triggers["blocked_account"]
    said = {"account_ids": "a", "description": "b", "requester_email": "a@b.example"}
    assert problems(FORMS, form, said) == []
    [lacking] = problems(FORMS, form, {**said, "account_kind": "business asset"})
    assert lacking.field == "business_name"


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("urls", "https://a.example/x\nhttp://b.example", "https://a.example ftp://b.example"),
        ("urls", "https://a.example", "https://[::1"),
        ("received", "2026-03-29T02:30:00+01:00", "2026-03-29T02:30:00"),
        ("until", "2026-02-28", "2026-02-30"),
        ("country", "DE", "de"),
        ("requester_email", "a.b+c@sub.host.example", "a@b"),
        ("requester_email", "a@b.example", "A <a@b.example>"),
        ("secrecy", "no, by law", "perhaps"),
        ("good_faith", "yes", "no"),
        ("requester_name", "x" * 200, "x" * 201),
        ("requester_name", "Robin Reader", "Robin\nBcc: all@else.example"),
    ],
)
def test_values_are_checked_by_their_kind(field: str, good: str, bad: str) -> None:
    [form] = [one for one in FORMS.triggers.values() if field in one.fields][:1]
    assert field not in {one.field for one in problems(FORMS, form, {field: good})}
    assert field in {one.field for one in problems(FORMS, form, {field: bad})}


@given(
    st.dictionaries(st.sampled_from(sorted(FORMS.fields)), st.text(max_size=60)),
    st.sampled_from(sorted(FORMS.triggers)),
)
def test_checking_never_fails(values: dict[str, str], trigger: str) -> None:
    form = FORMS.triggers[trigger]
    assert {one.field for one in problems(FORMS, form, values)} <= set(form.fields)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("[sources.vendor]", "[sources.neighbour]"), "neighbour"),
        (('"press_query", "threat_to_life"', '"press_call", "threat_to_life"'), "press_call"),
        (('optional = ["deadline", "urls", "requester_reference"]', 'optional = ["colour"]'), "colour"),
        (('area = "child_safety"', 'area = "chess"'), "chess"),
        (('kind = "email"', 'kind = "telex"'), "telex"),
        (('representation = "depicted=somebody else"', 'representation = "depicted"'), "required_if.representation"),
        (('{ "*" = "child_safety" }', '{ "*" = "nursery" }'), "path is one of"),
        (('from = "@regulator.example"', 'from = "regulator"'), "name@host"),
        (('checklist = ["reproduced"', 'checklist = ["danced"'), "danced"),
        (("[triggers.user_report]", "[triggers.user_report"), "cannot be read"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused_with_its_place(
    tmp_path: Path, taxonomy: Taxonomy, change: tuple[str, str], says: str
) -> None:
    path = tmp_path / "forms.toml"
    assert change[0] in SHIPPED
    path.write_text(SHIPPED.replace(*change), encoding="utf-8")
    with pytest.raises(FormFileError, match=f"forms.toml: .*{says}"):
        read_forms(path, taxonomy)
    with pytest.raises(SettingsError, match="TRIAGE_INTAKE_FORMS"):
        configured(Settings(intake_forms=path), taxonomy)
    path.write_text(SHIPPED, encoding="utf-8")
    assert read_forms(path, taxonomy).version == FORMS.version
