"""Effects of changes, by the trail."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

from bot.store.tables.base import JSON_TYPE

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "effect",
        sa.Column("lease_owner", sa.String(), nullable=True),
        sa.Column("lease_until", UTCDateTime(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("step_id", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.Integer(), nullable=False),
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
        sa.Column("before", JSON_TYPE, nullable=True),
        sa.Column("after", JSON_TYPE, nullable=True),
        sa.Column("series", JSON_TYPE, nullable=True),
        sa.Column("due", UTCDateTime(), nullable=True),
        sa.Column("finding_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["finding_id"], ["finding.id"], name=op.f("fk_effect_finding_id_finding")),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_effect_incident_id_incident")),
        sa.ForeignKeyConstraint(["step_id"], ["runbook_step.id"], name=op.f("fk_effect_step_id_runbook_step")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_effect")),
        sa.UniqueConstraint("step_id", "changed_at", name=op.f("uq_effect_step_id_changed_at")),
    )
    with op.batch_alter_table("effect", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_effect_due"), ["due"], unique=False)
        batch_op.create_index(batch_op.f("ix_effect_incident_id"), ["incident_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_effect_step_id"), ["step_id"], unique=False)


def downgrade() -> None:
    op.drop_table("effect")
