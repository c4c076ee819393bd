"""The trail: calls, spans, bodies, roll-ups, tokens of systems."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

from bot.store.tables.base import JSON_TYPE

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


CLASSES = (
    "timeout",
    "rate_limit",
    "overloaded",
    "server",
    "auth",
    "bad_request",
    "model_gone",
    "transport",
    "malformed_body",
    "malformed_output",
    "truncated",
    "filtered",
)


def counts() -> list["sa.Column[Any]"]:
    """The columns that both roll-ups have."""
    return [
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.Column("fallbacks", sa.Integer(), nullable=False),
        sa.Column("unpriced", sa.Integer(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cached_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cost_nano", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in CLASSES),
        sa.Column("latency", sa.LargeBinary(), nullable=True),
    ]


def upgrade() -> None:
    op.create_table(
        "api_token",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("revoked_at", UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
    )
    op.create_table(
        "body_dictionary",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("made_at", UTCDateTime(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_body_dictionary")),
    )
    op.create_table(
        "call",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("day", sa.SmallInteger(), nullable=False),
        sa.Column("trace_id", sa.LargeBinary(), nullable=True),
        sa.Column("span_id", sa.LargeBinary(), nullable=True),
        sa.Column("parent_span_id", sa.LargeBinary(), nullable=True),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("start_us", sa.BigInteger(), nullable=False),
        sa.Column("duration_us", sa.BigInteger(), nullable=True),
        sa.Column("first_token_us", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("error_class", sa.String(), nullable=True),
        sa.Column("error_type", sa.String(), nullable=True),
        sa.Column("error_text", sa.String(), nullable=True),
        sa.Column("http_status", sa.SmallInteger(), nullable=True),
        sa.Column("finish_reason", sa.String(), nullable=True),
        sa.Column("stream", sa.Boolean(), nullable=True),
        sa.Column("retries", sa.SmallInteger(), nullable=True),
        sa.Column("response_id", sa.String(), nullable=True),
        sa.Column("conversation_id", sa.String(), nullable=True),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("user_hash", sa.BigInteger(), nullable=True),
        sa.Column("input_hash", sa.BigInteger(), nullable=True),
        sa.Column("input_tokens", sa.Integer(), nullable=True),
        sa.Column("cached_tokens", sa.Integer(), nullable=True),
        sa.Column("cache_write_tokens", sa.Integer(), nullable=True),
        sa.Column("output_tokens", sa.Integer(), nullable=True),
        sa.Column("reasoning_tokens", sa.Integer(), nullable=True),
        sa.Column("cost_nano", sa.BigInteger(), nullable=True),
        sa.Column("cost_source", sa.String(), nullable=True),
        sa.Column("price_version", sa.String(), nullable=True),
        sa.Column("emitter_cost_nano", sa.BigInteger(), nullable=True),
        sa.Column("group_key", sa.String(), nullable=True),
        sa.Column("attempt_group", sa.BigInteger(), nullable=True),
        sa.Column("attempt", sa.SmallInteger(), nullable=False),
        sa.Column("attempt_hint", sa.SmallInteger(), nullable=True),
        sa.Column("is_final", sa.Boolean(), nullable=False),
        sa.Column("fell_back_from", sa.String(), nullable=True),
        sa.Column("fallback_trigger", sa.String(), nullable=True),
        sa.Column("flags", sa.SmallInteger(), nullable=False),
        sa.Column("redactions", sa.SmallInteger(), nullable=False),
        sa.Column("ranks", sa.BigInteger(), nullable=False),
        sa.Column("received_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call")),
        postgresql_partition_by="RANGE (id)",
    )
    with op.batch_alter_table("call", schema=None) as batch_op:
        batch_op.create_index(
            "ix_call_day_response",
            ["day", "response_id"],
            unique=False,
            sqlite_where=sa.text("response_id IS NOT NULL"),
            postgresql_where=sa.text("response_id IS NOT NULL"),
        )
        batch_op.create_index("ix_call_day_trace", ["day", "trace_id"], unique=False)
        batch_op.create_index(
            "ix_call_external",
            ["external_id"],
            unique=False,
            sqlite_where=sa.text("external_id IS NOT NULL"),
            postgresql_where=sa.text("external_id IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_call_failed",
            ["series_id", "id"],
            unique=False,
            sqlite_where=sa.text("error_class IS NOT NULL"),
            postgresql_where=sa.text("error_class IS NOT NULL"),
        )
        batch_op.create_index("ix_call_series", ["series_id", "id"], unique=False)

    op.create_table(
        "call_body",
        sa.Column("call_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("dictionary_id", sa.Integer(), nullable=True),
        sa.Column("input", sa.LargeBinary(), nullable=True),
        sa.Column("output", sa.LargeBinary(), nullable=True),
        sa.Column("extra", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_call_body")),
        postgresql_partition_by="RANGE (call_id)",
    )
    op.create_table(
        "call_day",
        *counts(),
        sa.PrimaryKeyConstraint("start", "series_id", name=op.f("pk_call_day")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "call_hour",
        *counts(),
        sa.Column("slowest_us", sa.BigInteger(), nullable=False),
        sa.Column("dearest_nano", sa.BigInteger(), nullable=False),
        sa.Column("slowest", sa.LargeBinary(), nullable=True),
        sa.Column("dearest", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("start", "series_id", name=op.f("pk_call_hour")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "call_minute",
        *counts(),
        sa.PrimaryKeyConstraint("start", "series_id", name=op.f("pk_call_minute")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "call_pin",
        sa.Column("call_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", "reason", name=op.f("pk_call_pin")),
    )
    op.create_table(
        "call_series",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("environment", sa.String(), nullable=True),
        sa.Column("release", sa.String(), nullable=True),
        sa.Column("feature", sa.String(), nullable=True),
        sa.Column("route", sa.String(), nullable=True),
        sa.Column("prompt_name", sa.String(), nullable=True),
        sa.Column("prompt_version", sa.String(), nullable=True),
        sa.Column("provider", sa.String(), nullable=True),
        sa.Column("model_asked", sa.String(), nullable=True),
        sa.Column("model_answered", sa.String(), nullable=True),
        sa.Column("operation", sa.String(), nullable=False),
        sa.Column("emitter", sa.String(), nullable=False),
        sa.Column("emitter_version", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_series")),
        sa.UniqueConstraint("digest", name=op.f("uq_call_series_digest")),
    )
    with op.batch_alter_table("call_series", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_call_series_system"), ["system"], unique=False)

    op.create_table(
        "call_source",
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("emitter", sa.String(), nullable=False),
        sa.Column("emitter_version", sa.String(), nullable=False),
        sa.Column("first_us", sa.BigInteger(), nullable=False),
        sa.Column("last_us", sa.BigInteger(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("with_input", sa.BigInteger(), nullable=False),
        sa.Column("with_output", sa.BigInteger(), nullable=False),
        sa.Column("with_usage", sa.BigInteger(), nullable=False),
        sa.Column("with_prompt_version", sa.BigInteger(), nullable=False),
        sa.Column("twins", sa.BigInteger(), nullable=False),
        sa.Column("truncated", sa.BigInteger(), nullable=False),
        sa.Column("unknown_spans", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("system", "emitter", name=op.f("pk_call_source")),
    )
    op.create_table(
        "call_span",
        sa.Column("day", sa.SmallInteger(), nullable=False),
        sa.Column("trace_id", sa.LargeBinary(), nullable=False),
        sa.Column("span_id", sa.LargeBinary(), nullable=False),
        sa.Column("parent_span_id", sa.LargeBinary(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("call_id", sa.BigInteger(), nullable=True),
        sa.Column("start_us", sa.BigInteger(), nullable=False),
        sa.Column("hints", JSON_TYPE, nullable=True),
        sa.PrimaryKeyConstraint("day", "trace_id", "span_id", name=op.f("pk_call_span")),
        postgresql_partition_by="RANGE (day)",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "trail_job",
        sa.Column("lease_owner", sa.String(), nullable=True),
        sa.Column("lease_until", UTCDateTime(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_trail_job")),
    )
    op.create_table(
        "trail_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trail_state")),
    )
    if op.get_bind().dialect.name == "postgresql":
        # On SQLite the words are in FTS5 tables by week, which the writer makes.
        op.execute(
            "CREATE TABLE call_words (call_id bigint NOT NULL, words tsvector NOT NULL) PARTITION BY RANGE (call_id)"
        )
        op.execute("CREATE UNIQUE INDEX ix_call_words_call_id ON call_words (call_id)")
        op.execute(
            "CREATE INDEX ix_call_words_words ON call_words USING gin (words)"
            # New words wait in a list, which retention puts in order every minute: a commit need not.
            " WITH (gin_pending_list_limit = 16384)"
        )


def downgrade() -> None:
    op.execute("DROP TABLE IF EXISTS call_words")
    op.drop_table("trail_state")
    op.drop_table("trail_job")
    op.drop_table("call_span")
    op.drop_table("call_source")
    with op.batch_alter_table("call_series", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_call_series_system"))

    op.drop_table("call_series")
    op.drop_table("call_pin")
    op.drop_table("call_minute")
    op.drop_table("call_hour")
    op.drop_table("call_day")
    op.drop_table("call_body")
    with op.batch_alter_table("call", schema=None) as batch_op:
        batch_op.drop_index("ix_call_series")
        batch_op.drop_index(
            "ix_call_failed",
            sqlite_where=sa.text("error_class IS NOT NULL"),
            postgresql_where=sa.text("error_class IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_call_external",
            sqlite_where=sa.text("external_id IS NOT NULL"),
            postgresql_where=sa.text("external_id IS NOT NULL"),
        )
        batch_op.drop_index("ix_call_day_trace")
        batch_op.drop_index(
            "ix_call_day_response",
            sqlite_where=sa.text("response_id IS NOT NULL"),
            postgresql_where=sa.text("response_id IS NOT NULL"),
        )

    op.drop_table("call")
    op.drop_table("body_dictionary")
    op.drop_table("api_token")
