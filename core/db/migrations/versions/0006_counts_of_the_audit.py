"""Indexes from which the figures of ML assist are counted: they were counted over all items, every few seconds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Apply this step."""
    op.drop_index("ix_prediction_judged", table_name="prediction")
    for name, table, columns, where in (
        ("ix_item_audit", "item", ["project_id", "state"], "audit = 1"),
        ("ix_prediction_judged", "prediction", ["model_id", "item_id", "kept"], "kept IS NOT NULL"),
    ):
        op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
