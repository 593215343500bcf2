"""A whole project as rows that mean the same in another database, table by table; `core.transfer.arrival` takes them in there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, LargeBinary, Select, Table, or_, select

from core.db.tables import (
    ACCOUNT,
    ASSIGNMENT,
    EVENT,
    ITEM,
    ITEM_LABEL,
    LABEL_CLASS,
    MEMBERSHIP,
    MODEL_RUN,
    PREDICTION,
    PROJECT,
    TALLY,
)
from core.ids import ProjectId

BATCH = 5000
# In the order in which they can come in: what is referred to before what refers to it.
TABLES: tuple[Table, ...] = (
    ACCOUNT, PROJECT, LABEL_CLASS, MEMBERSHIP, MODEL_RUN, ITEM, ITEM_LABEL, ASSIGNMENT, PREDICTION, EVENT, TALLY,
)  # fmt: skip
BY_NAME = {table.name: table for table in TABLES}
SECRETS = {"account": {"password_hash", "settings"}, "model_run": {"job_id"}}


def columns_of(table: Table) -> list[Column[Any]]:
    """The columns that move: not secrets, not what only this installation knows, not what a model learned."""
    hidden = SECRETS.get(table.name, set())
    return [c for c in table.columns if c.name not in hidden and not isinstance(c.type, LargeBinary)]


def rows(conn: Connection, table: Table, project: ProjectId, after: tuple[Any, ...] | None) -> list[tuple[Any, ...]]:
    """Up to `BATCH` rows of one table after a key, in the order of their keys."""
    keys = list(table.primary_key.columns)
    query: Select[Any] = select(*columns_of(table)).where(of_project(table, project))
    if after is not None:
        query = query.where(later(keys, after))
    return [tuple(row) for row in conn.execute(query.order_by(*keys).limit(BATCH))]


def key_of(table: Table, row: Sequence[Any]) -> tuple[Any, ...]:
    """The primary key of a row as `rows` gives it."""
    names = [column.name for column in columns_of(table)]
    return tuple(row[names.index(column.name)] for column in table.primary_key.columns)


def later(keys: Sequence[Column[Any]], after: Sequence[Any]) -> Any:
    """The keys come after this one; written out, as not every SQLite compares rows by an index."""
    return or_(
        *(
            (keys[n] > after[n]) if not n else _all_equal(keys[:n], after[:n]) & (keys[n] > after[n])
            for n in range(len(keys))
        )
    )


def _all_equal(keys: Sequence[Column[Any]], values: Sequence[Any]) -> Any:
    found = keys[0] == values[0]
    for key, value in zip(keys[1:], values[1:], strict=True):
        found &= key == value
    return found


def of_project(table: Table, project: ProjectId) -> Any:
    """The condition that a row of a table belongs to a project; of accounts, that its history names them."""
    if table is PROJECT:
        return PROJECT.c.id == project
    if table is PREDICTION:
        return PREDICTION.c.model_id.in_(select(MODEL_RUN.c.id).where(MODEL_RUN.c.project_id == project))
    if table is ACCOUNT:
        told = [
            select(source.c[name]).where(source.c.project_id == project)
            for source, name in (
                (MEMBERSHIP, "account_id"), (ASSIGNMENT, "account_id"), (EVENT, "account_id"), (TALLY, "account_id"),
                (ITEM, "assignee_id"), (ITEM, "reviewer_id"),
            )
        ]  # fmt: skip
        member = EVENT.c.what.in_(["member-added", "member-removed"]) & (EVENT.c.project_id == project)
        told.append(select(EVENT.c.body["account"].as_integer()).where(member))
        return or_(*(ACCOUNT.c.id.in_(one) for one in told))
    return table.c.project_id == project


def as_raw(table: Table, given: Sequence[Sequence[Any]]) -> Iterator[Mapping[str, Any]]:
    """Rows with the names of their columns."""
    names = [column.name for column in columns_of(table)]
    return (dict(zip(names, row, strict=True)) for row in given)
