"""Counts kept as things happen, so that a dashboard reads rows and never groups over items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from core.ids import AccountId, ProjectId
from core.tables import TALLY

DAY_MS = 86_400_000
NOBODY = AccountId(0)


class What(StrEnum):
    """What is counted; `code` of a row is the item state or the label it is about."""

    ITEM = "item"  # items of a project by state (code: ItemState); day 0; the sum over accounts counts
    DONE = "done"  # items that an account submitted on a day
    SKIPPED = "skipped"  # items that an account skipped on a day
    LABEL = "label"  # answers with a label (code: LabelId)
    ACTIVE_MS = "active-ms"  # time that an account worked on what it submitted


@dataclass(frozen=True)
class Count:
    """The place of one count."""

    account: AccountId
    day: int
    what: What
    code: int = 0


def day_of(now_ms: int) -> int:
    """Days since the epoch, UTC."""
    return now_ms // DAY_MS


def add(conn: Connection, project: ProjectId, changes: Mapping[Count, int]) -> None:
    """Add to counts, in the caller's transaction; rows are taken in one order, so that two writers never deadlock."""
    rows = [
        {"project_id": project, "account_id": c.account, "day": c.day, "what": c.what.value, "code": c.code, "n": n}
        for c, n in sorted(
            changes.items(), key=lambda entry: (entry[0].what, entry[0].account, entry[0].day, entry[0].code)
        )
        if n
    ]
    if rows:
        conn.execute(_UPSERT[conn.dialect.name], rows)


def _upsert(insert: type[postgresql.Insert] | type[sqlite.Insert]) -> postgresql.Insert | sqlite.Insert:
    statement = insert(TALLY)
    return statement.on_conflict_do_update(
        index_elements=["project_id", "what", "account_id", "day", "code"],
        set_={"n": TALLY.c.n + statement.excluded.n},
    )


_UPSERT = {"sqlite": _upsert(sqlite.Insert), "postgresql": _upsert(postgresql.Insert)}
