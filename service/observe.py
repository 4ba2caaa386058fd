"""Logs and metrics. Neither ever holds content text, notes or identities of people."""

import logging
import sys
import time
import traceback
from typing import Any

import structlog
from prometheus_client import Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
REQUESTS = Counter("triage_http_requests_total", "HTTP requests", ["method", "route", "status"])
SECONDS = Histogram("triage_http_request_seconds", "Time to answer an HTTP request", ["method", "route"])
OPEN_CASES = Gauge("triage_open_cases", "Cases that wait to be claimed", ["queue"])
OLDEST_SECONDS = Gauge("triage_oldest_case_seconds", "Age of the oldest case that waits", ["queue"])
LAPSED_CASES = Gauge("triage_lapsed_cases", "Undecided cases with at least one lapsed lease")
LEASE_ALERTS = Gauge("triage_lease_alerts", "Undecided cases that keep coming back: lapsed or skipped too often")
OVERDUE_LEGAL_CLOCKS = Gauge("triage_overdue_legal_clocks", "Legal clocks that ran out on undecided cases")
SLA_OVERDUE = Gauge("triage_sla_overdue", "Clocks that ran out on open escalations", ["kind"])
OVERDUE_APPEALS = Gauge("triage_overdue_appeals", "Open appeals whose target for a decision has passed")
EXPOSED_SECONDS = Gauge("triage_exposed_seconds", "Seconds of the last 24 hours that originals were open, all people")
EXPOSURE_AT_CAP = Gauge("triage_exposure_at_cap", "People who have reached the exposure cap of a day")
UNSCORED = Gauge("triage_unscored_texts", "Texts that wait for a score")
UNPRINTED = Gauge("triage_unprinted_texts", "Texts that wait for their fingerprint")
UNASSESSED = Gauge("triage_unassessed_media", "Pictures and videos that no image model has judged", ["state"])
UNREAD = Gauge("triage_unread_pictures", "Pictures and videos whose text was not read", ["state"])
IMAGE_MODEL_UNUSABLE = Gauge("triage_image_model_unusable", "1 where the image model of the settings cannot be used")
RELEASE_REFUSED = Gauge(
    "triage_release_refused", "1 where a bundle that the releases name does not serve", ["process", "part"]
)
DRIFT = Gauge("triage_drift", "Distance of the recent window from the reference", ["monitor"])
DRIFT_ALERTS = Gauge("triage_drift_alerts", "Drift monitors beyond their threshold")
SPECIAL_UNSERVED = Gauge(
    "triage_special_unserved", "1 where no open queue that somebody may take from serves the special route", ["route"]
)
SPECIAL_WAITING = Gauge("triage_special_waiting", "Flagged cases that wait in the default queue", ["route"])
UNTAKEN_CASES = Gauge("triage_untaken_cases", "Waiting cases that nobody active would be handed", ["queue"])
FAILED_WEBHOOKS = Gauge("triage_failed_webhooks", "Messages to open endpoints that were given up")
FAILED_WEBHOOKS_CLOSED = Gauge(
    "triage_failed_webhooks_closed", "Messages to closed endpoints that were given up; another one can take them over"
)
UNOWNED_ESCALATIONS = Gauge(
    "triage_unowned_escalations", "Escalations that nobody has had for so long that an alarm was raised"
)
UNTOLD_DECISIONS = Gauge(
    "triage_untold_decisions", "Standing decisions of the last 24 hours that had no endpoint to be told to"
)


def trace(error: BaseException) -> str:
    """Types and places of an error and its causes, without their messages: those can quote content."""
    chain: list[str] = []
    one: BaseException | None = error
    while one is not None:
        chain.append("".join(traceback.format_tb(one.__traceback__)) + type(one).__name__)
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    return "\nafter:\n".join(chain)


def configure_logs() -> None:
    """JSON lines on standard error; libraries that log an error through `logging` lose its message as well."""
    logging.setLogRecordFactory(_record_without_message)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _trace_only,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )


def _trace_only(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    error = event.pop("exc_info", None)
    if isinstance(error, BaseException):
        event["trace"] = trace(error)
    return event


def _record_without_message(*values: Any, **named: Any) -> logging.LogRecord:
    record = logging.LogRecord(*values, **named)
    if record.exc_info and record.exc_info[1] is not None:
        # Formatters use this text when it is there already.
        record.exc_text = trace(record.exc_info[1])
    return record


class MeasureRequests:
    """Counts and times requests by route template, so that identifiers never become labels."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500
        started = time.perf_counter()

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            route = getattr(scope.get("route"), "path", "unmatched")
            # A method that nobody knows is the caller's word: as a label it would stay in memory for ever.
            method = scope["method"] if scope["method"] in METHODS else "other"
            REQUESTS.labels(method, route, str(status)).inc()
            SECONDS.labels(method, route).observe(time.perf_counter() - started)
