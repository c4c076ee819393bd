"""Watching systems by their calls: what findings are about, what the watch knows, attempts by group."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

from bot.store.tables.base import JSON_TYPE

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_GROUPED = sa.text("attempt_group IS NOT NULL")


def upgrade() -> None:
    op.add_column("finding", sa.Column("system", sa.String(), nullable=True))
    op.add_column("finding", sa.Column("provider", sa.String(), nullable=True))
    op.create_index("ix_call_attempts", "call", ["attempt_group"], sqlite_where=_GROUPED, postgresql_where=_GROUPED)
    op.create_table(
        "trail_cursor",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("received_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_trail_cursor")),
    )
    op.create_table(
        "calls_watch",
        sa.Column("lease_owner", sa.String(), nullable=True),
        sa.Column("lease_until", UTCDateTime(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("due", UTCDateTime(), nullable=False),
        sa.Column("evaluated_at", UTCDateTime(), nullable=True),
        sa.Column("last_call_at", UTCDateTime(), nullable=True),
        sa.Column("silent_since", UTCDateTime(), nullable=True),
        sa.Column("silence", sa.Integer(), nullable=True),
        sa.Column("series", JSON_TYPE, nullable=True),
        sa.ForeignKeyConstraint(["silence"], ["finding.id"], name=op.f("fk_calls_watch_silence_finding")),
        sa.PrimaryKeyConstraint("system", name=op.f("pk_calls_watch")),
    )
    with op.batch_alter_table("calls_watch", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_calls_watch_due"), ["due"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("calls_watch", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_calls_watch_due"))

    op.drop_table("calls_watch")
    op.drop_table("trail_cursor")
    op.drop_index("ix_call_attempts", "call")
    with op.batch_alter_table("finding", schema=None) as batch_op:
        batch_op.drop_column("provider")
        batch_op.drop_column("system")
