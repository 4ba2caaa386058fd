"""A platform and its reviewers, who go on after every crash: a call without an answer is made again."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx

from service.samples.draw import draw_picture
from tests.conftest import bearer
from tests.journey.parts import PATIENCE_SECONDS, TRUSTED, Part

PICTURE = "scuffle.png"
RETRY_SECONDS = 0.1
# What a patient caller waits out: no database, or more work than the API takes at once.
OUTAGES = {503: "database_unavailable", 429: "overloaded"}
# Why a case may not be kept back although the lease is live.
NOT_KEPT_BACK = frozenset({"no_time_to_hold", "too_many_held", "cannot_receive"})


@dataclass
class Tenure:
    """From when until when, by this process's clock, a case was surely in somebody's hands under one lease."""

    case_id: str
    since: float
    until: float


@dataclass
class Ledger:
    """What the service promised: everything it ever answered with success. `before` was there already."""

    reports: dict[str, dict[str, Any]] = field(default_factory=dict)
    accepted: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    media: list[str] = field(default_factory=list)
    exposures: list[str] = field(default_factory=list)
    decisions: list[str] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)
    before: frozenset[str] = frozenset()
    tenures: dict[str, Tenure] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    outages: int = 0
    longest_outage: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, when its call was sent, and whether an earlier attempt of the same call went unanswered."""

    response: httpx.Response
    sent: float
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
            headers=bearer(key),
            limits=limits,
            timeout=PATIENCE_SECONDS,
            trust_env=False,
            verify=TRUSTED,
            base_url=api.address,
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def call(self, method: str, path: str, **options: Any) -> Answer:
        """Make a call until it is answered. A broken connection must have a killed process behind it."""
        began = time.monotonic()
        for attempt in itertools.count():
            generation, sent = self.api.generation, time.monotonic()
            try:
                response = await self._client.request(method, path, **options)
            except httpx.TransportError:
                self.ledger.outcomes["no answer"] += 1
                await self.api.revive(generation)
                continue
            self.ledger.outcomes[str(response.status_code)] += 1
            if self.patient and response.status_code in OUTAGES:
                assert response.json()["error"] == OUTAGES[response.status_code], response.text
                self.ledger.outages += 1
                await asyncio.sleep(RETRY_SECONDS)
                continue
            assert response.status_code < 500, f"{method} {path}: {response.text}\n{self.api.log()}"
            if attempt:
                self.ledger.longest_outage = max(self.ledger.longest_outage, time.monotonic() - began)
            return Answer(response, sent, repeated=attempt > 0)
        raise AssertionError


_drawn = cache(draw_picture)


class Platform(Caller):
    """Sends reports and pictures."""

    async def upload(self) -> str:
        """Upload a picture; returns its id."""
        answer = await self.call("POST", "/v1/media", files={"file": ("picture.png", _drawn(PICTURE))})
        assert answer.status == 201, answer.response.text
        media_id: str = answer.json()["media_id"]
        self.ledger.media.append(media_id)
        return media_id

    async def report(
        self, key: str, subject: str, text: str, *, deadline: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        """Report a post under an idempotency key."""
        content = {"id": subject, "kind": "post", "text": text, "language": "en", **more}
        body = {"channel": "user", "reason": "harassment", "reporter": {"id": f"reporter-{key}"}, "subject": content}
        if deadline is not None:
            body["deadline"] = dict(deadline)
        self.ledger.reports[key] = body
        await self.send(key)

    async def send(self, key: str) -> None:
        """Send a report, or send it again."""
        body = self.ledger.reports[key]
        answer = await self.call("POST", "/v1/reports", json=body, headers={"Idempotency-Key": key})
        assert answer.status == 201, answer.response.text
        self.ledger.accepted.setdefault(key, []).append(answer.json())


class Reviewer(Caller):
    """Claims and decides. `hurried` ones work with leases and undo windows that end while they are at it."""

    hurried: bool = False

    async def claim(self) -> dict[str, Any] | None:
        """Claim the next case; None when nothing waits."""
        answer = await self.call("POST", "/v1/queues/default/claim")
        assert answer.status in {200, 204}, answer.response.text
        return self._taken(answer) if answer.status == 200 else None

    async def claim_kept_back(self) -> dict[str, Any] | None:
        """Take up a case that waits for this person; None when there is none, or when it went back meanwhile."""
        waiting = [one for one in (await self.call("GET", "/v1/holds")).json()["holds"] if not one["taken_up"]]
        if not waiting:
            return None
        answer = await self.call("POST", f"/v1/cases/{waiting[0]['case_id']}/claim")
        assert answer.status in {200, 409}, answer.response.text
        return self._taken(answer) if answer.status == 200 else None

    async def keep_draft(self, held: Mapping[str, Any]) -> None:
        """Save an unfinished note."""
        body = {"lease_token": held["lease"]["token"], "body": {"note": "not sure yet"}}
        answer = await self.call("PUT", f"/v1/cases/{held['case']['id']}/draft", json=body)
        assert answer.status == 204 or self._too_late(answer), answer.response.text

    async def renew(self, held: Mapping[str, Any]) -> None:
        """Keep the case for longer."""
        answer = await self._under(held, "lease/renew")
        assert answer.status == 200 or self._too_late(answer), answer.response.text

    async def release(self, held: Mapping[str, Any]) -> None:
        """Give the case back. After a crash it may have been given back already."""
        answer = await self._under(held, "lease/release")
        gone = answer.repeated and answer.status == 409
        assert answer.status == 204 or gone or self._too_late(answer), answer.response.text

    async def put_aside(self, held: Mapping[str, Any], how: str, **more: Any) -> bool:
        """Hold a case, hand it over or skip it; False when it is still in this person's hands."""
        answer = await self._under(held, how, **more)
        if answer.response.is_success:
            return True
        gone = answer.repeated and answer.status == 409
        assert gone or self._too_late(answer) or answer.json()["error"] in NOT_KEPT_BACK, answer.response.text
        return gone or self._too_late(answer)

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
        """Decide; returns the decision, or None when a crash swallowed the answer of a decision that stands.

        None as well when the lease of a hurried person has run out.
        """
        said = {"actions": ["remove"], "policy_area": "harassment", "severity": 2, "note": ""}
        answer = await self._under(held, "decisions", **said)
        while answer.status == 409 and answer.json()["error"] == "content_changed":
            # A report brought other content while this person decided: they have seen it now.
            answer = await self._under(held, "decisions", **said)
        if self._too_late(answer):
            return None
        if answer.status == 409:
            assert answer.repeated, answer.response.text
            case = (await self.call("GET", f"/v1/cases/{held['case']['id']}")).json()
            assert case["status"] == "decided", case
            return None
        assert answer.status == 201, answer.response.text
        decision: str = answer.json()["decision_id"]
        self.ledger.decisions.append(decision)
        return decision

    async def undo(self, decision: str) -> None:
        """Take a decision back. After a crash it may have been taken back already."""
        answer = await self.call("POST", f"/v1/decisions/{decision}/undo")
        refused = answer.status == 409 and (answer.repeated or self.hurried)
        assert answer.status == 200 or refused, answer.response.text
        if answer.status == 200 or not self.hurried:
            self.ledger.undone.append(decision)

    async def _under(self, held: Mapping[str, Any], path: str, **more: Any) -> Answer:
        """A call that succeeds only under the live lease."""
        token = held["lease"]["token"]
        answer = await self.call("POST", f"/v1/cases/{held['case']['id']}/{path}", json={"lease_token": token, **more})
        if answer.response.is_success:
            # It was live when the call arrived, so at least until it was sent.
            self.ledger.tenures[token].until = answer.sent
        return answer

    def _taken(self, answer: Answer) -> dict[str, Any]:
        held: dict[str, Any] = answer.json()
        now = time.monotonic()
        self.ledger.tenures[held["lease"]["token"]] = Tenure(held["case"]["id"], now, now)
        return held

    def _too_late(self, answer: Answer) -> bool:
        return self.hurried and answer.status == 409 and answer.json()["error"] == "lease_stale"
