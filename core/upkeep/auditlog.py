"""Reading the append-only history of the whole installation: a page at a time, and in a stream for an export."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, or_, select

from core.db.tables import ACCOUNT, EVENT, ITEM, PROJECT
from core.ids import AccountId, ProjectId
from core.roles import Action
from core.team.access import require_anywhere, require_in
from core.team.people import Account
from core.transfer.restoring import arriving

BATCH = 2000


@dataclass(frozen=True)
class Entry:
    """One line of the log; names are empty where nobody, or no project or item, was concerned."""

    id: int
    at_ms: int
    what: str
    by: str
    project: str
    path: str
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Wanted:
    """Which entries; every part that is given must hold."""

    project: ProjectId | None = None
    account: AccountId | None = None
    what: str = ""
    since_ms: int | None = None
    until_ms: int | None = None


def entries(
    conn: Connection, by: Account, wanted: Wanted, *, limit: int, before: int | None = None, after: int | None = None
) -> tuple[Entry, ...]:
    """Up to `limit` entries: the newest first before an id, or the oldest first after one. Raises Forbidden."""
    require_anywhere(conn, by, Action.SEE_AUDIT)
    query = (
        select(EVENT, ACCOUNT.c.name.label("by"), PROJECT.c.name.label("project"), ITEM.c.path)
        .outerjoin(ACCOUNT, ACCOUNT.c.id == EVENT.c.account_id)
        .outerjoin(PROJECT, PROJECT.c.id == EVENT.c.project_id)
        .outerjoin(ITEM, ITEM.c.id == EVENT.c.item_id)
        .order_by(EVENT.c.id if after is not None else EVENT.c.id.desc())
        .limit(limit)
    )
    query = query.where(*_conditions(wanted))
    if coming := arriving(conn):
        query = query.where(or_(EVENT.c.project_id.is_(None), EVENT.c.project_id.not_in(coming)))
    if before is not None:
        query = query.where(EVENT.c.id < before)
    if after is not None:
        query = query.where(EVENT.c.id > after)
    return tuple(
        Entry(r.id, r.at_ms, r.what, r.by or "", r.project or "", r.path or "", r.body) for r in conn.execute(query)
    )


def newest(
    conn: Connection, by: Account, project: ProjectId, what: str, *, allowed: Action, after: int = 0
) -> tuple[int, Mapping[str, Any]]:
    """The id and the facts of the last such happening in a project, for who may cause it; id 0 where none came after one.

    Raises:
        Forbidden: the account may not do it there.
    """
    require_in(conn, project, by, allowed)
    query = select(EVENT.c.id, EVENT.c.body).where(
        EVENT.c.project_id == project, EVENT.c.what == what, EVENT.c.id > after
    )
    row = conn.execute(query.order_by(EVENT.c.id.desc()).limit(1)).one_or_none()
    return (0, {}) if row is None else (row.id, row.body)


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.project is not None:
        found.append(EVENT.c.project_id == wanted.project)
    if wanted.account is not None:
        found.append(EVENT.c.account_id == wanted.account)
    if wanted.what:
        found.append(EVENT.c.what == wanted.what)
    if wanted.since_ms is not None:
        found.append(EVENT.c.at_ms >= wanted.since_ms)
    if wanted.until_ms is not None:
        found.append(EVENT.c.at_ms < wanted.until_ms)
    return found
