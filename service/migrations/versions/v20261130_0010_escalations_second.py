"""Escalations, second step: crises told to leads, watching, later statements and confidentiality by form.

Revision ID: 20261130_0010
"""

from pathlib import Path

from alembic import op

revision = "20261130_0010"
down_revision = "20261130_0009"
branch_labels = None
depends_on = None

# One file for each subject, by name.
SQL = Path(__file__).resolve().parents[1] / "sql"


def upgrade() -> None:
    connection = op.get_bind()
    for part in sorted(SQL.glob("0010_*.sql")):
        # The driver's own cursor: these scripts hold several statements, colons and per cent signs.
        connection.connection.cursor().execute(part.read_text(encoding="utf-8"))


def downgrade() -> None:
    raise RuntimeError("migrations go forward only; restore a backup to go back")
