"""Search on real tables: who finds what, by which words, in which order, and what is told of it."""

import base64
import io
import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from labeling.masked_words import WordList
from service.masking import Masking
from service.search import workflow
from service.search.backfill import Backfill
from service.spans.workflow import Covering
from tests.service.steps import Body, assert_error, claim, decided, query, report, report_body, rewrite, value

TEXTS = {
    "en": ("en", "She is running a scam with r3funds and f.r.e.e money"),
    "de": ("de", "Die Häuser brennen, sagten die Nachbarn"),
    "es": ("es", "Los vecinos corrían por la calle"),
    "fr": ("fr", "L'élève a mangé des pommes"),
    "ru": ("ru", "Соседи бежали по улицам"),
    "tr": ("tr", "Evlerimizden çıktık"),
    "hi": ("hi", "मुझे लड़कों ने मारा"),
    "ar": ("ar", "الكِتَاب على الطاولة"),
    "zh": ("zh", "我要杀了你，今天晚上"),
    "ja": ("ja", "東京タワーで会いましょう"),
    "ko": ("ko", "학교에서 친구를 만났다"),
    "th": ("th", "ฉันจะไปโรงเรียนพรุ่งนี้"),
    "emoji": (None, "look 🍆🍑 here"),
    "wide": (None, "ＦＲＥＥ ｍｏｎｅｙ and 𝓬𝓪𝓼𝓱 and frее"),
}


async def ask(person: httpx.AsyncClient, said: str, **fields: Any) -> Body:
    """The answer to a question that can be asked."""
    answer = await person.post("/v1/search", json={"query": said, **fields})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def subjects(person: httpx.AsyncClient, said: str, **fields: Any) -> list[str]:
    """The subjects of the cases that were found."""
    return [one["subject_id"] for one in (await ask(person, said, **fields))["cases"]]


def told(found: Body, *, marked: str = "[]") -> str:
    """The snippet of the first case with what was found in brackets."""
    pieces = found["cases"][0]["snippet"]["pieces"]
    return "".join(f"{marked[0]}{one['text']}{marked[1]}" if one["found"] else one["text"] for one in pieces)


@pytest.fixture(params=[workflow.RARE, 0], ids=["as rare words", "as frequent words"])
def frequent(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rare words are looked up first, frequent ones beside the rest: both find the same."""
    monkeypatch.setattr(workflow, "RARE", request.param)


@pytest.fixture
async def told_in_many_languages(platform: httpx.AsyncClient) -> None:
    for name, (language, text) in TEXTS.items():
        await report(platform, name, text=text, language=language, author={"id": f"author_{name}"})


@pytest.mark.usefixtures("told_in_many_languages")
async def test_words_are_found_in_many_languages(reviewer: httpx.AsyncClient) -> None:
    found = {
        said: await subjects(reviewer, said)
        for said in (
            *("runs", "refunds", "free", '"the money"', "fr33", "haus", "HÄUSER", "vecino", "eleve", "pommes", "сосед"),
            *(
                "ev",
                "लड़कों",
                "كتاب",
                "杀了你",
                "杀",
                "你杀",
                "東京",
                "타워",
                "친구",
                "โรงเรียน",
                "🍆",
                "cash",
                "runni*",
                "xyzzy",
            ),
        )
    }
    assert found.pop("free") == ["wide", "en"]
    # Exactly so: an obfuscated word counts by what it says, and in quotation marks as it is written.
    assert found.pop('"the money"') == []
    assert found.pop("fr33") == ["wide", "en"]
    assert {said for said, one in found.items() if not one} == {"你杀", "타워", "xyzzy"}
    assert found["runs"] == found["refunds"] == found["runni*"] == ["en"]
    assert found["haus"] == found["HÄUSER"] == ["de"]
    assert [found[said] for said in ("杀了你", "杀", "東京", "친구", "โรงเรียน")] == [
        ["zh"],
        ["zh"],
        ["ja"],
        ["ko"],
        ["th"],
    ]
    assert told(await ask(reviewer, "refunds scam")) == "She is running a [scam] with [r3funds] and f.r.e.e money"
    assert told(await ask(reviewer, "haus")) == "Die [Häuser] brennen, sagten die Nachbarn"
    assert told(await ask(reviewer, "money -scam")).endswith("[ｍｏｎｅｙ] and 𝓬𝓪𝓼𝓱 and frее")


@pytest.mark.usefixtures("told_in_many_languages")
async def test_filters_tell_cases_apart(reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, database: str) -> None:
    [(case,)] = query(
        database, "SELECT c.id FROM cases c JOIN subjects s ON s.id = c.subject_id WHERE external_id = 'de'"
    )
    score = {"areas": {"harassment": 0.9}, "severity": [0, 0, 0.1, 0.9, 0], "primary_area": "harassment"}
    rewrite(
        database,
        "UPDATE evidence SET score = %s, score_state = 'scored' WHERE id = (SELECT evidence_id FROM cases WHERE id = %s)",
        json.dumps(score),
        case,
    )
    assert await subjects(reviewer, "author:hor_de") == ["de"]
    assert await subjects(reviewer, 'author:"author_de"') == ["de"]
    assert await subjects(reviewer, "author:%") == await subjects(reviewer, "author:a'x") == []
    assert await subjects(reviewer, "lang:de,es", order="newest") == ["es", "de"]
    assert await subjects(reviewer, f"{case}") == await subjects(reviewer, str(case)[-12:]) == ["de"]
    assert await subjects(reviewer, "area:harassment severity:>=3") == ["de"]
    assert len(await subjects(reviewer, "-area:harassment reports:1 reporter:r1 opened:1h has:note")) == len(TEXTS) - 1
    assert await subjects(reviewer, "has:video") == await subjects(reviewer, "due:over") == []
    page = await ask(reviewer, "status:open channel:user", limit=5, order="newest")
    assert (page["count"], page["more"]) == (len(TEXTS), False)
    assert {one["value"]: one["count"] for one in page["facets"]["lang"]}["und"] == 2
    seen = [one["subject_id"] for one in page["cases"]]
    while page["next"]:
        page = await ask(reviewer, "status:open channel:user", limit=5, order="newest", after=page["next"])
        assert (page["count"], page["facets"]) == (None, {})
        seen += [one["subject_id"] for one in page["cases"]]
    assert seen == list(reversed(TEXTS))
    # What has no special route is one of those without this one.
    assert len(await subjects(reviewer, "-special:legal_order")) == len(TEXTS)
    for place in ("bm8=", base64.urlsafe_b64encode(b'["newest", "2026-11-30", "2026-11-30", 5]').decode()):
        refused = await lead.post("/v1/search", json={"query": "x", "after": place, "order": "newest"})
        assert "begin with the first page" in assert_error(refused, 422, "unreadable_question")


@pytest.mark.usefixtures("frequent")
async def test_what_is_decided_counts_and_notes_are_found(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    await report(platform)
    await decided(reviewer, await claim(reviewer), note="an unmistakable ruse")
    found = await ask(colleague, "ruses")
    assert told(found) == "an unmistakable [ruse]"
    assert (found["cases"][0]["area"], found["cases"][0]["severity"]) == ("harassment", 2)
    assert found["cases"][0]["snippet"]["where"] == "decision"
    assert await subjects(reviewer, "decided:me action:remove area:harassment severity:2 status:decided") == ["post-1"]
    assert await subjects(colleague, "decided:me") == []
    assert await subjects(lead, "decided:test-reviewer decided:today") == ["post-1"]
    refused = await colleague.post("/v1/search", json={"query": "decided:test-reviewer"})
    assert "for those who lead" in assert_error(refused, 403, "forbidden")


async def test_nobody_finds_what_they_may_not_see(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, database: str
) -> None:
    case = (await report(platform, text="hidden words"))["case_id"]
    await lead.post("/v1/queues", json={"name": "closed", "title": "Closed", "restricted": True})
    rewrite(database, "UPDATE cases SET queue = 'closed'")
    for said in ("hidden", case, case[-12:], "", "author:a1", "-zzz"):
        assert await subjects(reviewer, said) == await subjects(lead, said) == [], said
    answer = await reviewer.post("/v1/search", json={"query": "queue:closed"})
    assert "knows no 'closed'" in assert_error(answer, 422, "unreadable_question")
    rewrite(
        database,
        "INSERT INTO queue_members (queue, principal_id) SELECT 'closed', id FROM principals WHERE role = 'reviewer'",
    )
    assert await subjects(reviewer, "hidden queue:closed") == ["post-1"]


@pytest.mark.usefixtures("frequent")
async def test_a_decision_that_has_to_stay_unknown_is_not_found(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, database: str
) -> None:
    await report(platform)
    claimed = await claim(reviewer)
    made = await decided(reviewer, claimed, note="telltale")
    kept = "SELECT (SELECT array_agg(one) FROM kept_back_from(p.id) AS one), array_agg(d.id) FILTER (WHERE is_kept_back(d.id, p.id))"
    kept += " FROM principals p CROSS JOIN decisions d WHERE p.role = 'specialist' GROUP BY p.id"
    assert query(database, kept) == [(None, None)]
    # As an answer to a second opinion is kept back while it can be undone.
    rewrite(
        database,
        "INSERT INTO second_opinions (id, case_id, asked_by, question, proposal, answered_by, answer, answered_at, agreed, decision_id)"
        " SELECT gen_random_uuid(), d.case_id, p.id, 'sure?', '{}', d.decided_by, '{}', now(), true, d.id"
        " FROM decisions d, principals p WHERE p.role = 'lead'",
    )
    rewrite(database, "UPDATE decisions SET undo_until = now() + interval '1 hour'")
    [(found, asked)] = query(database, kept)
    assert [str(one) for one in found] == [str(one) for one in asked] == [made["decision_id"]]
    for said in ("telltale", "area:harassment", "action:remove", "severity:2"):
        assert await subjects(colleague, said) == [], said
        assert await subjects(reviewer, said) == ["post-1"], said
    [shown] = (await ask(colleague, "status:decided"))["cases"]
    assert (shown["area"], shown["severity"], shown["actions"]) == (None, None, None)


@pytest.mark.usefixtures("frequent")
async def test_words_are_found_wherever_in_a_case_they_stand(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, database: str
) -> None:
    body = report_body(text="about a lighthouse", author={"id": "keeper"})
    for number in range(3):
        told = {"note": f"number{number}", "reason": f"other {number}", "reporter": {"id": f"teller_{number}"}}
        assert (await platform.post("/v1/reports", json=body | told)).status_code == 201
    claimed = await claim(reviewer)
    path = f"/v1/cases/{claimed['case']['id']}"
    assert (await reviewer.post(f"{path}/notes", json={"body": "the harbour again"})).status_code == 201
    for said in (
        "lighthouse number0 number2",
        "lighthouse harbour keeper",
        "harbour teller_1 author:keeper reporter:ELLER_2",
    ):
        assert await subjects(colleague, said) == ["post-1"], said
    assert await subjects(colleague, "lighthouse -number1") == await subjects(colleague, "reporter:teller_9") == []
    assert (await ask(colleague, "harbour"))["cases"][0]["snippet"]["where"] == "note"
    # Who gives a second opinion reads and finds nothing of whoever asked.
    proposal = {"actions": ["remove"], "policy_area": "harassment", "severity": 2, "note": ""}
    asked = {"lease_token": claimed["lease"]["token"], "question": "sure?", "proposal": proposal}
    assert (await reviewer.post(f"{path}/second-opinion", json=asked)).status_code == 201
    assert await subjects(colleague, "harbour") == []
    assert await subjects(reviewer, "harbour") == ["post-1"]
    # A report that goes to another case takes its words along, and an author who becomes known later is found.
    other = (await report(platform, "post-2", author=None))["case_id"]
    moved = "UPDATE reports SET case_id = %s WHERE note = 'number1' RETURNING id"
    assert len(query(database, moved, other)) == 1
    assert await subjects(reviewer, "number1") == ["post-2"]
    await report(platform, "post-2", author={"id": "latecomer"})
    assert await subjects(reviewer, "latecomer") == await subjects(reviewer, "author:tecom") == ["post-2"]


async def test_words_are_masked_as_everywhere_and_told_to_no_log(
    app: FastAPI, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str, log: io.StringIO
) -> None:
    # Made up, so that nobody has to read the real ones here.
    word = "blorp"
    app.state.covering = Covering(Masking(WordList("test", {"slur": (word,)})), app.state.settings)
    await report(platform, text=f"you {word} of a secretword")
    [piece] = [one for one in (await ask(reviewer, word))["cases"][0]["snippet"]["pieces"] if one["masked"]]
    assert piece == {"text": "•" * len(word), "found": True, "masked": True}
    await reviewer.put("/v1/me/media", json={"mask_text": False})
    assert told(await ask(reviewer, "secretword")) == f"you {word} of a [secretword]"
    data = query(database, "SELECT data FROM events WHERE kind = 'search.made' ORDER BY id")
    assert data[-1][0] == {"filters": [], "words": 1, "order": "relevance", "found": 1, "first_page": True}
    assert "secretword" not in log.getvalue() + str(data)


async def test_cases_from_before_become_findable(
    app: FastAPI, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    for name in ("one", "two"):
        await report(platform, name)
    await decided(reviewer, await claim(reviewer), note="seen before")
    rewrite(database, "DELETE FROM search_documents")
    rewrite(database, "INSERT INTO search_backfill (below) VALUES ('ffffffff-ffff-ffff-ffff-ffffffffffff')")
    assert await subjects(reviewer, "says") == []
    backfill = Backfill(app.state.engine)
    assert [await backfill.step() for _ in range(3)] == [2, 0, 0]
    assert sorted(await subjects(reviewer, "says")) == ["one", "two"]
    assert len(await subjects(reviewer, '"seen before"')) == 1
    assert len(await subjects(reviewer, "please reporter:r1 r1")) == 2
    assert value(database, "SELECT count(*) FROM search_backfill") == 0


@pytest.mark.parametrize("text", ["字人" * 50_000, "𝒜b1@ " * 20_000, "\\ ' : & | ! <-> *"])
async def test_no_report_is_lost_for_what_its_words_are(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, text: str
) -> None:
    await report(platform, "odd", text=text, author={"id": "o'\\x:*"})
    assert await subjects(reviewer, "author:o'\\x") == ["odd"]
