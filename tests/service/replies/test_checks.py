"""What a reply must not hold is found wherever it stands, and what it may hold is let through."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.personal import personal_data
from service.replies.checking.checks import PASSAGE_WORDS, Against, Letter, problems
from service.replies.placeholders import NAMES, faults, filled, placeholders, stray_braces

WORDS = st.lists(st.text(alphabet="abcdefghij", min_size=1, max_size=6), min_size=0, max_size=30)
NOTE = "Between us the account belongs to a minister and we wait for what Legal says on Monday"


def checks(body: str, *, source: str = "user", subject: str = "About it", **against: object) -> list[tuple[str, str]]:
    return [(one.check, one.found) for one in problems(Letter(source, subject, body), Against(**against))]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("write to robin.reader@daily.example today", ["robin.reader@daily.example"]),
        ("robin [at] daily [dot] example", ["robin [at] daily [dot] example"]),
        ("call +49 (30) 1234-5678 or 555-0100-22", ["+49 (30) 1234-5678", "555-0100-22"]),
        ("0049301234567", ["0049301234567"]),
        ("posted by @some_body99.", ["@some_body99"]),
        ("write to @a.b@social.example", ["a.b@social.example"]),
        ("on 2026-11-30 and 30.11.2026, at 10:15:00", []),
        ("E-1042, case 1234567, 12,500 posts, 3 of 4", []),
        ("a 50 % share, version 1.2.3", []),
    ],
)
def test_personal_data_are_found_and_dates_and_numbers_are_not(text: str, found: list[str]) -> None:
    assert [one.text.strip("@") for one in personal_data(text)] == [one.strip("@") for one in found]
    assert personal_data(text, allowed=found) == []


@pytest.mark.parametrize("source", ["press", "partner", "user"])
def test_the_press_and_partners_get_no_personal_data_of_others(source: str) -> None:
    body = "It was posted by @somebody, who wrote from a@b.example. You wrote from robin@daily.example."
    found = checks(body, source=source, own=["robin@daily.example"])
    public = [("personal", "@somebody"), ("personal", "a@b.example")]
    assert found == (public if source != "user" else [])


@pytest.mark.parametrize(
    "text", ["robin.meyer", "Robin Meyer", "ROBIN_MEYER", "(robin-meyer)", "Regards,\nRobin  Meyer"]
)
def test_no_member_of_staff_is_named(text: str) -> None:
    [(check, _)] = checks(f"Hello,\n{text}.", staff=["robin.meyer", "kim"])
    assert check == "staff"
    [one] = problems(Letter("user", text.replace("\n", " "), "Hello"), Against(staff=["robin.meyer"]))
    assert (one.part, one.line) == ("subject", 1)


def test_a_name_within_a_word_and_the_readers_own_name_are_no_staff() -> None:
    assert checks("Kimberley wrote, akim too", staff=["kim"]) == []
    assert checks("Dear Kim Reader,", staff=["kim"], own=["Kim Reader"]) == []
    assert checks("Dear Kim Reader, regards, Kim", staff=["kim"], own=["Kim Reader"]) == [("staff", "Kim")]
    assert checks("Dear Kim, regards, Kim\nBo", staff=["kim.bo"], own=["Kim"]) == [("staff", "Kim Bo")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        # Words.
        ("You may appeal within six months; in this case it will not be removed.", []),
        ("We answer by 5 May 2026, or by May 7.", []),
        ("Your contact is in the case,\nmay be the decision:\nwill follow.", []),
        # A person decides.
        ("Some of it was posted in May and some by Rose.", [("namesake", "May"), ("namesake", "Rose")]),
        ("May we ask you for more?", [("namesake", "May")]),
        ("we asked about a kim there", [("namesake", "kim")]),
        ("the desk lead may decide", [("namesake", "desk lead")]),
        # Names.
        ("Write to @may or may@firm.example.", [("staff", "may")] * 2),
        ("Ask Mr Will or Frau Rose.", [("staff", "Will"), ("staff", "Rose")]),
        ("Kind regards, May", [("staff", "May")]),
        ("We may do so.\n\nRegards,\nmay\nTrust and Safety", [("namesake", "may")]),
        ("We may do so.\n\nRegards,\nMay\nTrust and Safety", [("staff", "May")]),
        ("We may do so. Regards,\n— will", [("staff", "will")]),
        ("Kim looked at it.", [("staff", "Kim")]),
        (
            "Desk Lead, desk.lead and desk_lead",
            [("staff", "Desk Lead"), ("staff", "desk.lead"), ("staff", "desk_lead")],
        ),
        ("kim2 and KIM", [("staff", "kim2"), ("staff", "KIM")]),
    ],
)
def test_a_word_that_is_a_user_name_as_well_is_told_from_the_name(text: str, found: list[tuple[str, str]]) -> None:
    staff = ["may", "will", "rose", "case", "kim", "kim2", "desk.lead"]
    assert checks(text, staff=staff) == found


@given(before=WORDS, after=WORDS, first=st.integers(0, 6), mark=st.sampled_from([" ", "  ", ", ", "\n", " — "]))
def test_a_long_passage_of_internal_text_is_found_wherever_it_stands(
    before: list[str], after: list[str], first: int, mark: str
) -> None:
    passage = NOTE.split()[first : first + PASSAGE_WORDS]
    body = mark.join([*before, *(word.upper() for word in passage), *after])
    [one] = problems(Letter("user", "About it", body), Against(withheld=["Something else.", NOTE]))
    assert one.check == "internal"
    shorter = mark.join([*before, *passage[:-1]])
    assert problems(Letter("user", "About it", shorter), Against(withheld=[NOTE])) == []


def test_what_was_said_openly_may_be_said_again_and_scripts_without_spaces_count_by_character() -> None:
    assert checks(NOTE, withheld=[f"They wrote: {NOTE}"], open=[NOTE]) == []
    assert [
        check
        for check, _ in checks(
            "この件はまだ法務が確認しています。", withheld=["社内: この件はまだ法務が確認しています"]
        )
    ] == ["internal"]


@pytest.mark.parametrize(
    "text",
    [
        "data:image/png;base64,AAAA",
        "see https://host.example/v1/media/1/preview?level=0",
        "![it](x.png)",
        '<img src="x">',
        "018f0000-0000-7000-8000-000000000001",
    ],
)
def test_no_media_go_out(text: str) -> None:
    assert [check for check, _ in checks(f"Look: {text}", media=["018f0000-0000-7000-8000-000000000001"])] == ["media"]
    assert checks("018f0000-0000-7000-8000-000000000002", media=["018f0000-0000-7000-8000-000000000001"]) == []


def test_a_text_without_spaces_is_checked_at_once() -> None:
    begun = time.process_time()
    assert checks("長" * 10_000, source="press") == []
    assert checks("a." * 1_500, source="press") == []
    assert time.process_time() - begun < 1, "this took many seconds where each letter was a beginning of its own"


def test_every_unfilled_placeholder_is_named_with_its_place() -> None:
    found = problems(
        Letter("user", "{{ fill: subject }}", "Hello {{ requester_name }},\n\nsee {{ and so on"), Against()
    )
    assert [(one.part, one.line, one.column, one.found) for one in found] == [
        ("subject", 1, 1, "{{ fill: subject }}"),
        ("body", 1, 7, "{{ requester_name }}"),
        ("body", 3, 5, "{{ or }}"),
    ]
    assert "line 3, column 5" in found[-1].words()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{{ owner }}", "line 1, column 1: there is no placeholder 'owner'"),
        ("a\n {{ fill }}", "line 2, column 2: say what has to be filled in"),
        ("{{ fill: }}", "line 1, column 1: say what has to be filled in"),
        ("{{ requester_name", "line 1, column 1: a brace without its partner"),
        ("{{ requester_name.__class__ }}", "there is no placeholder"),
        ("{{ 7 * 7 }}", "there is no placeholder"),
        ("{{ fill: " + "x" * 121 + " }}", "at most 120 characters"),
    ],
)
def test_a_template_with_an_unknown_placeholder_is_refused_with_its_place(text: str, told: str) -> None:
    [fault] = faults(text)
    assert told in fault
    assert faults(" ".join(f"{{{{ {name} }}}}" for name in NAMES) + "{{ fill: a reason, in words }}") == []


@given(st.text(alphabet="{} fil:nametq\n", max_size=60))
def test_whatever_somebody_outside_gives_makes_no_placeholder(value: str) -> None:
    text = filled("Hello {{ requester_name }}, {{ fill: reason }}", {"requester_name": value})
    assert [one.name for one in placeholders(text) if one.name != "requester_name"] == ["reason"]
    assert stray_braces(filled("{{ requester_name }}", {"requester_name": f"a{value}"})) == []
