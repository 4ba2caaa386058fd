"""The pages of policies: an empty library, one that is read, what is to be confirmed, and the editor."""

from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from service.pages.prose import Block, Span, blocks, spans
from tests.conftest import bearer
from tests.service.pages.test_pages import assert_is_safe_page
from tests.service.policies.steps import drafted, published


async def shown(client: httpx.AsyncClient, path: str, key: str) -> str:
    answer = await client.get(path, headers=bearer(key))
    assert answer.status_code == 200, answer.text
    assert_is_safe_page(answer)
    return answer.text


async def test_an_empty_library_offers_the_guidelines_to_who_manages_it(
    client: httpx.AsyncClient, keys: dict[str, str]
) -> None:
    assert "The library is empty" in await shown(client, "/policies", keys["reviewer"])
    assert 'id="import"' not in await shown(client, "/policies", keys["reviewer"])
    assert 'id="import"' in await shown(client, "/policies", keys["lead"])
    assert (await client.post("/v1/policies/import", headers=bearer(keys["lead"]))).json() == {"imported": 20}
    text = await shown(client, "/policies", keys["lead"])
    assert text.count("version 1</span>") == 20
    assert 'id="import"' not in text
    for area in ("child_safety", "commerce"):
        assert "<h3>When unsure</h3>" in await shown(client, f"/policies/{area}", keys["ml"])


async def test_what_is_to_be_confirmed_is_told_everywhere_until_it_is(
    client: httpx.AsyncClient, keys: dict[str, str]
) -> None:
    client.headers.update(bearer(keys["lead"]))
    made = await published(
        client, acknowledge=True, title="Bullying <b>now</b>", digest="From the first <i>insult</i>."
    )
    for path in ("/console", "/policies", "/policies/harassment"):
        assert "Bullying &lt;b&gt;now&lt;/b&gt;" in await shown(client, path, keys["reviewer"])
    assert "read and confirm before your next case" in await shown(client, "/console", keys["reviewer"])
    page = await shown(client, "/policies/harassment", keys["reviewer"])
    assert f'id="confirm" data-policy="{made["id"]}" data-after="/console"' in page
    assert "<i>insult" not in page
    await client.post(f"/v1/policies/{made['id']}/acknowledge", headers=bearer(keys["reviewer"]))
    assert "to-read" not in await shown(client, "/console", keys["reviewer"])
    assert 'id="confirm"' not in await shown(client, "/policies/harassment", keys["reviewer"])
    # Who claims nothing is asked for nothing.
    assert "to-read" not in await shown(client, "/console", keys["ml"])


async def test_a_draft_is_edited_by_managers_with_what_changes(client: httpx.AsyncClient, keys: dict[str, str]) -> None:
    client.headers.update(bearer(keys["lead"]))
    await published(client)
    made = await drafted(client, body="## Definition\n\nAttacks on a person.\n\n## Covered\n\n- Insults.\n- Pile-ons.")
    await client.post(f"/v1/policies/drafts/{made['id']}/replay", json={})
    path = f"/policies/harassment/drafts/{made['id']}"
    page = await shown(client, path, keys["lead"])
    assert '<li class="diff-comes">' in page
    assert "nothing to flip yet" in page
    draw = f'href="/qa?policy={made["id"]}#new-plan"'
    assert draw in page
    # Who may not make plans is not sent where they are made.
    assert draw not in await shown(client, path, keys["admin"])
    assert path in await shown(client, "/policies/harassment", keys["lead"])
    assert path not in await shown(client, "/policies/harassment", keys["reviewer"])
    assert (await client.get(path, headers=bearer(keys["reviewer"]))).status_code == 403
    await client.post(f"/v1/policies/{made['id']}/withdraw")
    assert (await client.get(path)).status_code == 404
    assert (await client.get("/policies/nothing")).status_code == 404


@pytest.mark.parametrize("area", ["%00", "spam%00", "x" * 65])
async def test_an_address_that_no_area_has_is_no_page(
    client: httpx.AsyncClient, keys: dict[str, str], area: str
) -> None:
    for path in (f"/policies/{area}", f"/policies/{area}/drafts/{uuid4()}"):
        assert (await client.get(path, headers=bearer(keys["lead"]))).status_code == 404, path


@pytest.mark.parametrize("path", ["/policies", "/policies/spam"])
async def test_signing_in_leads_back(client: httpx.AsyncClient, app: FastAPI, path: str) -> None:
    asked = await client.get(path)
    assert f'data-next="{path}"' in (await client.get(asked.headers["location"])).text


def test_prose_is_headings_lists_and_paragraphs() -> None:
    found = blocks("## One\n\nsome **bold** and `code`\ngoes on\n\nFirst:\n- a\n  b\n- c\n### Two\n")
    assert [(block.kind, block.level) for block in found] == [
        ("heading", 2),
        ("paragraph", 0),
        ("paragraph", 0),
        ("list", 0),
    ]
    assert found[1].lines == (
        (Span("some "), Span("bold", "strong"), Span(" and "), Span("code", "code"), Span(" goes on")),
    )
    assert found[3] == Block("list", (spans("a b"), spans("c ### Two")))


@pytest.mark.parametrize("text", ["", "**", "a ** b", "`", "# ", "-", "<script>"])
def test_prose_loses_nothing_of_odd_text(text: str) -> None:
    said = "".join(span.text for block in blocks(text) for line in block.lines for span in line)
    assert said == text.strip()
