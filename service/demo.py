"""One report walked through a running service, call by call, as an integrating engineer would do it."""

import json
import time
from typing import Any
from uuid import uuid4

import httpx

from service.local import address
from service.samples.load import CREDENTIALS
from service.settings import Settings, SettingsError

SCORE_SECONDS = 20

REPORT = {
    "channel": "user",
    "reason": "harassment",
    "note": "They keep writing this under everything she posts.",
    "reporter": {"id": "demo-reporter"},
    "subject": {
        "kind": "comment",
        "text": "Nobody wants you here. Get lost before we make you.",
        "language": "en",
        "author": {"id": "demo-author"},
        "views_per_hour": 90_000_000,
    },
}


def walk_through(settings: Settings) -> None:
    """Report, score, claim, explain and decide, each shown with its answer. Raises SettingsError when nothing runs."""
    path = settings.data_dir / CREDENTIALS
    if not path.exists():
        raise SettingsError(f"{path} is missing: start the service first with `make run` (and the same DATA_DIR)")
    keys = {role: entry["api_key"] for role, entry in json.loads(path.read_text(encoding="utf-8")).items()}
    subject = {**REPORT["subject"], "id": f"demo-{uuid4()}"}  # type: ignore[dict-item]
    with httpx.Client(base_url=address(settings), timeout=10, trust_env=False) as client:
        try:
            accepted = _call(client, keys["platform"], "POST", "/v1/reports", {**REPORT, "subject": subject})
        except httpx.ConnectError as error:
            raise SettingsError(f"nothing answers at {address(settings)}: start the service with `make run`") from error
        case_id = accepted["case_id"]
        _wait_for_score(client, keys["reviewer"], case_id)
        claimed = _call(client, keys["reviewer"], "POST", "/v1/queues/default/claim")
        if claimed["case"]["id"] != case_id:
            lease = {"lease_token": claimed["lease"]["token"]}
            client.post(
                f"/v1/cases/{claimed['case']['id']}/lease/release",
                json=lease,
                headers={"Authorization": f"Bearer {keys['reviewer']}"},
            )
            raise SettingsError("another case outranks the demo report, which is unusual; look at the console")
        print("\n  Why it is first:", *claimed["case"]["rank"]["words"], sep="\n    ")
        decision = {
            "lease_token": claimed["lease"]["token"],
            "actions": ["remove"],
            "policy_area": "harassment",
            "severity": 2,
            "note": "Targeted, repeated.",
        }
        made = _call(client, keys["reviewer"], "POST", f"/v1/cases/{case_id}/decisions", decision)
        print(f"\n  Decided. Webhooks are sent after {made['undo_until']}, unless it is undone before.")


def _wait_for_score(client: httpx.Client, key: str, case_id: str) -> None:
    deadline = time.monotonic() + SCORE_SECONDS
    headers = {"Authorization": f"Bearer {key}"}
    while time.monotonic() < deadline:
        case = client.get(f"/v1/cases/{case_id}", headers=headers).raise_for_status().json()
        if case["score_state"] != "waiting":
            shown = _top_areas(case["score"]) if case["score"] else case["score_state"]
            print(f"\n  Scored: {json.dumps(shown)}")
            return
    raise SettingsError(f"the report was not scored within {SCORE_SECONDS} seconds: is the worker running?")


def _top_areas(score: dict[str, Any]) -> dict[str, float]:
    ordered = sorted(score["areas"].items(), key=lambda item: -item[1])
    return {area: round(probability, 3) for area, probability in ordered[:3]}


def _call(client: httpx.Client, key: str, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": str(uuid4())}
    answer = client.request(method, path, json=body, headers=headers)
    shown = answer.text if len(answer.text) < 300 else answer.text[:297] + "..."
    print(f"\n  {method} {path}\n    {answer.status_code} {shown}")
    found: dict[str, Any] = answer.raise_for_status().json()
    return found
