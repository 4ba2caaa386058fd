"""People at work for as long as a fault run lasts: platforms that report and count views, reviewers with little time."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.journey.people import Platform, Reviewer

# Of a thousand reports so many are about a post that was reported before, and of these so many bring another text.
AGAIN, EDITED = 333, 400
WITH_DEADLINE = 100
SENTENCES = (
    "nobody wants you in this club, leave",
    "cheap followers, write to me today",
    "the match starts at eight, see you there",
    "your cooking is an insult to the pan",
    "send me your card number and I will pay you back",
    "I saw the parade from my window, lovely",
)


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How the people work. `lease` and `undo` are those of the service, in seconds."""

    lease: float
    undo: float
    between_reports: float = 0.6
    between_views: float = 1.5
    look: float = 0.8


@dataclass
class Shift:
    """Who works with what. Everybody goes on until `over`; what goes wrong for one is written down, not raised."""

    pace: Pace
    over: asyncio.Event = field(default_factory=asyncio.Event)
    posts: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    done: dict[str, int] = field(default_factory=dict)

    def count(self, what: str) -> None:
        """One more of these."""
        self.done[what] = self.done.get(what, 0) + 1

    async def go_on(self, step: Callable[[], Awaitable[None]], *, pause: Callable[[], float]) -> None:
        """Take one step after the other."""
        while not self.over.is_set():
            try:
                await step()
            except AssertionError as error:
                self.problems.append(str(error))
            await asyncio.sleep(pause())


async def report(platform: Platform, shift: Shift, name: str, rng: random.Random) -> None:
    """Report posts, a third of them not for the first time, some with another text, some with a deadline."""

    async def step() -> None:
        shift.count("reports begun")
        key = f"{name}-{len(platform.ledger.reports)}"
        again = shift.posts and rng.random() < AGAIN / 1000
        post = rng.choice(shift.posts[-300:]) if again else key
        edited = again and rng.random() < EDITED / 1000
        if again:
            shift.count("re-reports")
        if edited:
            shift.count("re-reports with another text")
        text = f"{SENTENCES[sum(map(ord, post)) % len(SENTENCES)]} {post}" + (f", edited {key}" if edited else "")
        author = {"id": f"author-{sum(map(ord, post)) % 50}"}
        views = round(10 ** rng.uniform(0, 5))
        await platform.report(key, post, text, deadline=_deadline(shift, rng), author=author, views_per_hour=views)
        if not again:
            shift.posts.append(post)

    await shift.go_on(step, pause=lambda: rng.uniform(0, 2 * shift.pace.between_reports))


def _deadline(shift: Shift, rng: random.Random) -> dict[str, str] | None:
    if rng.random() >= WITH_DEADLINE / 1000:
        return None
    shift.count("reports with a deadline")
    due = datetime.now(UTC) + timedelta(minutes=rng.choice((2, 30, 600)))
    return {"kind": rng.choice(("legal", "contract")), "basis": "agreed answer time", "due_at": due.isoformat()}


async def count_views(platform: Platform, shift: Shift, rng: random.Random) -> None:
    """Tell how often posts are seen now, many in one call."""

    async def step() -> None:
        chosen = rng.sample(shift.posts, min(len(shift.posts), 60))
        if not chosen:
            return
        updates = [{"id": post, "kind": "post", "views_per_hour": round(10 ** rng.uniform(0, 6))} for post in chosen]
        answer = await platform.call("POST", "/v1/subjects/views", json={"updates": updates})
        assert answer.status == 200, answer.response.text
        assert answer.json()["unknown_count"] == 0, answer.response.text
        shift.count("calls with views")

    await shift.go_on(step, pause=lambda: rng.uniform(0, 2 * shift.pace.between_views))


async def review(reviewer: Reviewer, shift: Shift, colleagues: tuple[str, ...], rng: random.Random) -> None:
    """Take a case, look, and be done with it in one of the ways there are."""

    async def step() -> None:
        waiting = rng.random() < 0.1
        held = await (reviewer.claim_kept_back() if waiting else reviewer.claim())
        if held is None:
            return
        await asyncio.sleep(rng.uniform(0, 2 * shift.pace.look))
        if rng.random() < 0.2:
            await reviewer.keep_draft(held)
        if rng.random() < 0.2:
            await reviewer.renew(held)
        await _end(reviewer, held, shift, colleagues, rng)

    await shift.go_on(step, pause=lambda: rng.uniform(0, 0.2))


async def _end(
    reviewer: Reviewer, held: dict[str, Any], shift: Shift, colleagues: tuple[str, ...], rng: random.Random
) -> None:
    way = rng.choices(
        ("decide", "undo", "late", "release", "hold", "hand-over", "skip"), weights=(60, 14, 4, 6, 6, 4, 6)
    )[0]
    shift.count(f"cases to {way}")
    if way == "release":
        await reviewer.release(held)
        return
    aside: dict[str, dict[str, Any]] = {
        "hold": {"reason": "waiting for an answer", "minutes": 1},
        "hand-over": {"to": rng.choice(colleagues), "note": "you know this better"},
        "skip": {"reason": rng.choice(("upset", "language", "technical", "other"))},
    }
    if way in aside and await reviewer.put_aside(held, way, **aside[way]):
        return
    if way == "late":
        # The case goes back meanwhile; the decision under the old token is refused, and counted by its answer.
        await asyncio.sleep(shift.pace.lease * 1.3)
    decision = await reviewer.decide(held)
    if decision and way == "undo":
        await asyncio.sleep(rng.uniform(0, 1.3 * shift.pace.undo))
        await reviewer.undo(decision)
