"""Stored scripts: hostile texts in every field that the API takes are text on every page, and nothing of them ever runs."""

import io
from urllib.parse import unquote

import httpx
import pytest
from fastapi import FastAPI
from playwright.async_api import Page

from tests.journey.browsing import chromium, new_page
from tests.service.pages.furnishing import furnish
from tests.service.pages.payloads import FORMS, Api, Hostile, Writer, beginning, squeezed
from tests.service.pages.test_every_page import to_walk

# Why a hostile text is not put into a field: the service takes nothing there but what it knows.
KNOWN = {
    "a label of the taxonomy": (
        *("POST /v1/cases/{case_id}/decisions .policy_area", "POST /v1/cases/{case_id}/decisions .actions[]"),
        *("PUT /v1/cases/{case_id}/statement .policy_area", "POST /v1/cases/{case_id}/statement/preview .policy_area"),
        "POST /v1/cases/{case_id}/statement/preview .actions[]",
        "POST /v1/cases/{case_id}/second-opinion .proposal.policy_area",
        "POST /v1/cases/{case_id}/second-opinion .proposal.actions[]",
        *("POST /v1/labels/suspects .suspects[].suggested_area", "POST /v1/labels/suspects .suspects[].area"),
        "POST /v1/labels/suspects/{decision_id}/resolve .label.policy_area",
        *("POST /v1/qa/reviews/{token} .policy_area", "POST /v1/qa/reviews/{token} .actions[]"),
        "POST /v1/qa/items/{item_id}/adjudicate .policy_area",
        "POST /v1/qa/items/{item_id}/adjudicate .actions[]",
        "POST /v1/qa/feedback/{feedback_id}/resolve .answer.policy_area",
        "POST /v1/qa/feedback/{feedback_id}/resolve .answer.actions[]",
        "PUT /v1/qa/calibrations/{session_id}/items/{item_id} .policy_area",
        "PUT /v1/qa/calibrations/{session_id}/items/{item_id} .actions[]",
        *(f"POST /v1/appeals/{{appeal_id}}/decision .{name}" for name in ("policy_area", "standing[]", "actions[]")),
    ),
    "an amount, a code of a language or of a country": (
        *("PATCH /v1/people/{username} .hourly_cost", "PATCH /v1/people/{username} .languages[]"),
        *("POST /v1/routing .rules[].when.languages[]", "POST /v1/routing .rules[].when.markets[]"),
        *(
            f"{call} .spec.{name}"
            for call in ("POST /v1/crises", "PUT /v1/crises/{crisis_id}")
            for name in (
                *("languages[]", "markets[]", "statements[].language"),
                *("rules[].when.languages[]", "rules[].when.markets[]"),
            )
        ),
        "PUT /v1/continuity/{name} .plan.statements[].language",
    ),
    "the name of an account": (
        "POST /v1/cases/{case_id}/hand-over .to",
        "POST /v1/escalations/{escalation_id}/improvements .owner",
        "PATCH /v1/improvements/{improvement_id} .owner",
        "POST /v1/crises/{crisis_id}/reviews .actions[].owner",
        "PUT /v1/continuity/{name} .plan.reskilled[].person",
    ),
    "the order that is at work": ("POST /v1/ranking .replaces", "POST /v1/ranking/{version}/activate .replaces"),
    "a question that can be read; furnish() keeps one that holds markup": (
        *("POST /v1/views .query", "PATCH /v1/views/{view_id} .query"),
    ),
    "a matrix that can be read": ("POST /v1/sla .text",),
    "a text whose placeholders are known; furnish() keeps one that holds markup": (
        *("POST /v1/replies/templates .subject", "POST /v1/replies/templates .body"),
        *("POST /v1/crises .spec.statements[].text", "PUT /v1/crises/{crisis_id} .spec.statements[].text"),
        "PUT /v1/continuity/{name} .plan.statements[].text",
    ),
    "what may be sent; tests/service/replies/test_page.py writes a reply that holds markup": (
        *(
            f"PUT /v1/escalations/{{escalation_id}}/replies/{{reply_id}} .{one}"
            for one in ("subject", "body", "recipients[]")
        ),
    ),
    "an address: whatever is no part of one is escaped when it is taken": ("POST /v1/webhooks .url",),
}
# Fields that nothing is written to here, each with why that loses nothing.
UNWRITTEN = {
    "it is published, so what looks like somebody's handle or address is refused; tests/service/statements/test_pages.py": tuple(
        f"{call}.{name}"
        for call in (
            *("POST /v1/cases/{case_id}/decisions .statement", "POST /v1/cases/{case_id}/cluster/decide .statement"),
            *("POST /v1/cases/{case_id}/statement/preview .statement", "PUT /v1/cases/{case_id}/statement .statement"),
            "POST /v1/statements/{statement_id}/mend ",
            "POST /v1/decisions/{decision_id}/statement ",
        )
        for name in (
            *("decision_facts", "illegal_content_legal_ground", "illegal_content_explanation", "content_type_other"),
            *("incompatible_content_ground", "incompatible_content_explanation", "category_specification_other"),
        )
    ),
    "only somebody who is signed in decides an appeal, as tests/service/appeals/test_pages.py does": (
        *("POST /v1/appeals/{appeal_id}/decision .explanation", "POST /v1/appeals/{appeal_id}/decision .note"),
    ),
    "of what is sent only words of the reply are kept that are user names": tuple(
        f"POST /v1/escalations/{{escalation_id}}/replies/{{reply_id}}/{verb} .namesakes[]"
        for verb in ("submit", "approve", "send")
    ),
    "it is stored nowhere": (
        *("POST /v1/session .username", "POST /v1/session .password", "POST /v1/people .password"),
        *("POST /v1/session .new_password", "POST /v1/search .query", "POST /v1/search .after"),
        *("POST /v1/search/completions .query", "POST /v1/sla/preview .text"),
        *("POST /v1/escalations/search .words", "POST /v1/escalations/search .after"),
        *("POST /v1/score .texts[]", "POST /v1/shed/restore .queue", "POST /v1/subjects/views .updates[].id"),
        *("POST /v1/routing/preview .rules[].name", "POST /v1/routing/preview .rules[].when.reasons[]"),
        "POST /v1/routing/preview .rules[].when.languages[]",
        "POST /v1/routing/preview .rules[].when.markets[]",
        *("POST /v1/search .query", "POST /v1/search .after", "POST /v1/search/completions .query"),
        *(f"POST /v1/qa/plans/preview .scope.{name}[]" for name in ("areas", "queues", "languages", "vendors")),
    ),
    "it is reported: what POST /v1/reports takes is shown as it is": (
        *(f"POST /v1/escalations .content[].{name}" for name in ("id", "text", "author.id")),
    ),
    "a plan takes only values that there are": tuple(
        f"POST /v1/qa/plans .scope.{name}[]" for name in ("areas", "queues", "languages", "vendors")
    ),
    "it is stored and shown as that of one decision or one hash": (
        *(f"POST /v1/cases/{{case_id}}/cluster/decide .{name}" for name in ("policy_area", "note", "preview_token")),
        *("POST /v1/cases/{case_id}/cluster/decide .actions[]", "POST /v1/banks/{bank_id}/decided .note"),
    ),
}
# Written and stored, and on no page.
UNSHOWN = {
    "it is for the record": ("POST /v1/media/{media_id}/reveal .reason",),
    "it is for whoever asks the API for clocks": (
        *("POST /v1/cases/{case_id}/clocks .reason", "POST /v1/escalations/{escalation_id}/clocks .reason"),
    ),
    "it goes out with the export of a bank": (
        *("POST /v1/banks/{bank_id}/hashes .note", "POST /v1/banks/{bank_id}/hashes/{hash_id}/remove .note"),
    ),
}

# Set before any script of a page: what a form would call, and what the browser says of what it stopped.
WATCH = """
window.ran = []; window.stopped = [];
window.pwned = () => window.ran.push("pwned");
for (const name of ["alert", "confirm", "prompt"]) window[name] = () => window.ran.push(name);
addEventListener("securitypolicyviolation", (event) => window.stopped.push(`${event.violatedDirective} ${event.blockedURI}`));
"""
# Elements and attributes that no page of ours has, and that forms above would make.
FOREIGN = """() => [...document.querySelectorAll("*")].flatMap((one) => {
    const odd = [...one.attributes].filter(({ name, value }) => name.startsWith("on") || name === "style" || name === "srcdoc"
        || /^\\s*(javascript|data):|evil\\.test/i.test(value) && ["href", "src", "action", "formaction", "data"].includes(name));
    const element = one.matches("script:not([src]), iframe, object, embed, base, marquee, math, style, i, meta[http-equiv]");
    return element || odd.length ? [one.outerHTML.slice(0, 200)] : [];
})"""
# All that a page says: its text, what stands in fields, and what is said of things.
SAID = """() => [document.documentElement.textContent, ...[...document.querySelectorAll("*")].flatMap((one) =>
    [one.value, one.title, one.getAttribute("aria-label"), one.dataset.name, one.label]).filter((said) => typeof said === "string")].join("\\n")"""


def test_there_are_enough_forms_and_each_is_another() -> None:
    assert len(set(FORMS)) == len(FORMS) >= 60


def test_every_field_has_an_answer(app: FastAPI) -> None:
    """A new field has to be written by furnish(), or be on a list above with a reason."""
    fields = Api(app.openapi()).fields()
    listed = {name for names in (*KNOWN.values(), *UNWRITTEN.values()) for name in names}
    assert listed <= fields, sorted(listed - fields)


async def seen_on(page: Page, place: str) -> str:
    """Open a page; what it says, once nothing of it ran and nothing was stopped."""
    answer = await page.goto(place)
    assert answer is not None
    assert answer.status == 200, place
    await page.keyboard.press("Tab")
    assert await page.evaluate(FOREIGN) == [], place
    assert await page.evaluate("[window.ran, window.stopped]") == [[], []], place
    return squeezed(await page.evaluate(SAID))


async def seen_in_answers(page: Page) -> str:
    """What the page of search says once it was asked for everything."""
    await page.goto("/search")
    said = ""
    for asked in ("", "status:open", '"<b>nowhere</b>" -x'):
        await page.fill("#query", asked)
        async with page.expect_response("**/search/results"):
            await page.press("#query", "Enter")
        await page.wait_for_selector("#results:not([aria-busy])")
        assert await page.evaluate(FOREIGN) == [], asked
        assert await page.evaluate("[window.ran, window.stopped]") == [[], []], asked
        said += squeezed(await page.evaluate(SAID))
    assert 'src=xonerror=pwned()>"kept' in said, "the kept question of furnish()"
    return said


def exported(text: str) -> list[str]:
    """Cells of a CSV file that a spreadsheet would compute."""
    cells = [cell.strip('"') for line in text.splitlines() for cell in line.split(",")]
    return [cell for cell in cells if cell.startswith(("=", "+", "@", "\t"))]


@pytest.mark.browser
async def test_hostile_texts_are_text_on_every_page(
    app: FastAPI,
    address: str,
    callers: dict[str, httpx.AsyncClient],
    log: io.StringIO,
    caplog: pytest.LogCaptureFixture,
) -> None:
    api = Api(app.openapi())
    writer = Writer(api, frozenset(name for names in KNOWN.values() for name in names))
    for caller in callers.values():
        caller._transport = Hostile(caller._transport, writer)
    walks = to_walk(app, await furnish(callers, app))
    listed = {name for names in (*KNOWN.values(), *UNWRITTEN.values()) for name in names}
    assert api.fields() - listed - set(writer.written) == set(), "say in furnish() what stands there"
    said, addresses = "", set[str]()
    async with chromium() as browser:
        for role, person in callers.items():
            async with new_page(browser, address) as (page, did):
                await page.set_extra_http_headers({"Authorization": person.headers["Authorization"]})
                await page.add_init_script(WATCH)
                for place in [place for who, place in walks if who == role]:
                    said += await seen_on(page, place)
                if role == "lead":
                    said += await seen_in_answers(page)
                addresses |= {unquote(request.url) for request in did.requests}
    unshown = {name for names in UNSHOWN.values() for name in names}
    lost = {name for name, texts in writer.written.items() if not any(beginning(one) in said for one in texts)}
    assert lost - unshown == set(), "on no page as it is:\n" + "\n".join(sorted(lost - unshown))
    assert unshown - lost == set(), "shown after all: take it off the list"
    # What people wrote is told to nobody who only sees addresses or the log.
    assert len(addresses) > len(walks)
    for kept in (*addresses, log.getvalue(), caplog.text):
        assert "pwned" not in kept
        assert "<i>n" not in kept
    for path in ("/v1/scorecards.csv", "/v1/me/exposure.csv", "/v1/improvements.csv"):
        assert exported((await callers["lead"].get(path)).text) == []
