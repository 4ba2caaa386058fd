"""Rules of translations: asked for by who holds the case, counted, and kept nowhere."""

from uuid import UUID

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine

from service import events
from service.cases.workflow import case_view
from service.errors.cases import LeaseStaleError
from service.errors.translation import NoTranslationError
from service.leases.workflow import require_live
from service.media.levels import Rules
from service.settings import Settings, SettingsError
from service.translation.client import MOST_CHARACTERS, Translator
from service.translation.schemas import TranslationIn, TranslationOut


def configured(settings: Settings) -> Translator | None:
    """The translation service of the settings; None where there is none. Raises SettingsError."""
    if settings.translation_url is None:
        return None
    url = httpx.URL(str(settings.translation_url))
    if url.userinfo:
        raise SettingsError("TRIAGE_TRANSLATION_URL: leave user name and password out, set TRIAGE_TRANSLATION_KEY")
    if url.scheme != "https" and not settings.translation_private:
        raise SettingsError(
            "TRIAGE_TRANSLATION_URL: texts leave over https only; for one in your own network set TRIAGE_TRANSLATION_PRIVATE"
        )
    key = settings.translation_key
    return Translator(
        url, key.get_secret_value() if key else None, settings.translation_seconds, settings.translation_private
    )


async def translated(
    engine: AsyncEngine,
    case_id: UUID,
    asked: TranslationIn,
    *,
    holder: UUID,
    terms: tuple[Translator | None, Rules, str],
) -> TranslationOut:
    """The text of a case in the language of the desk; that it was asked for is recorded first.

    Holds no database connection while it waits. Raises LeaseStaleError, NoTranslationError, TranslationFailedError.
    """
    translator, rules, target = terms
    if translator is None:
        raise NoTranslationError("no translation service is set; see docs/translation.md")
    async with engine.begin() as connection:
        lease = await require_live(connection, token=asked.lease_token, holder=holder)
        if lease.case_id != case_id:
            raise LeaseStaleError("this lease is for another case")
        case = await case_view(connection, case_id, viewer=holder, rules=rules)
        subject = case.subject
        if case.score_state == "bypassed":
            raise NoTranslationError("this case came by a special route and is for people alone: no machine reads it")
        if not subject.text:
            raise NoTranslationError("this case has no text")
        if len(subject.text) > MOST_CHARACTERS:
            raise NoTranslationError(f"at most {MOST_CHARACTERS:,} characters are sent; this text is longer")
        data = {"source": subject.language, "target": target, "characters": len(subject.text)}
        await events.record(connection, "translation.asked", case_id=case_id, actor=holder, data=data)
    text = await translator.translate(subject.text, source=subject.language, target=target)
    return TranslationOut(text=text, source=subject.language, target=target)
