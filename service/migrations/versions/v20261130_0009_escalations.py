"""Escalations: records, clocks, consults, replies, statements of reasons, appeals, causes, crises and restricted paths.

Revision ID: 20261130_0009
"""

from pathlib import Path

from alembic import op

revision = "20261130_0009"
down_revision = "20261130_0008"
branch_labels = None
depends_on = None

# One file for each subject, by name: the first holds what the others refer to, and replies come after the consults they withhold.
SQL = Path(__file__).resolve().parents[1] / "sql"


def upgrade() -> None:
    connection = op.get_bind()
    for part in sorted(SQL.glob("0009_*.sql")):
        # The driver's own cursor: these scripts hold several statements, colons and per cent signs.
        connection.connection.cursor().execute(part.read_text(encoding="utf-8"))


def downgrade() -> None:
    raise RuntimeError("migrations go forward only; restore a backup to go back")
