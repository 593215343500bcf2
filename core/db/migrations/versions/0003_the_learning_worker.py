"""The learning worker: jobs that say what they need, models that keep what they learned, suggestions that are judged."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

UNFINISHED = "state IN ('queued','running')"


def upgrade() -> None:
    """Apply this step."""
    for table, column in (
        ("item", sa.Column("audit", sa.SmallInteger(), server_default="0", nullable=False)),
        ("item", sa.Column("model_id", sa.BigInteger(), nullable=True)),
        ("model_run", sa.Column("job_id", sa.BigInteger(), nullable=True)),
        ("model_run", sa.Column("labels", sa.Integer(), server_default="0", nullable=False)),
        ("model_run", sa.Column("weights", sa.LargeBinary(), nullable=True)),
        ("prediction", sa.Column("kept", sa.Float(), nullable=True)),
        ("job", sa.Column("project_id", sa.BigInteger(), nullable=True)),
        ("job", sa.Column("needs", sa.String(length=24), server_default="", nullable=False)),
        ("job", sa.Column("worker", sa.String(length=80), server_default="", nullable=False)),
        ("job", sa.Column("ended_ms", sa.BigInteger(), nullable=True)),
    ):
        op.add_column(table, column)
    for name, table, columns, where in (
        ("ix_item_open_audit", "item", ["project_id", "key"], "open_slots > 0 AND audit = 1"),
        ("ix_prediction_judged", "prediction", ["model_id"], "kept IS NOT NULL"),
        ("ix_job_unfinished", "job", ["id"], UNFINISHED),
    ):
        op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
    op.create_index("ix_job_project", "job", ["project_id", "id"])
    op.create_table(
        "worker",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("seen_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_worker")),
    )
