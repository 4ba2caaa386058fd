"""Wire types of kept questions."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from service.search.schemas import Order, Question
from service.wire import Stored, Strict

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60), Stored]


class ViewIn(Strict):
    """A question to keep. `shared`: everybody who may search finds it; `pinned`: it is shown without being looked for."""

    name: Name
    query: Question
    order: Order = "newest"
    shared: bool = False
    pinned: bool = False


class ViewChangeIn(Strict):
    """What is to change; what is left out stays."""

    name: Name | None = None
    query: Question | None = None
    order: Order | None = None
    shared: bool | None = None
    pinned: bool | None = None


class ViewOut(BaseModel):
    """A kept question. `new` counts answers opened since the caller last looked, up to 100; null where it was not counted."""

    id: UUID
    name: str
    query: str
    order: Order
    shared: bool
    pinned: bool
    yours: bool
    looked_at: datetime | None
    new: int | None = None
    problem: Annotated[
        str | None,
        Field(description="Why it cannot be asked any more, such as a queue that is gone; null while it can."),
    ] = None


class ViewsOut(BaseModel):
    """Your own questions and those that are shared, pinned ones first."""

    views: list[ViewOut]
