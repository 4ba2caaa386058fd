"""What the process that parts are forked from has done before: all imports, and an application with its routes worked out."""

from tests.journey import killable
from tests.shared_routes import work_out

__all__ = ["killable"]

work_out("/livez")
