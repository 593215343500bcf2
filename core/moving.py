"""A whole project as rows that mean the same in another database: out by table, and in with new ids.

Everything that refers to something refers to it by the old id; what comes in gets new ids, also inside of stored answers.
People are met by name. Who is not there becomes a disabled account without a way in, so that the history can name them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, Connection, LargeBinary, Select, Table, func, insert, or_, select, text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from core import audit
from core.audit import Happening
from core.errors import BadInput
from core.ids import AssignmentState, ItemState, ProjectId, ProjectState, Role
from core.items import annotation_count, item_counts
from core.progress import label_counts, project_progress
from core.projects import refuse_taken_name
from core.suggestions import REGION_COUNTS
from core.tables import (
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
from core.tally import What

BATCH = 5000
Raw = dict[str, Any]
# In the order in which they can come in: what is referred to before what refers to it.
TABLES: tuple[Table, ...] = (
    ACCOUNT, PROJECT, LABEL_CLASS, MEMBERSHIP, MODEL_RUN, ITEM, ITEM_LABEL, ASSIGNMENT, PREDICTION, EVENT, TALLY,
)  # fmt: skip
BY_NAME = {table.name: table for table in TABLES}
NUMBERED = (PROJECT, LABEL_CLASS, MODEL_RUN, ITEM, EVENT)
SECRETS = {"account": {"password_hash", "settings"}, "model_run": {"job_id"}}
# References that the schema does not declare.
LOOSE = {
    ("label_class", "merged_id"): "label_class",
    ("item", "reviewer_id"): "account",
    ("item", "model_id"): "model_run",
    ("tally", "account_id"): "account",
}


def columns_of(table: Table) -> list[Column[Any]]:
    """The columns that move: not secrets, not what only this installation knows, not what a model learned."""
    hidden = SECRETS.get(table.name, set())
    return [c for c in table.columns if c.name not in hidden and not isinstance(c.type, LargeBinary)]


def rows(conn: Connection, table: Table, project: ProjectId, after: tuple[Any, ...] | None) -> list[tuple[Any, ...]]:
    """Up to `BATCH` rows of one table after a key, in the order of their keys."""
    keys = list(table.primary_key.columns)
    query: Select[Any] = select(*columns_of(table)).where(_mine(table, project))
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


def _mine(table: Table, project: ProjectId) -> Any:
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


@dataclass
class Arrival:
    """A project on its way into this database; `ids` maps the old ids of each table to the new ones."""

    conn: Connection
    name: str | None
    datastore: str | None
    now_ms: int
    ids: dict[str, dict[int, int]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    strangers: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for table in (ACCOUNT, *NUMBERED):
            self.ids[table.name] = {}

    def take(self, table: Table, given: Sequence[Raw], where: str) -> None:
        """Take rows of one table in, in the order of `TABLES`. Raises BadInput where a row cannot be."""
        known = {column.name for column in columns_of(table)}
        for number, row in enumerate(given):
            if not isinstance(row, dict) or not row.keys() <= known:
                raise BadInput(f"{where}, row {number + 1} has columns that this Tagline does not know.")
        self.counts[table.name] = self.counts.get(table.name, 0) + len(given)
        try:
            if table is ACCOUNT:
                self._meet(given)
            else:
                self._insert(table, given)
        except (IntegrityError, SQLAlchemyError, KeyError, TypeError, ValueError) as error:
            what = str(getattr(error, "orig", error)).splitlines() or [type(error).__name__]
            raise BadInput(f"{where} holds a row that cannot be ({what[0][:120]}); nothing was restored.") from error

    def _meet(self, given: Sequence[Raw]) -> None:
        for row in given:
            name = str(row["name"])
            found = self.conn.execute(select(ACCOUNT.c.id).where(ACCOUNT.c.name == name)).scalar_one_or_none()
            if found is None:
                role = Role(row["role"])
                fresh = {
                    "name": name, "role": (Role.LEAD if role is Role.ADMIN else role).value, "settings": {},
                    "created_ms": self.now_ms, "disabled_ms": self.now_ms,
                }  # fmt: skip
                found = self.conn.execute(insert(ACCOUNT).values(fresh).returning(ACCOUNT.c.id)).scalar_one()
                self.strangers.append(name)
            self.ids["account"][int(row["id"])] = int(found)

    def _insert(self, table: Table, given: Sequence[Raw]) -> None:
        fresh = [dict(row) for row in given]
        if table in NUMBERED:
            old = [int(row["id"]) for row in fresh]
            new = _new_ids(self.conn, table, len(old))
            self.ids[table.name].update(zip(old, new, strict=True))
        if table is LABEL_CLASS:
            fresh.sort(key=lambda row: str(row["path"]).count("/"))
        moved = [self._moved(table, row) for row in fresh]
        if moved:
            self.conn.execute(insert(table), moved)

    def _moved(self, table: Table, row: Raw) -> Raw:
        for name, value in row.items():
            column = table.columns[name]
            if table in NUMBERED and name == "id":
                row[name] = self.ids[table.name][value]
            elif value is not None and (target := _target(table, column)) is not None:
                row[name] = self._there(target, value, table)
            elif isinstance(value, (dict, list)):
                row[name] = self.relabeled(value)
        return self._special(table, row)

    def _there(self, target: str, old: int, table: Table) -> int:
        if old == 0 and table is TALLY:
            return 0  # counts that belong to nobody
        return self.ids[target][old]

    def _special(self, table: Table, row: Raw) -> Raw:
        if table is PROJECT:
            refuse_taken_name(self.conn, self.name or str(row["name"]))
            row["name"] = self.name or row["name"]
            row["datastore"] = self.datastore or row["datastore"]
            row["state"] = ProjectState.PAUSED.value
        elif table is TALLY and row["what"] == What.LABEL:
            row["code"] = self.ids["label_class"][row["code"]]
        elif table is TALLY and row["what"] in REGION_COUNTS.values():
            row["code"] = self.ids["model_run"][row["code"]]
        elif table is ASSIGNMENT and row["state"] == AssignmentState.LEASED:
            row["lease_until_ms"] = 0  # it ran out on the way: the janitor gives it back, with the draft kept
        elif table is EVENT and isinstance(account := row["body"].get("account"), int):
            row["body"] = row["body"] | {"account": self.ids["account"][account]}
        return row

    def relabeled(self, value: Any) -> Any:
        """A stored value with the labels of the answers in it by their new ids."""
        if isinstance(value, list):
            return [self.relabeled(one) for one in value]
        if not isinstance(value, dict):
            return value
        labels = self.ids["label_class"]
        if isinstance(value.get("labels"), list) and isinstance(value.get("regions"), list):
            regions = [one | {"label": labels[one["label"]]} for one in value["regions"]]
            return value | {"labels": [labels[one] for one in value["labels"]], "regions": regions}
        return {key: self.relabeled(one) for key, one in value.items()}

    def finish(self) -> ProjectId:
        """See that everything adds up, and say in the history that the project came. Raises BadInput."""
        project = ProjectId(next(iter(self.ids["project"].values())))
        told, found = project_progress(self.conn, project), item_counts(self.conn, project)
        uses = sum(label_counts(self.conn, project).values())
        wrong = (told.todo, told.labeled) != (found.get(ItemState.TODO, 0), found.get(ItemState.LABELED, 0))
        if wrong or uses != annotation_count(self.conn, project):
            raise BadInput("The archive's counts do not add up to its items; nothing was restored.")
        body = {"rows": self.counts, "strangers": self.strangers}
        audit.record(self.conn, [Happening("project-restored", None, project, body=body)], now_ms=self.now_ms)
        return project


def _target(table: Table, column: Column[Any]) -> str | None:
    for key in column.foreign_keys:
        return key.column.table.name
    return LOOSE.get((table.name, column.name))


def _new_ids(conn: Connection, table: Table, count: int) -> list[int]:
    """Ids that nothing has, in ascending order."""
    if not count:
        return []
    if conn.dialect.name == "postgresql":
        sequence = text("SELECT nextval(pg_get_serial_sequence(:name, 'id')) FROM generate_series(1, :n)")
        return sorted(conn.execute(sequence, {"name": table.name, "n": count}).scalars())
    last = conn.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()
    return list(range(last + 1, last + 1 + count))


def as_raw(table: Table, given: Sequence[Sequence[Any]]) -> Iterator[Mapping[str, Any]]:
    """Rows with the names of their columns."""
    names = [column.name for column in columns_of(table)]
    return (dict(zip(names, row, strict=True)) for row in given)


__all__ = ["BY_NAME", "ITEM_LABEL", "TABLES", "Arrival", "as_raw", "columns_of", "key_of", "later", "rows"]
