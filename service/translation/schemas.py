"""Wire types of translations."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from service.wire import Strict


class TranslationIn(Strict):
    """Ask for the text of a case in the language of the desk, under a live lease."""

    lease_token: UUID
    masked: Annotated[
        bool, Field(description="With dots for masked words, where the caller has not switched them off.")
    ] = False


class TranslationOut(BaseModel):
    """A machine's translation, stored nowhere. `source` is null where the report named no language."""

    text: str
    source: str | None
    target: str
    by: Literal["machine"] = "machine"
