"""The queue's indexes of clusters and of assignees leave out the items that have none: most have none, and each claim wrote both."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Apply this step."""
    for name, columns, where in (
        ("ix_item_open_cluster", ["project_id", "cluster", "key"], "open_slots > 0 AND cluster IS NOT NULL"),
        ("ix_item_open_assignee", ["assignee_id", "key"], "open_slots > 0 AND assignee_id IS NOT NULL"),
    ):
        op.drop_index(name, table_name="item")
        op.create_index(name, "item", columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
