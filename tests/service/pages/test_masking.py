"""Masked words: their letters are in no page, each comes alone to whoever may read the text, and hints work beside them."""

import html
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from playwright.async_api import Page, expect
from pydantic import SecretStr

from labeling.masked_words import WordList
from models.explain import Explanation
from service.hints.workflow import Hints
from service.masking import Masking
from service.pages.masking import Masker
from service.settings import Settings
from service.spans.workflow import Covering
from tests.service.escalations.steps import opened
from tests.service.hints.test_hints import Explaining, scored
from tests.service.media.pictures import png
from tests.service.pages.test_pages import HOSTILE, assert_is_safe_page
from tests.service.pages.test_quality import page as read
from tests.service.pages.test_scripts import press_to_a_case
from tests.service.pages.test_suspects import hand_in
from tests.service.quality.verbs import ALLOWED, OTHER, adjudicate, decided_case, disputed, plan, say, take
from tests.service.scoring.doubles import Scripted, grave, loaded
from tests.service.steps import claim, decided, query, report, value

# Made up, so that nobody has to read the real ones here.
WORDS = ("blorp*", "zab", "愚犬", "مخترع")
COVERING = Covering(Masking(WordList("test", {"slur": WORDS})), Settings(secret=SecretStr("one secret" * 4)))
MANY = "Hm 😀 <b>blorp</b> said zab, b<l>0rpers, 愚犬 and مخترع &amp; e\u0301 b.l\r\no r p"
FOUND = ["blorp", "zab", "b<l>0rpers", "愚犬", "مخترع", "b.l\r\no r p"]
BUTTON = re.compile(r'<button type="button" class="masked"[^>]* data-of="(\w+)" data-index="(\d+)"')


@pytest.fixture
def settings(database: str, tmp_path: Path) -> Settings:
    """A service with the made-up list, whose decisions can be undone for a while where a browser decides."""
    path = tmp_path / "words.toml"
    quoted = ", ".join(f'"{word}"' for word in WORDS)
    path.write_text(f'version = "1"\n[slur]\nen = [{quoted}]\n', encoding="utf-8")
    return Settings(
        data_dir=tmp_path / "data", database_url=database, undo_seconds=0, image_model="none", masked_words=path
    )


class _Reading(HTMLParser):
    """The text of a page as a person gets it, each masked part uncovered by the place that its button names."""

    def __init__(self, texts: list[str]) -> None:
        super().__init__(convert_charrefs=True)
        self.found = ""
        self._texts = texts
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        assert (tag, values["class"]) == ("button", "masked")
        [word] = COVERING.uncover(self._texts, str(values["data-of"]), int(str(values["data-index"]))).words
        self.found += word
        self._inside = True

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        assert not self._inside or set(data) == {"•"}
        self.found += "" if self._inside else data


def uncovered(text: str, *others: str) -> str:
    reading = _Reading([*others, text])
    reading.feed(str(Masker(COVERING, "", on=True)(text)))
    reading.close()
    return reading.found


@given(st.text(alphabet='bl<>&"orpza b.愚犬مخترع\u200b\u0301é💥8\r\n', max_size=60), st.text(max_size=20))
def test_what_is_masked_is_uncovered_to_the_very_text(text: str, other: str) -> None:
    assert uncovered(text, other) == text


def test_masked_letters_are_not_in_the_markup_and_dots_keep_the_length() -> None:
    markup = str(Masker(COVERING, "", on=True)(MANY))
    for word in FOUND:
        assert word not in html.unescape(markup)
    assert re.findall("•+", markup) == ["•" * len(word.replace("\r\n", "\n")) for word in FOUND]
    assert re.findall(r"masked word (\d), show", markup) == [str(place + 1) for place in range(len(FOUND))]
    assert uncovered(MANY) == MANY
    assert Masker(COVERING, "", on=False)(MANY).unescape() == MANY


def test_the_name_of_a_text_is_another_with_another_key() -> None:
    assert COVERING.name("a") != COVERING.name("b")
    assert COVERING.name("a") != Covering(COVERING.masking, Settings(secret=SecretStr("another secret" * 4))).name("a")


async def uncover_all(person: httpx.AsyncClient, shown: str) -> list[str]:
    """What stands under the masks of a page, each asked for alone, as its script does."""
    at = re.findall(r'<body [^>]*data-spans="([^"]+)"', shown)
    words = []
    for of, index in BUTTON.findall(shown):
        answer = await person.get(f"{at[0]}/{of}", params={"index": index})
        assert answer.status_code == 200, (at, answer.text)
        words += answer.json()["words"]
    return words


def assert_no_letters(shown: str) -> None:
    plain = html.unescape(shown)
    for word in ("blorp", "b<l>0rp", "zab", "愚犬", "مخترع"):
        assert word not in plain, word


async def test_no_page_of_an_escalation_holds_the_letters_and_each_part_comes_alone(
    app: FastAPI, colleague: httpx.AsyncClient, lead: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    words: dict[str, Any] = {"title": "They say blorp", "summary": "He is a zab", "fields": {"reasons": "愚犬"}}
    ended = await opened(app, database, **words)
    await lead.post(
        f"/v1/escalations/{ended}/moves", json={"verb": "resolve", "resolution": "refused", "note": "blorp!"}
    )
    record = await opened(app, database, **words)
    path = f"/v1/escalations/{record}"
    await colleague.post(f"{path}/links", json={"other_id": str(ended)})
    # More than one look takes in: the oldest is found among them all.
    for number in range(32):
        body = f"{number} <b>zab</b>" if number == 0 else "Nothing"
        await colleague.post(f"{path}/messages", json={"body": body})
    await colleague.post(f"{path}/messages", json={"body": "مخترع", "kind": "handover"})
    shown = (await lead.get(f"/escalations/{record}")).text
    assert_no_letters(shown[: shown.index('id="facts-dialog"')])
    # Title, hand-over note, summary, field, message, and how a record ended that is alike.
    assert await uncover_all(lead, shown) == ["blorp", "مخترع", "zab", "愚犬", "مخترع", "blorp"]
    [older] = re.findall(rf'data-from="(/escalations/{record}/messages[^"]*)"', shown)
    part = (await lead.get(html.unescape(older))).text
    assert_no_letters(part)
    [(of, index)] = BUTTON.findall(part)
    there = f"{path}/spans/{of}?index={index}"
    assert (await lead.get(there)).json() == {"words": ["zab"]}
    assert (await reviewer.get(there)).status_code == 403
    assert (await lead.get(f"/v1/escalations/{ended}/spans/{of}")).status_code == 404
    for page in ("/escalations", "/escalations?status=any", "/work"):
        assert_no_letters((await lead.get(page)).text)
    found = await lead.post("/escalations/found", json={"words": "blorp", "status": "any"})
    assert found.text.count("They say •••••") == 2
    query(database, "UPDATE escalations SET confidentiality = 'restricted', path = 'child_safety'")
    assert (await lead.get(there)).status_code == 404


async def test_no_page_of_a_case_holds_the_letters_and_each_part_comes_alone(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    uploaded = await platform.post("/v1/media", files={"file": ("picture.png", png(), "image/png")})
    media = uploaded.json()["media_id"]
    query(database, "UPDATE media SET read_state = 'read'")
    query(
        database,
        """INSERT INTO media_texts (media_id, lines, score) SELECT id,
        '[{"text": "a zab here"}, {"text": "<b>blorp</b>"}]', '{"primary_area": "harassment"}' FROM media""",
    )
    await report(platform, text=MANY, media=[media])
    query(database, "UPDATE reports SET note = %s", "they wrote blorp")
    claimed = await claim(reviewer)
    path = f"/cases/{claimed['case']['id']}"
    shown = await read(reviewer, path)
    assert_no_letters(shown)
    assert sorted(await uncover_all(reviewer, shown)) == sorted([*FOUND, "zab", "blorp", "blorp"])
    assert 'id="masked-all"' in shown
    assert "taken for bullying and harassment" in shown
    await decided(reviewer, claimed, note="says zab")
    shown = await read(reviewer, path)
    assert_no_letters(shown)
    assert (await uncover_all(reviewer, shown)).count("zab") == 3
    assert 'id="masked-all"' not in shown


async def test_a_second_opinion_is_masked_where_it_is_asked_for_and_where_it_comes_back(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient
) -> None:
    await report(platform)
    asked = await claim(reviewer)
    proposal = {"actions": ["remove"], "policy_area": "harassment", "severity": 2, "note": "yes"}
    body = {"lease_token": asked["lease"]["token"], "question": "Is blorp one?", "proposal": proposal}
    path = f"/cases/{asked['case']['id']}"
    assert (await reviewer.post(f"/v1{path}/second-opinion", json=body)).status_code == 201
    claimed = await claim(colleague)
    shown = await read(colleague, path)
    assert_no_letters(shown)
    assert await uncover_all(colleague, shown) == ["blorp"]
    await decided(colleague, claimed, note="a zab")
    work = await read(reviewer, "/work")
    assert "a •••" in work
    assert "a zab" not in work


async def test_who_wants_no_masks_gets_none_and_the_service_answers_json_as_it_was(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient
) -> None:
    await report(platform, text=MANY)
    claimed = await claim(reviewer)
    assert claimed["case"]["subject"]["text"] == MANY
    assert (await reviewer.put("/v1/me/media", json={"mask_text": False})).status_code == 200
    shown = await read(reviewer, f"/cases/{claimed['case']['id']}")
    assert BUTTON.search(shown) is None
    assert html.escape(FOUND[2]) in shown


async def test_a_part_is_for_who_may_see_the_case_and_of_its_own_texts_alone(
    app: FastAPI, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    case_id = (await report(platform, text="one zab"))["case_id"]
    other = (await report(platform, "post-2", text="two blorp"))["case_id"]
    name = app.state.covering.name
    path = f"/v1/cases/{case_id}/spans/{name('one zab')}"
    assert (await reviewer.get(path, params={"index": 0})).json() == {"words": ["zab"]}
    assert (await reviewer.get(path)).json() == {"words": ["zab"]}
    assert (await reviewer.get(path)).headers["cache-control"] == "private, no-store"
    for wrong in (
        f"{path}?index=1",
        f"/v1/cases/{case_id}/spans/{name('two blorp')}",
        f"/v1/cases/{case_id}/spans/{'0' * 16}",
    ):
        assert (await reviewer.get(wrong)).status_code == 404, wrong
    assert (await reviewer.get(f"{path}?index=-1")).status_code == 422
    query(database, "INSERT INTO queues (name, title, restricted) VALUES ('few', 'Few', true)")
    query(database, "UPDATE cases SET queue = 'few'")
    gone = await reviewer.get(f"/v1/cases/{other}/spans/{name('two blorp')}")
    assert gone.status_code == (await reviewer.get(f"/v1/cases/{other}")).status_code == 404


@pytest.mark.parametrize("hostile", HOSTILE)
async def test_hostile_content_around_masks_stays_text(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, hostile: str
) -> None:
    text = f'{hostile} blorp {hostile} b<l>0rp\'" onclick="x" zab'
    case_id = (await report(platform, text=text))["case_id"]
    answer = await reviewer.get(f"/cases/{case_id}")
    assert_is_safe_page(answer)
    assert "<img src=x" not in answer.text
    assert "<script>alert" not in answer.text
    assert_no_letters(answer.text)


async def test_no_page_of_quality_holds_the_letters_and_each_part_comes_alone(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    ml: httpx.AsyncClient,
) -> None:
    note = "note of a blorp"
    made = await decided_case(platform, reviewer, "post-1", text=MANY, note=note)
    await plan(lead)
    check = await take(checker)
    pages = [(checker, "/qa/review", True)]
    found = [await _uncovered_page(*one) for one in pages]
    assert (await say(checker, check, **OTHER, note=note)).status_code == 200
    [item] = await disputed(colleague)
    found.append(await _uncovered_page(colleague, f"/qa/disputed?item={item['item_id']}", True))
    assert_no_letters(await read(colleague, "/qa/disputed"))
    assert (await adjudicate(lead, item, **ALLOWED, note=note)).status_code == 201
    [told] = (await reviewer.get("/v1/qa/feedback")).json()["feedback"]
    await reviewer.post(f"/v1/qa/feedback/{told['id']}/dispute", json={"objection": "no zab"})
    found.append(await _uncovered_page(reviewer, "/qa/feedback", False))
    found.append(await _uncovered_page(colleague, f"/qa/objections?feedback={told['id']}", True))
    assert_no_letters(await read(colleague, "/qa/objections"))
    period = {"since": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}
    session = (await lead.post("/v1/qa/calibrations", json={"title": "one", **period})).json()["id"]
    calibration = f"/v1/qa/calibrations/{session}"
    agreed = {**OTHER, "note": note}
    assert (await lead.put(f"{calibration}/items/{item['item_id']}", json=agreed)).is_success
    assert (await lead.post(f"{calibration}/close", json={"guidance": "As agreed."})).is_success
    found.append(await _uncovered_page(lead, f"/qa/calibration/{session}", False))
    golden = {"item_id": item["item_id"], "rationale": note}
    assert (await lead.post("/v1/qa/golden", json=golden)).status_code == 201
    assert_no_letters(await read(lead, "/qa"))
    other = await decided_case(platform, reviewer, "post-2", text=f"{MANY} again")
    await hand_in(ml, (other["decision_id"], 0.1, "spam"))
    found.append(await _uncovered_page(colleague, "/qa/suspects", True))
    for words in found:
        assert set(FOUND) <= set(words), words
    assert made["decision_id"]


async def _uncovered_page(person: httpx.AsyncClient, path: str, judged: bool) -> list[str]:
    shown = await read(person, path)
    assert_no_letters(shown)
    assert ('id="masked-all"' in shown) is judged, path
    return await uncover_all(person, shown)


@pytest.mark.parametrize(
    ("state", "lines", "said"),
    [
        ("waiting", None, "read-waiting"),
        ("failed", None, "read-failed"),
        ("read", "[]", "read-nothing"),
        ("read", '[{"text": "x"}]', "read-text"),
    ],
)
async def test_a_picture_says_what_became_of_its_text(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str, state: str, lines: str | None, said: str
) -> None:
    uploaded = await platform.post("/v1/media", files={"file": ("picture.png", png(), "image/png")})
    query(database, "UPDATE media SET read_state = %s", state)
    if lines is not None:
        query(database, "INSERT INTO media_texts (media_id, lines) SELECT id, %s::jsonb FROM media", lines)
    case_id = (await report(platform, media=[uploaded.json()["media_id"]]))["case_id"]
    assert re.findall(r'data-testid="(read-(?!only)\w+)"', await read(reviewer, f"/cases/{case_id}")) == [said]
    [item] = (await reviewer.get(f"/v1/cases/{case_id}")).json()["media"]
    text = None if lines is None else "x" if "x" in lines else ""
    assert (item["text_state"], item["text"], item["text_area"]) == (state, text, None)


async def test_hints_in_a_text_as_the_model_reads_it_have_dots_for_pages_alone(
    app: FastAPI, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient
) -> None:
    app.state.model = await loaded(Scripted(grave))
    app.state.hints = Hints(
        lambda _scorer, _text, area, _language: Explanation(area, "x", 0, 9, True, (), False, "so, a zab")
    )
    path = await scored(app, platform, text="zab")
    assert (await reviewer.get(path)).json()["cleaned"] == "so, a zab"
    assert (await reviewer.get(path, params={"masked": True})).json()["cleaned"] == "so, a •••"
    assert (await reviewer.put("/v1/me/media", json={"mask_text": False})).status_code == 200
    assert (await reviewer.get(path, params={"masked": True})).json()["cleaned"] == "so, a zab"


@pytest.fixture
async def held(app: FastAPI, page: Page, platform: httpx.AsyncClient) -> Page:
    """A scored case with masked words in the reviewer's hands, whose second word is hinted at."""
    made = Explaining()
    made.go.set()
    app.state.model = await loaded(Scripted(grave))
    app.state.hints = Hints(made)
    await scored(app, platform, text="😀\r\nHm b<l>0rp, said zab. <i>שלום</i> blorpers!")
    await press_to_a_case(page, "n")
    return page


@pytest.mark.browser
async def test_by_keyboard_one_word_is_shown_then_all_and_escape_masks_them(held: Page, database: str) -> None:
    asked: list[str] = []
    held.on("request", lambda request: asked.append(request.url) if "/spans/" in request.url else None)
    content, words = held.get_by_test_id("content"), held.locator("#content .masked")
    masked = "😀\nHm •••••••, said •••. <i>שלום</i> ••••••••!"
    assert await content.text_content() == masked
    await held.get_by_role("button", name="masked word 2, show").focus()
    await held.keyboard.press("Enter")
    await expect(words.nth(1)).to_have_text("zab")
    await expect(held.locator("#announce")).to_have_text("zab")
    assert await content.text_content() == masked.replace(" •••.", " zab.")
    assert len(asked) == 1
    await held.keyboard.press("Enter")
    await expect(words.nth(1)).to_have_text("•••")
    await held.keyboard.press("Space")
    await expect(words.nth(1)).to_have_text("zab")
    await held.keyboard.press("Escape")
    await expect(content).to_have_text(masked, use_inner_text=False)
    await held.keyboard.press("m")
    await expect(held.locator("#masked-all")).to_have_attribute("aria-pressed", "true")
    assert await words.all_text_contents() == ["b<l>0rp", "zab", "blorpers"]
    assert await content.evaluate("one => [...one.children].every((child) => child.tagName === 'BUTTON')")
    await held.keyboard.press("m")
    await expect(held.locator("#masked-all")).to_have_attribute("aria-pressed", "false")
    assert await content.text_content() == masked
    assert value(database, "SELECT count(*) FROM exposures") == 0


@pytest.mark.browser
async def test_hints_mark_masked_words_whole_and_leave_them_as_they_are(held: Page) -> None:
    marks, first = held.locator("#content mark"), held.locator("#content .masked").first
    read_first: Any = await held.get_by_test_id("content").text_content()
    await held.keyboard.press("w")
    await expect(marks).to_have_text("•••••••,")
    await expect(held.locator("#announce")).to_contain_text("strong: a masked word")
    await first.focus()
    await held.keyboard.press("Enter")
    await expect(marks).to_have_text("b<l>0rp,")
    await held.keyboard.press("w")
    await expect(marks).to_have_count(0)
    await expect(first).to_be_focused()
    await expect(first).to_have_text("b<l>0rp")
    await held.keyboard.press("w")
    await expect(marks).to_have_text("b<l>0rp,")
    await held.keyboard.press("Escape")
    await expect(marks).to_have_text("•••••••,")
    assert await held.get_by_test_id("content").text_content() == read_first
