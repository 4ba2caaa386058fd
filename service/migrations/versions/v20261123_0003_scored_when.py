"""What was scored or decided when: indexes for the windows of the drift monitors and for the shadow.

Revision ID: 20261123_0003
"""

from alembic import op

revision = "20261123_0003"
down_revision = "20261123_0002"
branch_labels = None
depends_on = None

INDEXES = (
    ("evidence_scored", "evidence (scored_at) WHERE score_state = 'scored'"),
    ("decisions_time", "decisions (decided_at)"),
)


def upgrade() -> None:
    # Both tables may be large and in use: no lock that others would notice, however long it takes.
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute("SET statement_timeout = 0")
        for name, place in INDEXES:
            # What an attempt that failed left behind is invalid.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {place}")
        op.execute("SET lock_timeout = '4s'")
        op.execute("SET statement_timeout = '30s'")


def downgrade() -> None:
    raise RuntimeError("migrations go forward only; restore a backup to go back")
