"""Counts kept as things happen, so that a dashboard reads rows and never groups over items."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, func, select

from core.db.prepared import INSERT, Prepared
from core.db.tables import TALLY
from core.ids import AccountId, ItemKind, ItemState, ProjectId

DAY_MS = 86_400_000
NOBODY = AccountId(0)


class What(StrEnum):
    """What is counted; `code` of a row is the item state or the label it is about."""

    ITEM = "item"  # items of a project by state (code: ItemState); day 0; the sum over accounts counts
    QUEUE = "queue"  # items still to do by kind (code: ItemKind); day 0
    DONE = "done"  # items that an account submitted; day 0, as all that a dashboard reads for all time
    DAILY = "daily"  # items that an account submitted on a day
    SKIPPED = "skipped"  # items that an account skipped; day 0
    LABEL = "label"  # current answers with a label (code: LabelId); day 0
    ACTIVE_MS = "active-ms"  # time that an account worked on what it submitted; day 0
    PACE = "pace"  # items that an account submitted, by how long one took (code: see `pace_code`); day 0
    REJECTED = "rejected"  # answers of an account that a reviewer sent back; day 0
    CORRECTED = "corrected"  # answers of an account that a reviewer changed; day 0
    REGION_ACCEPTED = "region-accepted"  # suggested regions left as they were (code: the model's run); day 0
    REGION_CORRECTED = "region-corrected"  # moved or reshaped; likewise
    REGION_REJECTED = "region-rejected"  # taken away; likewise
    REGION_ADDED = "region-added"  # drawn beside them; likewise


class Count(NamedTuple):
    """The place of one count."""

    account: AccountId
    day: int
    what: What
    code: int = 0


def total_done(conn: Connection, project: ProjectId, account: AccountId) -> int:
    """How many answers this account submitted in the project."""
    mine = (TALLY.c.project_id == project, TALLY.c.what == What.DONE.value, TALLY.c.account_id == account)
    return int(conn.execute(select(func.coalesce(func.sum(TALLY.c.n), 0)).where(*mine)).scalar_one())


def day_of(now_ms: int) -> int:
    """Days since the epoch, UTC."""
    return now_ms // DAY_MS


def moved(account: AccountId, kind: ItemKind, before: ItemState, after: ItemState, n: int = 1) -> Counter[Count]:
    """The counts that change when `n` items of a kind go from one state to another."""
    changes = Counter({Count(account, 0, What.ITEM, after): n})
    changes[Count(account, 0, What.ITEM, before)] -= n
    changes.update(_queued(account, kind, n * ((after is ItemState.TODO) - (before is ItemState.TODO))))
    return changes


def arrived(kind: ItemKind, state: ItemState, n: int) -> Counter[Count]:
    """The counts that change when `n` new items come in."""
    queued = n if state is ItemState.TODO else 0
    return Counter({Count(NOBODY, 0, What.ITEM, state): n}) + _queued(NOBODY, kind, queued)


def rekinded(before: ItemKind, after: ItemKind, n: int) -> Counter[Count]:
    """The counts that change when `n` items still to do become of another kind."""
    changes = _queued(NOBODY, after, n)
    changes.update(_queued(NOBODY, before, -n))
    return changes


def _queued(account: AccountId, kind: ItemKind, n: int) -> Counter[Count]:
    return Counter({Count(account, 0, What.QUEUE, kind): n})


def pace_code(active_ms: int) -> int:
    """The bucket of a duration: eighths of powers of two of a ms, so that a median read from counts is within 5 %."""
    return round(8 * math.log2(max(1, active_ms)))


def pace_ms(code: int) -> float:
    """The duration in ms that a bucket stands for."""
    return float(2 ** (code / 8))


def add(conn: Connection, project: ProjectId, changes: Mapping[Count, int]) -> None:
    """Add to counts, in the caller's transaction; rows are taken in one order, so that two writers never deadlock."""
    rows = [
        {"project_id": project, "account_id": c.account, "day": c.day, "what": c.what.value, "code": c.code, "n": n}
        for c, n in sorted(
            changes.items(), key=lambda entry: (entry[0].what, entry[0].account, entry[0].day, entry[0].code)
        )
        if n
    ]
    _ADD.many(conn, rows)


def clear(conn: Connection, project: ProjectId, what: What) -> None:
    """Forget every count of a kind, for counting anew."""
    conn.execute(TALLY.delete().where(TALLY.c.project_id == project, TALLY.c.what == what.value))


def _add_statement(dialect: str) -> Any:
    names = ("project_id", "what", "account_id", "day", "code", "n")
    statement = INSERT[dialect](TALLY).values({name: bindparam(name) for name in names})
    return statement.on_conflict_do_update(
        index_elements=["project_id", "what", "account_id", "day", "code"],
        set_={"n": TALLY.c.n + statement.excluded.n},
    ).inline()


_ADD = Prepared(_add_statement)
