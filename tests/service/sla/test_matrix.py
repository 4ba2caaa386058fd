"""The matrix: what comes with the product, which row counts, and what is refused with its name."""

import tomllib

import pytest

from labeling.taxonomy import load_taxonomy
from service.errors.requests import InvalidRequestError
from service.intake.forms import read_forms
from service.sla.matrix import Facts, parsed, row_of, shipped

HEAD = "[groups]\nEU = ['DE', 'FR']\n[calendars.always]\nzone = 'UTC'\nalways = true\n"
OFFICE = "[calendars.office]\nzone = 'Europe/Berlin'\nholidays = 'DE'\nweek = { mon = ['09:00-17:00'] }\n"
TARGET = "{ target = 'decision', kind = 'internal', minutes = 60 }"


def row(name: str, conditions: str = "", target: str = TARGET) -> str:
    return (
        f"[[rows]]\nname = '{name}'\ntitle = 'A row'\nbasis = 'Ours'\nas_of = 2026-11-30\n{conditions}\n"
        f"targets = [{target}]\n"
    )


# Who, what, how severe, where: the row, its legal clock in minutes or business days, and its own targets, as in the table of defaults.
@pytest.mark.parametrize(
    ("facts", "name", "legal", "internal"),
    [
        (Facts("regulator", "removal_order", None, None, "FR"), "removal_order", 60, {"first_response": 5}),
        (Facts("court", "court_order", None, None, "IN"), "order_india", 180, {"first_response": 10}),
        (Facts("court", "removal_order", None, None, "IN"), "order_india", 180, {"first_response": 10}),
        (Facts("regulator", "regulator_direction", None, None, "IN"), "order_india", 180, {"first_response": 10}),
        (Facts("user", "intimate_image", 3, None, "IN"), "intimate_image_india", 120, {"first_response": 10}),
        (
            Facts("user", "intimate_image", 3, None, "US"),
            "intimate_image_us",
            2880,
            {"first_response": 60, "decision": 1440},
        ),
        (Facts("press", "threat_to_life"), "danger", 60, {"first_response": 10}),
        (Facts("regulator", "direction", None, None, "AU"), "regulator", 1440, {"first_response": 30}),
        (Facts("trusted_flagger", "notice", 3), "trusted_flagger", None, {"first_response": 120, "decision": 720}),
        (Facts("trusted_flagger", "notice", 1), "trusted_flagger_low", None, {"first_response": 120, "decision": 1440}),
        (Facts("press", "query"), "press", None, {"first_response": 30, "next_update": 240, "decision": 1440}),
        (Facts("partner", "query"), "partner", None, {"first_response": 60, "decision": 480}),
        (Facts("leadership", "query"), "partner", None, {"first_response": 60, "decision": 480}),
        (Facts("employee", "query"), "employee", None, {"first_response": 240, "decision": 1440}),
        (Facts("advertiser", "blocked_account"), "advertiser", None, {"first_response": 240, "decision": 1440}),
        (Facts("partner", "blocked_account"), "partner", None, {"first_response": 60, "decision": 480}),
        (
            Facts("advertiser", "enforcement_complaint"),
            "advertiser_complex",
            None,
            {"first_response": 240, "next_update": 1440, "decision": 2880},
        ),
        (Facts("rights_holder", "ip_notice"), "rights_holder", None, {"first_response": 480, "decision": 1440}),
        (Facts("rights_holder", "counter_notice"), "counter_notice", 14, {"first_response": 480}),
        (Facts("user", "enforcement_complaint", 2), "complaint", None, {"first_response": 1440, "decision": 10080}),
        (Facts("user", "blocked_account", 2), "complaint_account", None, {"first_response": 1440, "decision": 4320}),
        # Appeals that go on: by what is at stake, who appeals, and where.
        (Facts("user", "appeal", 1), "complaint", None, {"first_response": 1440, "decision": 10080}),
        (Facts("user", "appeal", 4, "spam"), "appeal_grave", None, {"first_response": 1440, "decision": 4320}),
        (Facts("user", "appeal", 4, None, "FR"), "appeal_eu_grave", None, {"first_response": 1440, "decision": 4320}),
        (Facts("user", "appeal", 1, None, "IN"), "appeal_india", 10080, {"first_response": 1440, "decision": 4320}),
        (Facts("user", "account_appeal", 4, None, "DE"), "account_appeal_eu", None, {"first_response": 1440, "decision": 4320}),
        (Facts("user", "complaint", 0, "self_harm", "GB"), "complaint_uk_danger", None, {"first_response": 240, "decision": 1440}),
        (Facts("user", "complaint", None, None, "SG"), "complaint_singapore", None, {"first_response": 240, "decision": 1440}),
        (Facts("user", "complaint", None, None, "AU"), "complaint_australia", None, {"first_response": 1440, "decision": 2880}),
        *((Facts("user", "report", level), f"severity_{level}", None, {"decision": minutes}) for level, minutes in ((4, 120), (3, 480), (2, 1440), (1, 2880), (0, 4320))),
        (Facts("user", "report"), "anything", None, {"decision": 1440}),
    ],
)  # fmt: skip
def test_the_matrix_of_the_product_is_the_table_of_defaults(
    facts: Facts, name: str, legal: int | None, internal: dict[str, int]
) -> None:
    found = row_of(parsed(shipped()), facts)
    assert found is not None
    assert found.name == name
    assert [one.minutes or one.business_days for one in found.targets if one.kind == "legal"] == [legal] * bool(legal)
    assert {one.target: one.minutes for one in found.targets if one.kind == "internal"} == internal


@pytest.mark.parametrize(("severity", "area"), [(4, None), (1, "self_harm")])
def test_what_is_grave_is_nowhere_slower_than_where_no_country_is_known(severity: int, area: str | None) -> None:
    def minutes(trigger: str, country: str | None) -> dict[str, int]:
        found = row_of(parsed(shipped()), Facts("user", trigger, severity, area, country))
        assert found is not None
        return {one.target: one.minutes or 0 for one in found.targets if one.kind == "internal"}

    countries = {one for row in parsed(shipped()).rows for one in row.jurisdictions}
    for trigger in ("appeal", "account_appeal", "complaint"):
        usual = minutes(trigger, None)
        for country in countries:
            here = minutes(trigger, country)
            assert {name: here[name] <= usual[name] for name in usual} == dict.fromkeys(usual, True), (trigger, country)


def test_what_the_forms_take_in_has_a_row_of_its_own() -> None:
    forms = read_forms(None, load_taxonomy())
    found = {
        (source, trigger): row_of(parsed(shipped()), Facts(source, trigger))
        for source, one in forms.sources.items()
        for trigger in one.triggers
    }
    # Those go by severity, as reports of users do.
    assert {pair for pair, row in found.items() if row is None or row.name == "anything"} == {
        ("user", "user_report"),
        ("user", "dsa_notice"),
        ("user", "security_researcher"),
    }


def test_every_row_of_the_product_names_source_and_date() -> None:
    for one in tomllib.loads(shipped())["rows"]:
        assert one["basis"]
        assert one["as_of"].year >= 2026


def test_the_most_specific_row_counts() -> None:
    matrix = parsed(
        HEAD
        + row("all")
        + row("severe", "severities = [4]")
        + row("press", "sources = ['press']")
        + row("scams", "areas = ['fraud_scams']")
        + row("union", "jurisdictions = ['EU']")
        + row("germany", "jurisdictions = ['DE']")
        + row("query", "triggers = ['query']")
        + row("query_germany", "triggers = ['query']\njurisdictions = ['DE']")
    )
    for facts, name in (
        (Facts("user", "report"), "all"),
        (Facts("user", "report", 4), "severe"),
        (Facts("press", "report", 4), "press"),
        (Facts("press", "report", 4, "fraud_scams"), "scams"),
        (Facts("press", "report", 4, "fraud_scams", "FR"), "union"),
        (Facts("press", "report", 4, "fraud_scams", "EU"), "union"),
        (Facts("press", "report", 4, "fraud_scams", "DE"), "germany"),
        (Facts("press", "query", 4, "fraud_scams", "FR"), "query"),
        (Facts("press", "query", 4, "fraud_scams", "DE"), "query_germany"),
    ):
        found = row_of(matrix, facts)
        assert found is not None
        assert found.name == name
    assert row_of(parsed(HEAD + row("press", "sources = ['press']")), Facts("user", "report")) is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("rows = [", "no TOML"),
        (HEAD, "rows: Field required"),
        (HEAD + row("a") + row("a", "sources = ['press']"), "row a: two rows have this name"),
        (HEAD + row("a") + row("b"), "rows a and b take the same records"),
        (HEAD + row("a", "severities = [1, 2]") + row("b", "severities = [2, 3]"), "rows a and b"),
        (HEAD + row("a", "sources = ['newspaper']"), "rows.0.sources.0"),
        (HEAD + row("a", target=f"{TARGET}, {TARGET}"), "two clocks of one kind"),
        (HEAD + row("a", target="{ target = 'decision', kind = 'internal' }"), "either minutes or business_days"),
        (HEAD + row("a", target=TARGET.replace("60", "60, business_days = 2")), "either minutes or business_days"),
        (HEAD + row("a", target=TARGET.replace("60", "60, calendar = 'office'")), "no calendar 'office'"),
        (
            HEAD
            + OFFICE
            + row("a", target=TARGET.replace("internal", "legal").replace("60", "60, calendar = 'office'")),
            "a legal clock in minutes runs round the clock",
        ),
        (
            HEAD + OFFICE + row("a", target=TARGET.replace("60", "60000, calendar = 'office'")),
            "not so much working time in 104 weeks",
        ),
        (HEAD + row("a", target=TARGET.replace("60", "60, warn_minutes = 60")), "a warning comes before"),
        (HEAD + row("a", target=TARGET.replace("60", "60, on_breach = 'hand_over'")), "hand_to: named exactly where"),
        (HEAD + row("a", target=TARGET.replace("60", "60, hand_to = 'somebody'")), "hand_to: named exactly where"),
        (HEAD + row("a", "owner = 'me'"), "Extra inputs"),
        (HEAD.replace("'UTC'", "'Mars/Olympus'") + row("a"), "'Mars/Olympus' is no time zone"),
        (HEAD.replace("'UTC'", "'../etc/passwd'") + row("a"), "is no time zone"),
        (HEAD.replace("always = true", "") + row("a"), "give it shifts"),
        (HEAD.replace("always = true", "always = true\nweek = { mon = ['09:00-10:00'] }") + row("a"), "not both"),
        (HEAD + OFFICE.replace("'DE'", "'XX'") + row("a"), "holidays of 'XX' are not known"),
        (HEAD + OFFICE.replace("'DE'", "'DE'\nsubdivision = 'XX'") + row("a"), "'XX' is no part of DE"),
        (
            HEAD + OFFICE.replace("'09:00-17:00'", "'09:00-12:00', '11:00-15:00'") + row("a"),
            "two of its shifts overlap",
        ),
        (HEAD + OFFICE.replace("09:00-17:00", "9-17") + row("a"), "calendars.office.week.mon.0"),
        (HEAD + OFFICE.replace("09:00-17:00", "09:00-09:00") + row("a"), "begins and ends at the same time"),
    ],
)
def test_a_wrong_matrix_is_refused_with_what_is_wrong(text: str, problem: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        parsed(text)
    assert problem in refused.value.detail
