"""Drives the API of media the way platform and reviewers do."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.settings import Settings
from tests.conftest import bearer
from tests.service.media.pictures import jpeg


@dataclass
class Console:
    """Drives the API the way platform and reviewers do."""

    client: httpx.AsyncClient
    keys: dict[str, str]
    connection: AsyncConnection
    subjects: int = field(default=0)

    async def upload(self, data: bytes, *, role: str = "platform", name: str = "file") -> httpx.Response:
        files = {name: ("holiday.exe", data, "text/html")}
        return await self.client.post("/v1/media", files=files, headers=bearer(self.keys[role]))

    async def uploaded(self, data: bytes | None = None) -> str:
        answer = await self.upload(jpeg() if data is None else data)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["media_id"])

    async def report(self, *media: str, reason: str = "harassment", subject: str | None = None) -> str:
        self.subjects += 1
        name = subject or f"post-{self.subjects}"
        body = {
            "channel": "user",
            "reason": reason,
            "subject": {"id": name, "kind": "post", "text": f"look {self.subjects}", "media": list(media)},
        }
        answer = await self.client.post("/v1/reports", json=body, headers=bearer(self.keys["platform"]))
        assert answer.status_code == 201, answer.text
        return str(answer.json()["case_id"])

    async def claim(self, *, role: str = "reviewer") -> dict[str, Any]:
        answer = await self.client.post("/v1/queues/default/claim", headers=bearer(self.keys[role]))
        assert answer.status_code == 200, answer.text
        claimed: dict[str, Any] = answer.json()
        return claimed

    async def score(self, areas: dict[str, float]) -> None:
        """Give everything that waits this score."""
        await self.execute(
            "UPDATE evidence SET score_state = 'scored', bundle = 'b', scored_at = now(), score = CAST(:score AS jsonb)",
            score=_score(areas),
        )

    async def preview(self, media: str, query: str = "", *, role: str = "reviewer") -> httpx.Response:
        return await self.client.get(f"/v1/media/{media}/preview{query}", headers=bearer(self.keys[role]))

    async def reveal(
        self, media: str, token: str, *, role: str = "reviewer", reason: str = "to decide", way: str | None = None
    ) -> httpx.Response:
        body = {"lease_token": token, "reason": reason} | ({"as": way} if way else {})
        return await self.client.post(f"/v1/media/{media}/reveal", json=body, headers=bearer(self.keys[role]))

    async def get(self, url: str, *, role: str = "reviewer") -> httpx.Response:
        return await self.client.get(url, headers=bearer(self.keys[role]))

    async def execute(self, statement: str, **values: Any) -> list[Any]:
        result = await self.connection.execute(text(statement), values)
        return list(result.all()) if result.returns_rows else []

    async def count(self, table: str) -> int:
        [row] = await self.execute(f"SELECT count(*) AS n FROM {table}")
        return int(row.n)

    async def revealed(self, data: bytes | None = None) -> tuple[str, str, str]:
        """A picture that has just been revealed: its id, the lease token and the address."""
        media = await self.uploaded(data)
        await self.report(media)
        token = (await self.claim())["lease"]["token"]
        answer = await self.reveal(media, token)
        assert answer.status_code == 200, answer.text
        return media, token, answer.json()["url"]


def _score(areas: dict[str, float]) -> str:
    full = {"areas": areas, "severity": [1, 0, 0, 0, 0], "primary_area": "benign", "unassessed": []}
    return json.dumps(full)


def stored_files(settings: Settings) -> list[Path]:
    return [path for path in (settings.data_dir / "media").rglob("*") if path.is_file()]


def error(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]
