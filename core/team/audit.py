"""The append-only history: one row for everything that someone did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, insert

from core.db.prepared import always
from core.db.tables import EVENT
from core.ids import AccountId, ItemId, ProjectId


@dataclass(frozen=True)
class Happening:
    """Something that someone did; `what` is a short verb in the past tense, such as `item-submitted`."""

    what: str
    by: AccountId | None
    project: ProjectId | None = None
    item: ItemId | None = None
    body: dict[str, Any] = field(default_factory=dict)


def record(conn: Connection, happenings: Sequence[Happening], *, now_ms: int) -> None:
    """Append to the history, in the caller's transaction."""
    _RECORD.many(
        conn,
        [
            {
                "at_ms": now_ms,
                "what": h.what,
                "account_id": h.by,
                "project_id": h.project,
                "item_id": h.item,
                "body": h.body,
            }
            for h in happenings
        ],
    )


_RECORD = always(
    insert(EVENT)
    .values({name: bindparam(name) for name in ("at_ms", "what", "account_id", "project_id", "item_id", "body")})
    .inline()
)
