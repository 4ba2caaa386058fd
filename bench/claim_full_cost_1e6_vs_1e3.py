"""Whether a claim with everything at work gets slower with the length of the queue.

Guard, languages, consents, exposure budget, what was passed over, and the random share at the shipped five per cent.
"""

from bench.claim_cost_1e6_vs_1e3 import measure
from bench.measure import Result
from models.rank import RankConfig
from service.exposure.limits import Limits
from service.leases.workflow import ClaimRules

NAME = "claim_full_cost_1e6_vs_1e3"


def run(*, quick: bool) -> Result:
    """Median time of such a claim, commit included, in a long queue over that in a short one."""
    rules = ClaimRules(seconds=600, limits=Limits(), random_share=RankConfig().random_share)
    return measure(NAME, rules, limited=True, quick=quick)
