"""Wire types of who read a restricted record."""

from datetime import datetime

from pydantic import BaseModel


class ReadOut(BaseModel):
    """Somebody opened the record. Within five minutes of one by the same person no further one is written down."""

    at: datetime
    username: str


class ReadsOut(BaseModel):
    """The latest 100, newest first."""

    reads: list[ReadOut]
