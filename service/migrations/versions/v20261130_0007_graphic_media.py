"""Graphic media: videos and sound, what models see and read in pictures, hash banks, preferences, and how long people look.

Revision ID: 20261130_0007
"""

from pathlib import Path

from alembic import op

revision = "20261130_0007"
down_revision = "20261129_0006"
branch_labels = None
depends_on = None

# One file for each subject, in this order.
PARTS = ("media", "leftovers", "banks", "exposure", "levels")
SQL = Path(__file__).resolve().parents[1] / "sql"


def upgrade() -> None:
    connection = op.get_bind()
    for part in PARTS:
        # The driver's own cursor: these scripts hold several statements, colons and per cent signs.
        connection.connection.cursor().execute((SQL / f"0007_{part}.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    raise RuntimeError("migrations go forward only; restore a backup to go back")
