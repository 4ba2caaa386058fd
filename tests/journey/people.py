"""A platform and its reviewers, who go on after every crash: a call without an answer is made again."""

import asyncio
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from service.samples.draw import draw_picture
from tests.conftest import bearer
from tests.journey.parts import PATIENCE_SECONDS, Part

PICTURE = "scuffle.png"
RETRY_SECONDS = 0.1


@dataclass
class Ledger:
    """What the service promised: everything it ever answered with success."""

    reports: dict[str, dict[str, Any]] = field(default_factory=dict)
    accepted: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    media: list[str] = field(default_factory=list)
    exposures: list[str] = field(default_factory=list)
    decisions: list[str] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)
    outages: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, and whether an earlier attempt of the same call went unanswered."""

    response: httpx.Response
    repeated: bool

    @property
    def status(self) -> int:
        return self.response.status_code

    def json(self) -> Any:
        return self.response.json()


class Caller:
    """Anybody who calls the API with a key. `patient` ones also wait for a database that cannot be reached."""

    def __init__(self, api: Part, key: str, ledger: Ledger, *, patient: bool = False) -> None:
        self.api = api
        self.ledger = ledger
        self.patient = patient
        # A connection of its own for every call: one that a dead process left behind says nothing about the living one.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.AsyncClient(
            headers=bearer(key), limits=limits, timeout=PATIENCE_SECONDS, trust_env=False, base_url=api.address
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def call(self, method: str, path: str, **options: Any) -> Answer:
        """Make a call until it is answered. A broken connection must have a killed process behind it."""
        for attempt in itertools.count():
            generation = self.api.generation
            try:
                response = await self._client.request(method, path, **options)
            except httpx.TransportError:
                await self.api.revive(generation)
                continue
            if self.patient and response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
                assert response.json()["error"] == "database_unavailable", response.text
                self.ledger.outages += 1
                await asyncio.sleep(RETRY_SECONDS)
                continue
            assert response.status_code < 500, f"{method} {path}: {response.text}\n{self.api.log()}"
            return Answer(response, repeated=attempt > 0)
        raise AssertionError


class Platform(Caller):
    """Sends reports and pictures."""

    async def upload(self) -> str:
        """Upload a picture; returns its id."""
        answer = await self.call("POST", "/v1/media", files={"file": ("picture.png", draw_picture(PICTURE))})
        assert answer.status == 201, answer.response.text
        media_id: str = answer.json()["media_id"]
        self.ledger.media.append(media_id)
        return media_id

    async def report(self, key: str, subject: str, text: str, **more: Any) -> None:
        """Report a post under an idempotency key."""
        content = {"id": subject, "kind": "post", "text": text, "language": "en", **more}
        body = {"channel": "user", "reason": "harassment", "reporter": {"id": f"reporter-{key}"}, "subject": content}
        self.ledger.reports[key] = body
        await self.send(key)

    async def send(self, key: str) -> None:
        """Send a report, or send it again."""
        body = self.ledger.reports[key]
        answer = await self.call("POST", "/v1/reports", json=body, headers={"Idempotency-Key": key})
        assert answer.status == 201, answer.response.text
        self.ledger.accepted.setdefault(key, []).append(answer.json())


class Reviewer(Caller):
    """Claims and decides."""

    async def claim(self) -> dict[str, Any] | None:
        """Claim the next case; None when nothing waits."""
        answer = await self.call("POST", "/v1/queues/default/claim")
        assert answer.status in {200, 204}, answer.response.text
        held: dict[str, Any] | None = answer.json() if answer.status == 200 else None
        return held

    async def keep_draft(self, held: Mapping[str, Any]) -> None:
        """Save an unfinished note."""
        body = {"lease_token": held["lease"]["token"], "body": {"note": "not sure yet"}}
        answer = await self.call("PUT", f"/v1/cases/{held['case']['id']}/draft", json=body)
        assert answer.status == 204, answer.response.text

    async def renew(self, held: Mapping[str, Any]) -> None:
        """Keep the case for longer."""
        path = f"/v1/cases/{held['case']['id']}/lease/renew"
        answer = await self.call("POST", path, json={"lease_token": held["lease"]["token"]})
        assert answer.status == 200, answer.response.text

    async def release(self, held: Mapping[str, Any]) -> None:
        """Give the case back. After a crash it may have been given back already."""
        path = f"/v1/cases/{held['case']['id']}/lease/release"
        answer = await self.call("POST", path, json={"lease_token": held["lease"]["token"]})
        assert answer.status == 204 or (answer.repeated and answer.status == 409), answer.response.text

    async def reveal(self, held: Mapping[str, Any]) -> None:
        """Look at the original of the first picture."""
        path = f"/v1/media/{held['case']['media'][0]['id']}/reveal"
        body = {"lease_token": held["lease"]["token"], "reason": "needed to decide"}
        answer = await self.call("POST", path, json=body)
        assert answer.status == 200, answer.response.text
        handed_out = answer.json()
        self.ledger.exposures.append(handed_out["exposure_id"])
        original = await self.call("GET", handed_out["url"])
        assert original.status == 200, original.response.text

    async def decide(self, held: Mapping[str, Any]) -> str | None:
        """Decide; returns the decision, or None when a crash swallowed the answer of a decision that stands."""
        case_id = held["case"]["id"]
        body = {
            "lease_token": held["lease"]["token"],
            "actions": ["remove"],
            "policy_area": "harassment",
            "severity": 2,
            "note": "",
        }
        answer = await self.call("POST", f"/v1/cases/{case_id}/decisions", json=body)
        while answer.status == 409 and answer.json()["error"] == "content_changed":
            # A report brought other content while this person decided: they have seen it now.
            answer = await self.call("POST", f"/v1/cases/{case_id}/decisions", json=body)
        if answer.status == 409:
            assert answer.repeated, answer.response.text
            case = (await self.call("GET", f"/v1/cases/{case_id}")).json()
            assert case["status"] == "decided", case
            return None
        assert answer.status == 201, answer.response.text
        decision: str = answer.json()["decision_id"]
        self.ledger.decisions.append(decision)
        return decision

    async def undo(self, decision: str) -> None:
        """Take a decision back. After a crash it may have been taken back already."""
        answer = await self.call("POST", f"/v1/decisions/{decision}/undo")
        assert answer.status == 200 or (answer.repeated and answer.status == 409), answer.response.text
        self.ledger.undone.append(decision)
