"""Runbooks that act: steps that wait, are approved, checked and expire; the freeze; who started a run with what."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

from bot.store.tables.base import JSON_TYPE

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("switch", schema=None) as batch_op:
        batch_op.alter_column("value", existing_type=JSON_TYPE, nullable=True)
    op.create_table(
        "freeze",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("frozen", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_freeze")),
    )
    op.create_table(
        "step_approval",
        sa.Column("step_id", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("approved", sa.Boolean(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["step_id"], ["runbook_step.id"], name=op.f("fk_step_approval_step_id_runbook_step")),
        sa.PrimaryKeyConstraint("step_id", "round", "person", name=op.f("pk_step_approval")),
    )
    with op.batch_alter_table("runbook_run", schema=None) as batch_op:
        batch_op.add_column(sa.Column("started_by", sa.String(), nullable=False, server_default="badday"))
        batch_op.add_column(sa.Column("inputs", JSON_TYPE, nullable=True))
        batch_op.add_column(sa.Column("moved", sa.Boolean(), nullable=False, server_default=sa.true()))
        batch_op.add_column(sa.Column("undoing_by", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("close_offered_at", UTCDateTime(), nullable=True))
        batch_op.create_index(batch_op.f("ix_runbook_run_moved"), ["moved"], unique=False)
    with op.batch_alter_table("runbook_step", schema=None) as batch_op:
        batch_op.add_column(sa.Column("round", sa.Integer(), nullable=False, server_default="1"))
        batch_op.add_column(sa.Column("route", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("reading", JSON_TYPE, nullable=True))
        batch_op.add_column(sa.Column("check_arguments", JSON_TYPE, nullable=True))
        batch_op.add_column(sa.Column("tries", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("not_before", UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column("check_until", UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column("takes_effect", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("consent_url", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("approval_round", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("approval_due", UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column("expires_at", UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column("expiry_asked_at", UTCDateTime(), nullable=True))
        batch_op.create_index(batch_op.f("ix_runbook_step_expires_at"), ["expires_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("runbook_step", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_runbook_step_expires_at"))
        for name in (
            *("expiry_asked_at", "expires_at", "approval_due", "approval_round", "consent_url", "takes_effect"),
            *("check_until", "not_before", "tries", "check_arguments", "reading", "route", "round"),
        ):
            batch_op.drop_column(name)
    with op.batch_alter_table("runbook_run", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_runbook_run_moved"))
        for name in ("close_offered_at", "undoing_by", "moved", "inputs", "started_by"):
            batch_op.drop_column(name)
    op.execute("DELETE FROM switch WHERE value IS NULL")
    with op.batch_alter_table("switch", schema=None) as batch_op:
        batch_op.alter_column("value", existing_type=JSON_TYPE, nullable=False)
    op.drop_table("step_approval")
    op.drop_table("freeze")
