"""The page of the log of events: sentences, filters that cannot be read, older pages, and who sees it."""

import httpx
import pytest

from service.pages import audit
from tests.conftest import bearer
from tests.service.pages.test_pages import HOSTILE, add_report, assert_is_safe_page, claim


async def shown(client: httpx.AsyncClient, path: str, key: str) -> str:
    answer = await client.get(path, headers=bearer(key))
    assert answer.status_code == 200, answer.text
    assert_is_safe_page(answer)
    return answer.text


@pytest.mark.parametrize(
    ("role", "status"), [("admin", 200), ("lead", 200), ("reviewer", 403), ("ml", 403), ("platform", 403)]
)
async def test_it_is_for_admins_and_leads(
    client: httpx.AsyncClient, keys: dict[str, str], role: str, status: int
) -> None:
    assert (await client.get("/admin/audit", headers=bearer(keys[role]))).status_code == status


async def test_events_are_sentences_and_what_is_typed_stays_text(
    client: httpx.AsyncClient, keys: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    case = await add_report(client, keys, text="a word that nobody may read here", note="nor this one")
    await claim(client, keys)
    text = await shown(client, "/admin/audit", keys["lead"])
    assert "A report opened a case" in text
    assert "Took the case" in text
    assert f'href="/cases/{case}"' in text
    assert "nobody may read" not in text
    assert "nor this one" not in text
    # Who may read no case gets no link to one; who is no admin is told what they do not see.
    assert 'href="/cases/' not in await shown(client, "/admin/audit", keys["admin"])
    assert "not who opened which original" in text
    assert "Added an account" not in text
    assert "Added an account" in await shown(client, "/admin/audit", keys["admin"])
    text = await shown(client, "/admin/audit?kind=case.claimed", keys["lead"])
    assert text.count("data-event=") == 1
    assert "/v1/events/export?kind=case.claimed&amp;format=csv" in text
    for name, words in (("case_id", "A case is named by its whole id"), ("since", "Give the first day as a date.")):
        answer = await client.get("/admin/audit", params={name: HOSTILE[0]}, headers=bearer(keys["lead"]))
        assert_is_safe_page(answer)
        assert words in answer.text
        assert "<script>alert" not in answer.text
        assert "data-event=" not in answer.text
    answer = await client.get("/admin/audit", params={"actor": HOSTILE[0]}, headers=bearer(keys["lead"]))
    assert "No event is like this." in answer.text
    assert "<script>alert" not in answer.text
    monkeypatch.setattr(audit, "SHOWN", 1)
    text = await shown(client, "/admin/audit?kind=case", keys["lead"])
    assert 'rel="next">Older' in text
    older = text.split('href="/admin/audit?kind=case&amp;before=')[1].split('"')[0]
    text = await shown(client, f"/admin/audit?kind=case&before={older}", keys["lead"])
    assert "A report opened a case" in text.partition("<tbody>")[2]
    # What is followed is the newest alone.
    assert 'id="follow"' not in text
