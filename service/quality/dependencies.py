"""What routes of quality ask the application for."""

from typing import Annotated

from fastapi import Depends, Request

from service.quality.settling.workflow import SettleRules


def settle_rules(request: Request) -> SettleRules:
    """What checks are settled under."""
    return SettleRules(request.app.state.taxonomy, request.app.state.settings.qa_golden_hours)


Rules = Annotated[SettleRules, Depends(settle_rules)]
