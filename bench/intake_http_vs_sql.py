"""Reports over HTTP against the intake statement by itself."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import uvloop

from bench.database import copy_of, empty_database
from bench.http_load import request, send_all
from bench.measure import Result, alternate, hardware, ratio, say, sides
from bench.people import Account, add_accounts
from bench.served import served
from bench.statements import execute_all
from bench.texts import texts
from labeling.taxonomy import load_taxonomy
from models.rank import RankConfig
from service.ids import new_id
from service.reports.schemas import Intake, ReportIn
from service.reports.store import TAKE_IN_SQL
from service.reports.workflow import first_place, report_values
from service.routing.rules import Routed, RuleSet

NAME = "intake_http_vs_sql"
CALLERS = 8
WARM = 50
REASONS = ("harassment", "spam", "hate")


def run(*, quick: bool) -> Result:
    """Reports a second of both sides, each round on fresh copies of one empty database."""
    reports, rounds, warm = (20, 1, 5) if quick else (400, 5, WARM)
    with empty_database() as template:
        platforms = add_accounts(template, "platform", CALLERS)
        calls = requests(platforms, reports + warm)
        values = parameters(platforms, reports + warm)
        say(f"{NAME}: {rounds} rounds of {CALLERS} x {reports} reports")
        pairs = alternate(
            lambda: CALLERS * reports / _over_http(template, calls, warm=warm),
            lambda: CALLERS * reports / _by_statement(template, values, warm=warm),
            rounds=rounds,
        )
    detail = sides(pairs, first="http", second="sql", unit="reports_per_second")
    return Result(NAME, ratio(pairs), "ratio", detail | {"callers": CALLERS, "reports": CALLERS * reports} | hardware())


def requests(platforms: Sequence[Account], count: int) -> list[list[bytes]]:
    """For each platform, `count` calls of POST /v1/reports, each about content of its own."""
    return [
        [
            request(
                "/v1/reports",
                key=platform.key,
                body=json.dumps(body).encode(),
                headers=f"Idempotency-Key: {new_id()}\r\n",
            )
            for body in _bodies(caller, count)
        ]
        for caller, platform in enumerate(platforms)
    ]


def parameters(platforms: Sequence[Account], count: int) -> list[list[dict[str, Any]]]:
    """The same reports as parameters of the intake statement."""
    return [[_values(body, platform) for body in _bodies(caller, count)] for caller, platform in enumerate(platforms)]


def _bodies(caller: int, count: int) -> list[dict[str, Any]]:
    return [
        {
            "channel": "user",
            "reason": REASONS[number % len(REASONS)],
            "note": "seen today",
            "reporter": {"id": f"reporter-{number}"},
            "subject": {
                "id": f"post-{caller}-{number}",
                "kind": "post",
                "text": text,
                "language": "en",
                "author": {"id": f"author-{number % 100}"},
                "created_at": "2026-11-01T12:00:00+00:00",
                "views_per_hour": float(number),
            },
        }
        for number, text in enumerate(texts(count, seed=caller))
    ]


def _values(body: dict[str, Any], platform: Account) -> dict[str, Any]:
    intake = Intake(report=ReportIn.model_validate(body), received_from=platform.id, received_at=datetime.now(UTC))
    own = {"report_id": new_id(), "case_id": new_id(), "open_again": None, "attach_to": None}
    rules = RuleSet()
    place = first_place(intake, rules, Routed("default"), taxonomy=load_taxonomy(), config=RankConfig())
    return report_values(intake) | place | own


def _over_http(template: str, calls: list[list[bytes]], *, warm: int) -> float:
    with copy_of(template) as url, served(url) as port:
        return uvloop.run(send_all(port, calls, status=201, warm=warm))


def _by_statement(template: str, values: list[list[dict[str, Any]]], *, warm: int) -> float:
    with copy_of(template) as url:
        return uvloop.run(execute_all(url, TAKE_IN_SQL, values, warm=warm))
