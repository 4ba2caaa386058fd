"""How long one tile of the lens takes over HTTP: an absolute figure, from the asked place to the last byte."""

import random
import statistics
import time
from typing import Any

import httpx

from bench.blur_vs_pillow import photo_of
from bench.database import empty_database
from bench.measure import BenchError, Result, hardware, say
from bench.people import Account, add_accounts
from bench.served import served
from service.media.tiles import AT_ONCE

NAME = "lens_tile_p95_ms"
WARM = 10


def run(*, quick: bool) -> Result:
    """The 95th percentile over one connection: the record looked up, the plain picture read, the tile cut and sent."""
    size, reveals = ((800, 600), 1) if quick else ((4_000, 3_000), 20)
    with empty_database() as url:
        platform, reviewer = (add_accounts(url, role, 1)[0] for role in ("platform", "reviewer"))
        with served(url) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            media, token = _in_hand(client, platform, reviewer, photo_of(*size))
            say(f"{NAME}: {reveals} reveals with {AT_ONCE} tiles each")
            taken = [one for _ in range(reveals) for one in _look(client, reviewer, media, token)]
    taken = sorted(taken[WARM:])
    detail = {
        "absolute": "milliseconds on this machine, not a ratio",
        "p50_ms": round(statistics.median(taken), 2),
        "p99_ms": round(taken[int(0.99 * (len(taken) - 1))], 2),
        "pixels": size[0] * size[1],
        "times": len(taken),
    }
    return Result(NAME, taken[int(0.95 * (len(taken) - 1))], "ms", detail | hardware())


def _in_hand(client: httpx.Client, platform: Account, reviewer: Account, data: bytes) -> tuple[str, str]:
    """A picture of a case that the reviewer holds, and the token of the lease."""
    uploaded = _answer(client.post("/v1/media", files={"file": data}, headers=_key(platform)))
    subject = {"id": "photo", "kind": "post", "text": "look", "media": [uploaded["media_id"]]}
    body = {"channel": "user", "reason": "spam", "subject": subject}
    _answer(client.post("/v1/reports", json=body, headers=_key(platform)))
    claimed = _answer(client.post("/v1/queues/default/claim", headers=_key(reviewer)))
    return uploaded["media_id"], claimed["lease"]["token"]


def _look(client: httpx.Client, reviewer: Account, media: str, token: str) -> list[float]:
    """Milliseconds of as many tiles as one exposure may fetch at once, all over the picture."""
    body = {"lease_token": token, "reason": "measured", "as": "lens"}
    url = _answer(client.post(f"/v1/media/{media}/reveal", json=body, headers=_key(reviewer)))["url"]
    taken = []
    places = random.Random(1)
    for _ in range(AT_ONCE):
        started = time.perf_counter()
        answer = client.get(f"{url}&x={places.random():.3f}&y={places.random():.3f}", headers=_key(reviewer))
        taken.append(1000 * (time.perf_counter() - started))
        if answer.status_code != 200:
            raise BenchError(f"a tile was answered with {answer.status_code}: {answer.text}")
    return taken


def _answer(response: httpx.Response) -> dict[str, Any]:
    if not response.is_success:
        raise BenchError(f"{response.request.url.path} was answered with {response.status_code}: {response.text}")
    answer: dict[str, Any] = response.json()
    return answer


def _key(account: Account) -> dict[str, str]:
    return {"Authorization": f"Bearer {account.key}"}
