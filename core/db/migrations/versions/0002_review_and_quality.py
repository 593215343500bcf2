"""Review, consensus, gold items, refresh: what is said of an item beyond its answer, and an index of labels."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

BATCH = 5000


def upgrade() -> None:
    """Apply this step."""
    _project_and_labels()
    _item()
    op.create_table(
        "item_label",
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("label_id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_item_label_item_id_item")),
        sa.ForeignKeyConstraint(["label_id"], ["label_class.id"], name=op.f("fk_item_label_label_id_label_class")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_item_label_project_id_project")),
        sa.PrimaryKeyConstraint("project_id", "label_id", "item_id", name=op.f("pk_item_label")),
        sqlite_with_rowid=False,
    )
    submitted = sa.text("state = 1")
    op.create_index(
        "ix_assignment_items",
        "assignment",
        ["account_id", "project_id", "item_id"],
        sqlite_where=submitted,
        postgresql_where=submitted,
    )
    _fill()


def _project_and_labels() -> None:
    op.add_column("project", sa.Column("quality", sa.JSON(), server_default="{}", nullable=False))
    op.add_column("project", sa.Column("refresh_every_s", sa.Integer(), server_default="0", nullable=False))
    op.add_column("project", sa.Column("refreshed_ms", sa.BigInteger(), nullable=True))
    op.add_column("project", sa.Column("refresh_found", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("label_class", sa.Column("merged_id", sa.BigInteger(), nullable=True))


def _item() -> None:
    for column in (
        sa.Column("source", sa.String(length=24), nullable=True),
        sa.Column("reviewed_ms", sa.BigInteger(), nullable=True),
        sa.Column("reviewer_id", sa.BigInteger(), nullable=True),
        sa.Column("defaults", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("gold", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("state_before", sa.SmallInteger(), nullable=True),
    ):
        op.add_column("item", column)
    for name, columns, where in (
        ("ix_item_decided", ["project_id", "decided_ms", "id"], "decided_ms IS NOT NULL"),
        ("ix_item_unreviewed", ["project_id", "id"], "state = 1 AND reviewed_ms IS NULL"),
        ("ix_item_source", ["project_id", "source", "id"], "source <> 'manual'"),
        ("ix_item_gold", ["project_id", "key"], "gold IS NOT NULL"),
    ):
        op.create_index(name, "item", columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def _fill() -> None:
    """The label index, the source of each answer and the queue's counts, for what was labeled before this step."""
    conn = op.get_bind()
    _fill_sources(conn)
    _fill_labels(conn)
    conn.execute(
        sa.text(
            "INSERT INTO tally (project_id, what, account_id, day, code, n) "
            "SELECT project_id, 'queue', 0, 0, kind, count(*) FROM item WHERE state = 0 GROUP BY project_id, kind"
        )
    )


def _fill_sources(conn: Any) -> None:
    conn.execute(
        sa.text(
            "UPDATE item SET source = (SELECT a.source FROM assignment a WHERE a.item_id = item.id AND a.state = 1 "
            "ORDER BY a.submitted_ms DESC LIMIT 1) WHERE state = 1"
        )
    )


def _fill_labels(conn: Any) -> None:
    item = sa.table("item", sa.column("id"), sa.column("project_id"), sa.column("state"), sa.column("answer", sa.JSON()))
    index = sa.table("item_label", sa.column("project_id"), sa.column("label_id"), sa.column("item_id"))
    after = 0
    while rows := conn.execute(
        sa.select(item).where(item.c.state == 1, item.c.id > after).order_by(item.c.id).limit(BATCH)
    ).all():
        found = [
            {"project_id": row.project_id, "label_id": label, "item_id": row.id}
            for row in rows
            for label in {*row.answer["labels"], *(region["label"] for region in row.answer["regions"])}
        ]
        if found:
            conn.execute(sa.insert(index), found)
        after = rows[-1].id
