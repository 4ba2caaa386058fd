"""Claims over HTTP against the claim statement by itself."""

import uvloop

from bench.database import copy_of, empty_database
from bench.filling import fill_cases, limit_reviewers
from bench.http_load import request, send_all
from bench.measure import Result, alternate, hardware, ratio, say, sides
from bench.people import Account, add_accounts
from bench.served import served
from bench.statements import execute_all
from service.exposure.limits import Limits
from service.ids import new_id
from service.leases.claim import Claim
from service.leases.store import CLAIM_NEXT_SQL

NAME = "claim_http_vs_sql"
CALLERS = 8
WARM = 50


def run(*, quick: bool) -> Result:
    """Claims a second of both sides, each round on fresh copies of one filled database."""
    return measure(NAME, limited=False, quick=quick)


def measure(name: str, *, limited: bool, quick: bool) -> Result:
    """The same; `limited` reviewers have languages, consents and exposure on record."""
    claims, rounds = (20, 1) if quick else (400, 5)
    warm = 5 if quick else WARM
    with empty_database() as template:
        reviewers = add_accounts(template, "reviewer", CALLERS)
        fill_cases(
            template,
            open_cases=(6 if limited else 2) * CALLERS * (claims + warm),
            leased=10 * CALLERS,
            holder=reviewers[0].id,
        )
        if limited:
            limit_reviewers(template, [one.id for one in reviewers])
        say(f"{name}: {rounds} rounds of {CALLERS} x {claims} claims")
        pairs = alternate(
            lambda: _over_http(template, reviewers, claims=claims, warm=warm),
            lambda: _by_statement(template, reviewers, claims=claims, warm=warm),
            rounds=rounds,
        )
    detail = sides(pairs, first="http", second="sql", unit="claims_per_second")
    return Result(name, ratio(pairs), "ratio", detail | {"callers": CALLERS, "claims": CALLERS * claims} | hardware())


def _over_http(template: str, reviewers: list[Account], *, claims: int, warm: int) -> float:
    calls = [[request("/v1/queues/default/claim", key=reviewer.key)] * (claims + warm) for reviewer in reviewers]
    with copy_of(template) as url, served(url) as port:
        took = uvloop.run(send_all(port, calls, status=200, warm=warm))
    return len(calls) * claims / took


def _by_statement(template: str, reviewers: list[Account], *, claims: int, warm: int) -> float:
    calls = [
        [Claim("default", new_id(), reviewer.id, 600, Limits(), 0.0).values() for _ in range(claims + warm)]
        for reviewer in reviewers
    ]
    with copy_of(template) as url:
        took = uvloop.run(execute_all(url, CLAIM_NEXT_SQL, calls, warm=warm))
    return len(calls) * claims / took
