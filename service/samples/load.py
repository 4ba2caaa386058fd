"""Sample cases and log-ins: loaded into an empty database in one transaction, removed by one command."""

import hashlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

from procrastinate import App
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.guidelines.reading import load_guidelines
from labeling.taxonomy import load_taxonomy
from service.db import create_engine
from service.jobs import create_jobs_app
from service.media.containers import clip_format
from service.media.leftovers.workflow import hold
from service.media.leftovers.workflow import sweep as remove_leftovers
from service.media.preparing.workflow import add_pending
from service.media.renderer import Renderer
from service.media.storage import Storage, open_storage
from service.media.workflow import ingest
from service.people.schemas import AccountIn, RoleName
from service.people.workflow import close_sample_accounts, create_person
from service.policies.workflow import import_guidelines
from service.ranking.workflow import configured
from service.reports.schemas import Intake, ReportIn
from service.reports.workflow import receive
from service.samples.clips import CLIPS
from service.samples.draw import draw_picture
from service.samples.escalations import add_escalations
from service.settings import Settings, write_private

CREDENTIALS = "demo-credentials.json"

_EMPTY = text("SELECT NOT EXISTS (SELECT FROM principals) AND NOT EXISTS (SELECT FROM cases)")
_SOME_CASES = text("""
    SELECT c.id FROM cases c JOIN evidence e ON e.id = c.evidence_id
    WHERE e.language = 'en' AND c.special IS NULL ORDER BY c.id LIMIT 3
""")
_MARK_ESCALATIONS = text("UPDATE escalations SET sample = true")
# The order matters: rows that refer to others go first.
_REMOVE = (
    "SET LOCAL triage.removing_samples = 'on'",
    # What is preserved is no sample any more, and stays with all that belongs to it.
    "UPDATE escalations SET sample = false WHERE sample AND id IN (SELECT escalation_id FROM preservations WHERE ended_at IS NULL)",
    "UPDATE media SET sample = false WHERE sample AND id IN (SELECT preserved_media())",
    """UPDATE subjects SET sample = false
       WHERE sample AND id IN (SELECT subject_id FROM cases WHERE id IN (SELECT preserved_cases()))""",
    "UPDATE cases SET sample = false WHERE sample AND id IN (SELECT preserved_cases())",
    "CREATE TEMPORARY TABLE gone ON COMMIT DROP AS SELECT id FROM cases WHERE sample",
    "CREATE TEMPORARY TABLE gone_decisions ON COMMIT DROP AS SELECT id FROM decisions WHERE case_id IN (TABLE gone)",
    """CREATE TEMPORARY TABLE gone_evidence ON COMMIT DROP AS
       SELECT e.id, e.subject_id FROM evidence e WHERE e.subject_id IN (SELECT id FROM subjects WHERE sample)
       AND NOT EXISTS (SELECT FROM cases c WHERE c.subject_id = e.subject_id AND NOT c.sample)""",
    """CREATE TEMPORARY TABLE gone_preservations ON COMMIT DROP AS
       SELECT id FROM preservations WHERE case_id IN (TABLE gone) OR evidence_id IN (SELECT id FROM gone_evidence)
           OR subject_id IN (SELECT subject_id FROM gone_evidence) OR media_id IN (SELECT id FROM media WHERE sample)
           OR escalation_id IN (SELECT id FROM escalations WHERE sample)""",
    "DELETE FROM preservations WHERE id IN (TABLE gone_preservations)",
    # All that hangs on a record goes with it; what a record that is no sample says of one goes too.
    "DELETE FROM escalations WHERE sample",
    "DELETE FROM root_causes c WHERE NOT EXISTS (SELECT FROM root_cause_records r WHERE r.cause_id = c.id)",
    "DELETE FROM escalation_links WHERE case_id IN (TABLE gone)",
    "CREATE TEMPORARY TABLE gone_messages ON COMMIT DROP AS SELECT id FROM outbox WHERE decision_id IN (TABLE gone_decisions) OR case_id IN (TABLE gone)",
    "CREATE TEMPORARY TABLE gone_items ON COMMIT DROP AS SELECT id FROM qa_items WHERE case_id IN (TABLE gone)",
    "DELETE FROM exposure_ends WHERE exposure_id IN (SELECT id FROM exposures WHERE case_id IN (TABLE gone))",
    "DELETE FROM exposures WHERE case_id IN (TABLE gone)",
    "CREATE TEMPORARY TABLE gone_appeals ON COMMIT DROP AS SELECT id FROM appeals WHERE case_id IN (TABLE gone)",
    "DELETE FROM appeal_disputes WHERE appeal_id IN (TABLE gone_appeals)",
    "DELETE FROM appeal_feedback WHERE appeal_id IN (TABLE gone_appeals)",
    "DELETE FROM appeal_claims WHERE appeal_id IN (TABLE gone_appeals)",
    "DELETE FROM appeals WHERE id IN (TABLE gone_appeals)",
    "DELETE FROM appeal_links WHERE decision_id IN (TABLE gone_decisions)",
    "DELETE FROM qa_feedback WHERE settlement_id IN (SELECT id FROM qa_settlements WHERE item_id IN (TABLE gone_items))",
    "DELETE FROM qa_settlements WHERE item_id IN (TABLE gone_items)",
    "DELETE FROM qa_reviews WHERE item_id IN (TABLE gone_items)",
    "DELETE FROM calibration_items WHERE item_id IN (TABLE gone_items)",
    "DELETE FROM calibration_sessions s WHERE NOT EXISTS (SELECT FROM calibration_items i WHERE i.session_id = s.id)",
    "DELETE FROM qa_items WHERE id IN (TABLE gone_items)",
    "DELETE FROM golden_items WHERE case_id IN (TABLE gone)",
    # A plan that drew something else too stays with that.
    "DELETE FROM qa_plans p WHERE NOT EXISTS (SELECT FROM qa_items i WHERE i.plan_id = p.id)",
    "DELETE FROM qa_looks WHERE case_id IN (TABLE gone)",
    "DELETE FROM label_suspects WHERE decision_id IN (TABLE gone_decisions)",
    "DELETE FROM delivery_attempts WHERE message_id IN (TABLE gone_messages)",
    "DELETE FROM outbox WHERE id IN (TABLE gone_messages)",
    "DELETE FROM strikes WHERE decision_id IN (TABLE gone_decisions)",
    "DELETE FROM second_opinions WHERE case_id IN (TABLE gone)",
    "DELETE FROM skips WHERE case_id IN (TABLE gone)",
    "DELETE FROM reporter_outcomes WHERE decision_id IN (TABLE gone_decisions)",
    "DELETE FROM reporters WHERE NOT EXISTS (SELECT FROM reporter_outcomes o WHERE o.reporter_id = reporters.id)",
    "DELETE FROM sla_case_clocks WHERE case_id IN (TABLE gone)",
    "DELETE FROM clock_ends WHERE clock_id IN (SELECT id FROM clocks WHERE case_id IN (TABLE gone))",
    "DELETE FROM clocks WHERE case_id IN (TABLE gone)",
    "DELETE FROM decision_undos WHERE decision_id IN (TABLE gone_decisions)",
    "DELETE FROM cluster_decisions WHERE decision_id IN (TABLE gone_decisions)",
    # What was banked for a sample is no known picture.
    "DELETE FROM bank_matches WHERE hash_id IN (SELECT id FROM bank_hashes WHERE decision_id IN (TABLE gone_decisions))",
    "DELETE FROM bank_hashes WHERE decision_id IN (TABLE gone_decisions)",
    "DELETE FROM statements WHERE case_id IN (TABLE gone)",
    "DELETE FROM statement_gaps WHERE case_id IN (TABLE gone)",
    "DELETE FROM statement_edits WHERE case_id IN (TABLE gone)",
    "DELETE FROM decisions WHERE id IN (TABLE gone_decisions)",
    "DELETE FROM events WHERE case_id IN (TABLE gone)",
    "DELETE FROM drafts WHERE case_id IN (TABLE gone)",
    "DELETE FROM case_notes WHERE case_id IN (TABLE gone)",
    "DELETE FROM skip_reasons WHERE case_id IN (TABLE gone)",
    "DELETE FROM lease_alerts WHERE case_id IN (TABLE gone)",
    "DELETE FROM leases WHERE case_id IN (TABLE gone)",
    "DELETE FROM reports WHERE case_id IN (TABLE gone)",
    "DELETE FROM cases WHERE id IN (TABLE gone)",
    "DELETE FROM evidence_media WHERE evidence_id IN (SELECT id FROM gone_evidence)",
    "DELETE FROM evidence WHERE id IN (SELECT id FROM gone_evidence)",
    "DELETE FROM subjects WHERE id IN (SELECT subject_id FROM gone_evidence)",
    """DELETE FROM media WHERE sample AND NOT EXISTS (SELECT FROM evidence_media m WHERE m.media_id = media.id)
       AND NOT EXISTS (SELECT FROM escalation_attachments a WHERE a.media_id = media.id)""",
)


async def load_samples(settings: Settings, url: str) -> str:
    """Fill an empty database with sample log-ins and cases; says in one line what was done."""
    engine = create_engine(url, pool=1)
    renderer = Renderer(settings)
    try:
        async with engine.begin() as connection:
            if not (await connection.execute(_EMPTY)).scalar_one():
                return "The database is not empty: no sample cases were loaded."
            storage = open_storage(settings)
            await storage.check()
            people = await _add_people(connection, settings.data_dir)
            # They ask nobody to confirm them, and stay when the samples go: they are the product's, not a sample.
            await import_guidelines(connection, load_guidelines(load_taxonomy(settings.taxonomy)), actor=None)
            uploading = _Uploading(connection, settings, storage, renderer, create_jobs_app(url), people["platform"])
            count = await _add_reports(connection, settings, uploading)
            cases = (await connection.execute(_SOME_CASES)).scalars().all()
            escalations = await add_escalations(connection, specialist=people["specialist"], cases=cases)
            await connection.execute(_MARK_ESCALATIONS)
    finally:
        await renderer.close()
        await engine.dispose()
    return f"Loaded {count} sample reports and {escalations} escalations; the log-ins are in {settings.data_dir / CREDENTIALS}."


async def remove_samples(settings: Settings, url: str) -> str:
    """Remove every sample case with all that hangs on it and close the sample log-ins; says what was done."""
    engine, storage = create_engine(url, pool=1), open_storage(settings)
    try:
        async with engine.begin() as connection:
            count = 0
            for statement in _REMOVE:
                result = await connection.execute(text(statement))
                count += result.rowcount if statement.startswith("DELETE FROM cases") else 0
            closed = await close_sample_accounts(connection)
        (settings.data_dir / CREDENTIALS).unlink(missing_ok=True)
        # Those that this does not reach go with the next sweep of a worker.
        await remove_leftovers(engine, storage)
    finally:
        await engine.dispose()
    return (
        f"Removed {count} sample cases and closed {len(closed)} sample log-ins. "
        "An account of your own: python -m service add-person NAME --role admin"
    )


async def _add_people(connection: AsyncConnection, data_dir: Path) -> dict[str, UUID]:
    credentials = {}
    principals: dict[str, UUID] = {}
    for role in get_args(RoleName):
        person = AccountIn(username=f"demo-{role}", role=role, password=secrets.token_urlsafe(12))
        made = await create_person(connection, person, actor=None, sample=True)
        principals[role] = made.id
        credentials[role] = {"username": made.username, "password": person.password, "api_key": made.api_key}
    # Before the commit: log-ins that nobody was ever told would be worse than a file about log-ins that do not exist.
    write_private(data_dir / CREDENTIALS, json.dumps(credentials, indent=2) + "\n")
    return principals


@dataclass(frozen=True, slots=True)
class _Uploading:
    """Uploads what the sample reports name, each once."""

    connection: AsyncConnection
    settings: Settings
    storage: Storage
    renderer: Renderer
    jobs: App
    platform: UUID
    done: dict[str, str] = field(default_factory=dict)

    async def ids_of(self, names: list[str]) -> list[str]:
        """Ids of the media of these names; video and sound among them are pending until a worker runs."""
        for name in names:
            if name not in self.done:
                self.done[name] = str(await (self._clip(name) if name in CLIPS else self._picture(name)))
        return [self.done[name] for name in names]

    async def _picture(self, name: str) -> UUID:
        row = await ingest(
            self.connection,
            draw_picture(name),
            uploaded_by=self.platform,
            sample=True,
            renderer=self.renderer,
            storage=self.storage,
            settings=self.settings,
        )
        return row.id

    async def _clip(self, name: str) -> UUID:
        data = CLIPS[name]()
        form = clip_format(data)
        if form is None:
            raise ValueError(f"{name} is drawn as something that is not accepted")
        uploaded_as = await self.storage.put(data)
        await hold(self.connection, self.storage, {uploaded_as: data})
        return await add_pending(
            self.connection,
            self.jobs,
            uploaded_as=uploaded_as,
            sha256=hashlib.sha256(data).digest(),
            kind=form.kind,
            mime=form.mime,
            size=len(data),
            uploaded_by=self.platform,
            sample=True,
        )


async def _add_reports(connection: AsyncConnection, settings: Settings, uploading: _Uploading) -> int:
    taxonomy, config, now = load_taxonomy(settings.taxonomy), configured(settings), datetime.now(UTC)
    count = 0
    for body in sample_reports():
        age = timedelta(minutes=body.pop("age_minutes"))
        body["subject"]["media"] = await uploading.ids_of(body["subject"]["media"])
        body["subject"]["created_at"] = (now - age).isoformat()
        # Content is reported some time after it was posted; a third of its age is as good as any.
        intake = Intake(
            report=ReportIn.model_validate(body),
            received_from=uploading.platform,
            received_at=now - age / 3,
            sample=True,
        )
        await receive(connection, intake, taxonomy=taxonomy, config=config, jobs=uploading.jobs)
        count += 1
    return count


def sample_reports() -> Iterator[dict[str, Any]]:
    """The sample reports as request bodies, with pictures by name and `age_minutes` added."""
    lines = resources.files("service.samples").joinpath("reports.jsonl").read_text(encoding="utf-8")
    return (json.loads(line) for line in lines.splitlines())
