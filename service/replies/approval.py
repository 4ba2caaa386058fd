"""Which replies another person has to approve: pure functions over a versioned file."""

import tomllib
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from service.escalations.schemas import Confidentiality, Source
from service.replies.schemas import Purpose
from service.settings import Settings, SettingsError
from service.wire import Strict


class Rule(Strict):
    """A reply needs approval where all of this fits its record and purpose; what is not named fits always."""

    sources: Annotated[list[Source], Field(min_length=1)] | None = None
    purposes: Annotated[list[Purpose], Field(min_length=1)] | None = None
    confidentiality: Annotated[list[Confidentiality], Field(min_length=1)] | None = None
    severity: Annotated[int, Field(ge=0, le=4, description="from this severity on")] | None = None
    high_profile: bool | None = None
    reason: Annotated[str, Field(min_length=1, max_length=200)]

    def fits(self, record: Any, purpose: str) -> bool:
        """Whether the rule asks for approval of a reply of that purpose about this record."""
        return (
            (self.sources is None or record.source in self.sources)
            and (self.purposes is None or purpose in self.purposes)
            and (self.confidentiality is None or record.confidentiality in self.confidentiality)
            and (self.severity is None or (record.severity is not None and record.severity >= self.severity))
            and (self.high_profile is None or record.high_profile == self.high_profile)
        )


class Rules(Strict):
    """The whole file."""

    version: Annotated[str, Field(min_length=1, max_length=40)]
    rules: list[Rule]

    def reasons(self, record: Any, purpose: str) -> list[str]:
        """Why a reply needs approval; nothing where it does not."""
        return list(dict.fromkeys(rule.reason for rule in self.rules if rule.fits(record, purpose)))


def configured(settings: Settings) -> Rules:
    """The rules the settings name, else the shipped ones. Raises SettingsError."""
    return _read(settings.reply_approval)


@cache
def _read(path: Path | None) -> Rules:
    try:
        text = (path or resources.files("service.replies").joinpath("approval.toml")).read_text(encoding="utf-8")
        return Rules.model_validate(tomllib.loads(text))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"TRIAGE_REPLY_APPROVAL: {error}") from error
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise SettingsError(f"TRIAGE_REPLY_APPROVAL: {told}") from error
