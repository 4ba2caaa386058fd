"""Claims over HTTP against the claim statement by itself, for reviewers of whom everything is on record.

Guard, languages, consents, exposure budget and what was passed over are at work on both sides, over HTTP the random share
as well.
"""

from bench.claim_http_vs_sql import measure
from bench.measure import Result

NAME = "claim_full_vs_sql"


def run(*, quick: bool) -> Result:
    """Claims a second of both sides, each round on fresh copies of one filled database."""
    return measure(NAME, limited=True, quick=quick)
