"""Ranking configurations: each version that ever put cases in order, with its owner, reason and date.

Revision ID: 20261123_0004
"""

from alembic import op

revision = "20261123_0004"
down_revision = "20261123_0003"
branch_labels = None
depends_on = None

RANK_CONFIGS = """
CREATE TABLE rank_configs (
    version text PRIMARY KEY,
    owner text NOT NULL,
    reason text NOT NULL,
    decided_on date NOT NULL,
    policy text NOT NULL,
    constants jsonb NOT NULL,
    first_used_at timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON rank_configs FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER not_emptied BEFORE TRUNCATE ON rank_configs EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    op.get_bind().connection.cursor().execute(RANK_CONFIGS)


def downgrade() -> None:
    raise RuntimeError("migrations go forward only; restore a backup to go back")
