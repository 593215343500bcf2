"""A project's rows on their way into this database, with new ids in the place of the old ones, also inside of stored answers.

People are met by name. Who is not there becomes a disabled account without a way in, so that the history can name them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, Connection, Table, func, insert, select, text
from sqlalchemy.exc import SQLAlchemyError

from core.assist.suggestions import REGION_COUNTS
from core.counts.progress import label_counts, project_progress
from core.counts.tally import What
from core.db.tables import ACCOUNT, ASSIGNMENT, EVENT, ITEM, LABEL_CLASS, MODEL_RUN, PROJECT, TALLY
from core.db.troubles import is_of_database
from core.errors import BadInput
from core.ids import AssignmentState, ItemState, ProjectId, ProjectState, Role
from core.project.projects import refuse_taken_name
from core.transfer.items import annotation_count, item_counts
from core.transfer.moving import columns_of

Raw = dict[str, Any]
NUMBERED = (PROJECT, LABEL_CLASS, MODEL_RUN, ITEM, EVENT)
NEVER_MS = 2**53
"""When leases run out that a project brought along: not before it is whole."""
# References that the schema does not declare.
LOOSE = {
    ("label_class", "merged_id"): "label_class",
    ("item", "reviewer_id"): "account",
    ("item", "model_id"): "model_run",
    ("tally", "account_id"): "account",
}


@dataclass(frozen=True)
class Taken:
    """What taking rows in made: their new ids by the old ones, and people who were not known here, by id."""

    ids: Mapping[int, int]
    strangers: Mapping[int, str]


@dataclass
class Arrival:
    """What has come in so far; `ids` maps the old ids of each table to the new ones, `strangers` are accounts made for it."""

    name: str | None
    datastore: str | None
    now_ms: int
    ids: dict[str, dict[int, int]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    strangers: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for table in (ACCOUNT, *NUMBERED):
            self.ids[table.name] = {}

    @property
    def project(self) -> ProjectId:
        """The project's id here."""
        return ProjectId(next(iter(self.ids["project"].values())))

    def take(self, conn: Connection, table: Table, given: Sequence[Raw], where: str) -> Taken:
        """Write rows of one table, in the order of `TABLES`; `took` notes it once that is committed, as it may be tried again.

        Raises:
            BadInput: a row cannot be.
            DuplicateName: a project has, or once had, the name.
        """
        known = {column.name for column in columns_of(table)}
        for number, row in enumerate(given):
            if not isinstance(row, dict) or not row.keys() <= known:
                raise BadInput(f"{where}, row {number + 1} has columns that this Tagline does not know.")
        try:
            return self._meet(conn, given) if table is ACCOUNT else self._insert(conn, table, given)
        except (SQLAlchemyError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            if is_of_database(error):
                raise
            what = str(getattr(error, "orig", error)).splitlines() or [type(error).__name__]
            raise BadInput(f"{where} holds a row that cannot be ({what[0][:120]}); nothing was restored.") from error

    def took(self, table: Table, count: int, taken: Taken) -> None:
        """So many rows are in."""
        self.counts[table.name] = self.counts.get(table.name, 0) + count
        self.ids.setdefault(table.name, {}).update(taken.ids)
        self.strangers.update(taken.strangers)

    def _meet(self, conn: Connection, given: Sequence[Raw]) -> Taken:
        ids: dict[int, int] = {}
        strangers: dict[int, str] = {}
        for row in given:
            name = str(row["name"])
            found = conn.execute(select(ACCOUNT.c.id).where(ACCOUNT.c.name == name)).scalar_one_or_none()
            if found is None:
                role = Role(row["role"])
                fresh = {
                    "name": name, "role": (Role.LEAD if role is Role.ADMIN else role).value, "settings": {},
                    "created_ms": self.now_ms, "disabled_ms": self.now_ms,
                }  # fmt: skip
                found = conn.execute(insert(ACCOUNT).values(fresh).returning(ACCOUNT.c.id)).scalar_one()
                strangers[int(found)] = name
            ids[int(row["id"])] = int(found)
        return Taken(ids, strangers)

    def _insert(self, conn: Connection, table: Table, given: Sequence[Raw]) -> Taken:
        fresh = [dict(row) for row in given]
        own: dict[int, int] = {}
        if table in NUMBERED:
            old = [int(row["id"]) for row in fresh]
            own = dict(zip(old, _new_ids(conn, table, len(old)), strict=True))
        if table is LABEL_CLASS:
            fresh.sort(key=lambda row: str(row["path"]).count("/"))
        if table is PROJECT:
            for row in fresh:
                refuse_taken_name(conn, self.name or str(row["name"]))
        if moved := [self._moved(table, row, own) for row in fresh]:
            conn.execute(insert(table), moved)
        return Taken(own, {})

    def _moved(self, table: Table, row: Raw, own: Mapping[int, int]) -> Raw:
        """A row with new ids; `own` are those of the rows that come with it."""
        for name, value in row.items():
            column = table.columns[name]
            if table in NUMBERED and name == "id":
                row[name] = own[value]
            elif value is not None and (target := _target(table, column)) is not None:
                row[name] = own[value] if target == table.name and value in own else self._there(target, value, table)
            elif isinstance(value, (dict, list)):
                row[name] = self.relabeled(value)
        return self._special(table, row)

    def _there(self, target: str, old: int, table: Table) -> int:
        if old == 0 and table is TALLY:
            return 0  # counts that belong to nobody
        return self.ids[target][old]

    def _special(self, table: Table, row: Raw) -> Raw:
        if table is PROJECT:
            row["name"] = self.name or row["name"]
            row["datastore"] = self.datastore or row["datastore"]
            row["state"] = ProjectState.DELETED.value  # nobody sees it before it is whole
        elif table is TALLY and row["what"] == What.LABEL:
            row["code"] = self.ids["label_class"][row["code"]]
        elif table is TALLY and row["what"] in REGION_COUNTS.values():
            row["code"] = self.ids["model_run"][row["code"]]
        elif table is ASSIGNMENT and row["state"] == AssignmentState.LEASED:
            row["lease_until_ms"] = NEVER_MS
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

    def check(self, conn: Connection) -> None:
        """See that the counts add up to the items. Raises BadInput."""
        told, found = project_progress(conn, self.project), item_counts(conn, self.project)
        uses = sum(label_counts(conn, self.project).values())
        wrong = (told.todo, told.labeled) != (found.get(ItemState.TODO, 0), found.get(ItemState.LABELED, 0))
        if wrong or uses != annotation_count(conn, self.project):
            raise BadInput("The archive's counts do not add up to its items; nothing was restored.")


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
