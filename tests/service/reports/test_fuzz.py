"""Generated bodies: whatever is sent, the answer is a success or a clear refusal, never a failure of ours."""

from typing import Any
from uuid import uuid4

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.service.steps import as_json, report_body

# Many bodies in one database is what we want: the later ones meet what the earlier ones left.
many = settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | st.text(st.characters(exclude_categories=[]), max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
texts = st.text(st.characters(), max_size=200)
likely = {
    "id": texts | st.sampled_from(["post-1", "post-2"]),
    "text": texts,
    "language": st.sampled_from(["en", "zh-Hant-TW", "EN", "x"]) | texts,
    "created_at": st.datetimes().map(lambda moment: f"{moment.isoformat()}Z") | st.floats() | st.integers(),
    "views_per_hour": st.floats() | st.integers() | st.text(max_size=5),
    "media": st.lists(st.builds(lambda: str(uuid4())), max_size=12),
    "author": st.fixed_dictionaries({"id": texts}) | st.none(),
    "kind": st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True) | texts,
}
bodies = st.fixed_dictionaries(
    {},
    optional={
        "channel": st.sampled_from(["user", "press", "nobody"]) | anything,
        "reason": st.sampled_from(["spam", "child_safety"]) | anything,
        "note": texts | anything,
        "reporter": st.fixed_dictionaries({"id": texts}) | anything,
        "subject": anything
        | st.fixed_dictionaries({}, optional={name: one | anything for name, one in likely.items()}),
    },
)


def assert_fair(answer: httpx.Response) -> None:
    assert answer.status_code < 500, answer.text
    if answer.status_code != 201:
        assert set(answer.json()) == {"error", "detail"}


async def send(platform: httpx.AsyncClient, body: Any) -> httpx.Response:
    return await platform.post("/v1/reports", content=as_json(body), headers={"Content-Type": "application/json"})


@many
@given(body=bodies | anything)
async def test_any_body_is_answered(platform: httpx.AsyncClient, body: Any) -> None:
    assert_fair(await send(platform, body))


@many
@given(field=st.sampled_from(sorted(likely)), data=st.data())
async def test_any_value_of_one_field_is_answered(platform: httpx.AsyncClient, field: str, data: st.DataObject) -> None:
    fields: dict[str, Any] = {field: data.draw(likely[field] | anything)}
    assert_fair(await send(platform, report_body(**fields)))


@many
@given(fields=st.fixed_dictionaries({}, optional=likely))
async def test_what_is_accepted_can_be_claimed(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, fields: dict[str, Any]
) -> None:
    answer = await send(platform, report_body(**fields))
    assert_fair(answer)
    if answer.status_code == 201:
        claimed = await reviewer.post(f"/v1/cases/{answer.json()['case_id']}/claim")
        assert claimed.status_code in {200, 409}, claimed.text
        read = await reviewer.get(f"/v1/cases/{answer.json()['case_id']}")
        assert read.status_code == 200, read.text


@many
@given(content=st.binary(max_size=200))
async def test_any_bytes_are_answered(platform: httpx.AsyncClient, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    assert_fair(await platform.post("/v1/reports", content=content, headers=headers))
