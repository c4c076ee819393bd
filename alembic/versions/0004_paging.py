"""Paging: escalations, contacts, cover, alerts, silences, and the life of incidents."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

from bot.store.tables.base import JSON_TYPE

_OPEN = sa.text("ended_at IS NULL")
_WAITS = sa.text("revision > sent_revision")

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "contact_test",
        sa.Column("lease_owner", sa.String(), nullable=True),
        sa.Column("lease_until", UTCDateTime(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("options", JSON_TYPE, nullable=True),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", UTCDateTime(), nullable=False),
        sa.Column("message_key", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=True),
        sa.Column("not_before", UTCDateTime(), nullable=True),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("settled_at", UTCDateTime(), nullable=True),
        sa.Column("token_hash", sa.String(), nullable=True),
        sa.Column("confirmed_at", UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_test")),
    )
    with op.batch_alter_table("contact_test", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_contact_test_external_id"), ["external_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_contact_test_message_key"), ["message_key"], unique=False)
        batch_op.create_index(batch_op.f("ix_contact_test_outcome"), ["outcome"], unique=False)
        batch_op.create_index(batch_op.f("ix_contact_test_person"), ["person"], unique=False)
        batch_op.create_index(batch_op.f("ix_contact_test_token_hash"), ["token_hash"], unique=False)

    op.create_index("ix_outbox_waiting", "outbox", ["changed_at"], sqlite_where=_WAITS, postgresql_where=_WAITS)
    op.create_table(
        "auditor_turn",
        sa.Column("lease_owner", sa.String(), nullable=True),
        sa.Column("lease_until", UTCDateTime(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("next_at", UTCDateTime(), nullable=False),
        sa.Column("looked_at", UTCDateTime(), nullable=True),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_auditor_turn")),
    )
    op.create_table(
        "stuck",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("system", sa.String(), nullable=True),
        sa.Column("since", UTCDateTime(), nullable=False),
        sa.Column("found_at", UTCDateTime(), nullable=False),
        sa.Column("reported_at", UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_stuck")),
    )

    op.create_table(
        "slack_workspace",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slack_workspace")),
    )
    op.create_table(
        "app_home",
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("opened_at", UTCDateTime(), nullable=False),
        sa.Column("mark", sa.String(), nullable=True),
        sa.Column("published_at", UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_app_home")),
    )
    op.create_table(
        "slack_group",
        sa.Column("lease_owner", sa.String(), nullable=True),
        sa.Column("lease_until", UTCDateTime(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("members", JSON_TYPE, nullable=False),
        sa.Column("fetched_at", UTCDateTime(), nullable=True),
        sa.Column("next_at", UTCDateTime(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slack_group")),
    )

    op.create_table(
        "cover_override",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("starts_at", UTCDateTime(), nullable=False),
        sa.Column("ends_at", UTCDateTime(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("cancelled_at", UTCDateTime(), nullable=True),
        sa.Column("cancelled_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cover_override")),
    )
    with op.batch_alter_table("cover_override", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_cover_override_ends_at"), ["ends_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_cover_override_target"), ["target"], unique=False)

    op.create_table(
        "silence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("starts_at", UTCDateTime(), nullable=False),
        sa.Column("ends_at", UTCDateTime(), nullable=False),
        sa.Column("begun_at", UTCDateTime(), nullable=True),
        sa.Column("cancelled_at", UTCDateTime(), nullable=True),
        sa.Column("cancelled_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_silence")),
    )
    with op.batch_alter_table("silence", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_silence_ends_at"), ["ends_at"], unique=False)

    op.create_table(
        "hold",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("finding_id", sa.Integer(), nullable=False),
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("held_by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("since", UTCDateTime(), nullable=False),
        sa.Column("released_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["finding_id"], ["finding.id"], name=op.f("fk_hold_finding_id_finding")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold")),
    )
    with op.batch_alter_table("hold", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_hold_finding_id"), ["finding_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_hold_held_by"), ["held_by"], unique=False)
        batch_op.create_index(
            "uq_hold_open",
            ["finding_id", "system"],
            unique=True,
            sqlite_where=sa.text("released_at IS NULL"),
            postgresql_where=sa.text("released_at IS NULL"),
        )

    op.create_table(
        "alert",
        sa.Column("lease_owner", sa.String(), nullable=True),
        sa.Column("lease_until", UTCDateTime(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=True),
        sa.Column("labels", JSON_TYPE, nullable=False),
        sa.Column("annotations", JSON_TYPE, nullable=False),
        sa.Column("firing", sa.Boolean(), nullable=False),
        sa.Column("starts_at", UTCDateTime(), nullable=False),
        sa.Column("ends_at", UTCDateTime(), nullable=True),
        sa.Column("received_at", UTCDateTime(), nullable=False),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("handled_revision", sa.Integer(), nullable=False),
        sa.Column("finding_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["finding_id"], ["finding.id"], name=op.f("fk_alert_finding_id_finding")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
        sa.UniqueConstraint("system", "fingerprint", name=op.f("uq_alert_system_fingerprint")),
    )
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_alert_finding_id"), ["finding_id"], unique=False)
        batch_op.create_index("ix_alert_system_cause", ["system", "cause"], unique=False)
        batch_op.create_index(
            "ix_alert_waiting",
            ["id"],
            unique=False,
            sqlite_where=sa.text("handled_revision < revision"),
            postgresql_where=sa.text("handled_revision < revision"),
        )
        batch_op.create_index(
            "ix_alert_expiring",
            ["ends_at"],
            unique=False,
            sqlite_where=sa.text("firing"),
            postgresql_where=sa.text("firing"),
        )

    op.create_table(
        "escalation",
        sa.Column("lease_owner", sa.String(), nullable=True),
        sa.Column("lease_until", UTCDateTime(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.Integer(), nullable=False),
        sa.Column("policy", JSON_TYPE, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("next_at", UTCDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("started_at", UTCDateTime(), nullable=False),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("change", sa.String(), nullable=False),
        sa.Column("acknowledgers", JSON_TYPE, nullable=False),
        sa.Column("acknowledged_at", UTCDateTime(), nullable=True),
        sa.Column("acknowledged_by", sa.String(), nullable=True),
        sa.Column("acknowledged_how", sa.String(), nullable=True),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("reached_at", UTCDateTime(), nullable=True),
        sa.Column("answered_at", UTCDateTime(), nullable=True),
        sa.Column("snoozed_until", UTCDateTime(), nullable=True),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_escalation_incident_id_incident")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_escalation")),
    )
    with op.batch_alter_table("escalation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_escalation_incident_id"), ["incident_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_escalation_next_at"), ["next_at"], unique=False)
        batch_op.create_index(
            "uq_escalation_open", ["incident_id"], unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN
        )

    op.create_table(
        "follow_up",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("due_at", UTCDateTime(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("done_at", UTCDateTime(), nullable=True),
        sa.Column("done_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_follow_up_incident_id_incident")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up")),
    )
    with op.batch_alter_table("follow_up", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_follow_up_incident_id"), ["incident_id"], unique=False)

    op.create_table(
        "incident_role",
        sa.Column("incident_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("since", UTCDateTime(), nullable=False),
        sa.Column("given_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_incident_role_incident_id_incident")),
        sa.PrimaryKeyConstraint("incident_id", "role", name=op.f("pk_incident_role")),
    )
    op.create_table(
        "picture",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("slack_file", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("mimetype", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("kept_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["timeline_entry.id"], name=op.f("fk_picture_entry_id_timeline_entry")),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_picture_incident_id_incident")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_picture")),
    )
    with op.batch_alter_table("picture", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_picture_entry_id"), ["entry_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_picture_incident_id"), ["incident_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_picture_slack_file"), ["slack_file"], unique=False)

    op.create_table(
        "ack_link",
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("page_id", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.Column("used_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["page_id"], ["page.id"], name=op.f("fk_ack_link_page_id_page")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_ack_link")),
    )
    with op.batch_alter_table("ack_link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ack_link_page_id"), ["page_id"], unique=False)

    with op.batch_alter_table("incident", schema=None) as batch_op:
        batch_op.add_column(sa.Column("status", sa.String(), nullable=False, server_default="investigating"))
        batch_op.add_column(sa.Column("update_due", UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column("resolution", sa.String(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("flapping_since", UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column("flaps", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("overruled", sa.String(), nullable=True))
        batch_op.create_index(batch_op.f("ix_incident_update_due"), ["update_due"], unique=False)

    with op.batch_alter_table("page", schema=None) as batch_op:
        batch_op.add_column(sa.Column("lease_owner", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("lease_until", UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column("attempt", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("escalation_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("why", sa.String(), nullable=False, server_default="owner"))
        batch_op.add_column(sa.Column("step", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("round", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("methods", JSON_TYPE, nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("method", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("next_at", UTCDateTime(), nullable=True))
        batch_op.alter_column("message_key", existing_type=sa.VARCHAR(), nullable=True)
        batch_op.create_index(batch_op.f("ix_page_escalation_id"), ["escalation_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_page_next_at"), ["next_at"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_page_escalation_id_escalation"), "escalation", ["escalation_id"], ["id"]
        )

    with op.batch_alter_table("page_attempt", schema=None) as batch_op:
        batch_op.add_column(sa.Column("lease_owner", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("lease_until", UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column("attempt", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("options", JSON_TYPE, nullable=True))
        batch_op.add_column(sa.Column("not_before", UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column("tries", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("external_id", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("told", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("settled_at", UTCDateTime(), nullable=True))
        batch_op.create_index(batch_op.f("ix_page_attempt_external_id"), ["external_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_page_attempt_outcome"), ["outcome"], unique=False)
        batch_op.create_index(batch_op.f("ix_page_attempt_told"), ["told"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("page_attempt", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_page_attempt_told"))
        batch_op.drop_index(batch_op.f("ix_page_attempt_outcome"))
        batch_op.drop_index(batch_op.f("ix_page_attempt_external_id"))
        batch_op.drop_column("settled_at")
        batch_op.drop_column("told")
        batch_op.drop_column("external_id")
        batch_op.drop_column("tries")
        batch_op.drop_column("not_before")
        batch_op.drop_column("options")
        batch_op.drop_column("attempt")
        batch_op.drop_column("lease_until")
        batch_op.drop_column("lease_owner")

    with op.batch_alter_table("page", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_page_escalation_id_escalation"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_page_next_at"))
        batch_op.drop_index(batch_op.f("ix_page_escalation_id"))
        batch_op.alter_column("message_key", existing_type=sa.VARCHAR(), nullable=False)
        batch_op.drop_column("next_at")
        batch_op.drop_column("method")
        batch_op.drop_column("methods")
        batch_op.drop_column("round")
        batch_op.drop_column("step")
        batch_op.drop_column("why")
        batch_op.drop_column("escalation_id")
        batch_op.drop_column("attempt")
        batch_op.drop_column("lease_until")
        batch_op.drop_column("lease_owner")

    with op.batch_alter_table("incident", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_incident_update_due"))
        batch_op.drop_column("overruled")
        batch_op.drop_column("flaps")
        batch_op.drop_column("flapping_since")
        batch_op.drop_column("resolution")
        batch_op.drop_column("update_due")
        batch_op.drop_column("status")

    with op.batch_alter_table("ack_link", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ack_link_page_id"))

    op.drop_table("ack_link")
    with op.batch_alter_table("picture", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_picture_slack_file"))
        batch_op.drop_index(batch_op.f("ix_picture_incident_id"))
        batch_op.drop_index(batch_op.f("ix_picture_entry_id"))

    op.drop_table("picture")
    op.drop_table("incident_role")
    with op.batch_alter_table("follow_up", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_follow_up_incident_id"))

    op.drop_table("follow_up")
    with op.batch_alter_table("escalation", schema=None) as batch_op:
        batch_op.drop_index("uq_escalation_open", sqlite_where=_OPEN, postgresql_where=_OPEN)
        batch_op.drop_index(batch_op.f("ix_escalation_next_at"))
        batch_op.drop_index(batch_op.f("ix_escalation_incident_id"))

    op.drop_table("escalation")
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.drop_index("ix_alert_expiring")
        batch_op.drop_index("ix_alert_waiting")
        batch_op.drop_index("ix_alert_system_cause")
        batch_op.drop_index(batch_op.f("ix_alert_finding_id"))

    op.drop_table("alert")
    with op.batch_alter_table("hold", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_hold_open",
            sqlite_where=sa.text("released_at IS NULL"),
            postgresql_where=sa.text("released_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_hold_held_by"))
        batch_op.drop_index(batch_op.f("ix_hold_finding_id"))

    op.drop_table("hold")
    with op.batch_alter_table("silence", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_silence_ends_at"))

    op.drop_table("silence")
    with op.batch_alter_table("cover_override", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_cover_override_target"))
        batch_op.drop_index(batch_op.f("ix_cover_override_ends_at"))

    op.drop_table("cover_override")
    with op.batch_alter_table("contact_test", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_contact_test_token_hash"))
        batch_op.drop_index(batch_op.f("ix_contact_test_person"))
        batch_op.drop_index(batch_op.f("ix_contact_test_outcome"))
        batch_op.drop_index(batch_op.f("ix_contact_test_message_key"))
        batch_op.drop_index(batch_op.f("ix_contact_test_external_id"))

    op.drop_table("contact_test")
    op.drop_table("stuck")
    op.drop_table("auditor_turn")
    op.drop_index("ix_outbox_waiting", table_name="outbox", sqlite_where=_WAITS, postgresql_where=_WAITS)
    op.drop_table("slack_group")
    op.drop_table("app_home")
    op.drop_table("slack_workspace")
