"""Labels that a model confidently disagrees with, for reviewers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        "doubt",
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("model_id", sa.BigInteger(), nullable=False),
        sa.Column("sure", sa.Float(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("decided_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_doubt_project_id_project")),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_doubt_item_id_item")),
        sa.ForeignKeyConstraint(["model_id"], ["model_run.id"], name=op.f("fk_doubt_model_id_model_run")),
        sa.PrimaryKeyConstraint("project_id", "item_id", name=op.f("pk_doubt")),
    )
