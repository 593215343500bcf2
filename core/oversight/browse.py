"""The data page's reads: items by filter, a page at a time, in constant time at half a million items.

A page never looks at more than so many rows (see `core.oversight.walking`); one that is short of items for that says so, and goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from core.annotation import Answer
from core.assist import doubts
from core.assist.doubts import Doubt
from core.db.database import Database
from core.db.tables import ACCOUNT, ASSIGNMENT, IS_SUBMITTED, ITEM, PREDICTION
from core.errors import BadInput, NotFound
from core.ids import ItemId, ItemKind, ItemState, ProjectId, Source
from core.oversight.walking import COLUMNS, Filter, Place, place_of, walk
from core.roles import Action
from core.team.access import require_in
from core.team.people import Account

__all__ = ["MOST", "Browsed", "Filter", "Page", "Place", "browse", "full_page", "item_by_path"]

MOST = 500
VISIT, FIRST_VISIT = 6_000, 1_000


@dataclass(frozen=True)
class Browsed:
    """One item as the data page shows it.

    Attributes:
        stamp_ms: tells a reviewer's action which answer was seen.
        score: how sure the model is, or was, of the suggestion that the item carries, 0 to 1.
        doubt: what a model says instead of the answer, which no reviewer has looked at since.
    """

    item: ItemId
    path: str
    etag: str
    size_wh: tuple[int, int]
    frames: int
    state: ItemState
    kind: ItemKind
    answer: Answer
    source: Source | None
    stamp_ms: int
    reviewed: bool
    reason: str
    labelers: tuple[str, ...] = ()
    is_gold: bool = False
    score: float | None = None
    doubt: Doubt | None = None


@dataclass(frozen=True)
class Page:
    """Items in order; `first` and `last` are their places, for the page before and the page after.

    Attributes:
        more: True where it is short only because so many rows were looked at: there may be more beyond `last`, or, of a
            page that was walked to backwards, before `first`.
    """

    items: tuple[Browsed, ...]
    first: Place | None = None
    last: Place | None = None
    more: bool = False


def browse(
    conn: Connection,
    by: Account,
    project: ProjectId,
    wanted: Filter,
    *,
    limit: int,
    after: Place | None = None,
    before: Place | None = None,
    from_end: bool = False,
    visit: int = VISIT,
) -> Page:
    """A page of items: the first, the one after or before a place, or the last one; of at most `visit` rows looked at.

    Raises:
        Forbidden: labelers do not browse.
        BadInput: a page of no size, or over 500.
    """
    require_in(conn, project, by, Action.REVIEW)
    if not 1 <= limit <= MOST:
        raise BadInput(f"A page of the data has 1 to {MOST} items, not {limit}.")
    backwards = before is not None or from_end
    rows, end = walk(conn, project, wanted, before if backwards else after, limit, visit, backwards=backwards)
    rows = rows[::-1] if backwards else rows
    found = _all_browsed(conn, rows)
    first, last = (place_of(wanted, rows[0]), place_of(wanted, rows[-1])) if rows else (None, None)
    if end is not None and backwards:
        return Page(found, end, last, more=True)
    return Page(found, first, end or last, more=end is not None)


async def full_page(
    db: Database,
    by: Account,
    project: ProjectId,
    wanted: Filter,
    *,
    limit: int,
    after: Place | None = None,
    before: Place | None = None,
    from_end: bool = False,
) -> Page:
    """A page as `browse` gives it, but looked for until it is full or there is no more: in short reads, one after the other."""
    backwards = before is not None or from_end
    where = {"after": after, "before": before, "from_end": from_end}
    page = await db.read(browse, by, project, wanted, limit=limit, visit=FIRST_VISIT, **where)  # type: ignore[arg-type]
    while page.more:
        left = limit - len(page.items)
        if backwards:
            other = await db.read(browse, by, project, wanted, limit=left, before=page.first)
            page = Page(other.items + page.items, other.first or page.first, page.last or other.last, other.more)
        else:
            other = await db.read(browse, by, project, wanted, limit=left, after=page.last)
            page = Page(page.items + other.items, page.first or other.first, other.last or page.last, other.more)
    return page if page.items else Page(())


def _all_browsed(conn: Connection, rows: Sequence[Row[Any]]) -> tuple[Browsed, ...]:
    names = _labelers(conn, [row.id for row in rows])
    scores = _scores(conn, rows)
    found = doubts.of_items(conn, [row.id for row in rows])
    return tuple(
        _browsed(
            row, names.get(row.id, ()), scores.get((row.id, row.model_id)), found.get((row.id, row.decided_ms or 0))
        )
        for row in rows
    )


def _scores(conn: Connection, rows: Sequence[Row[Any]]) -> dict[tuple[int, int], float]:
    """How sure models were of the suggestions that these items carry, by item and model."""
    suggested = [row.id for row in rows if row.model_id is not None]
    if not suggested:
        return {}
    query = select(PREDICTION.c.item_id, PREDICTION.c.model_id, PREDICTION.c.score)
    found = conn.execute(query.where(PREDICTION.c.item_id.in_(suggested)))
    return {(row.item_id, row.model_id): row.score for row in found}


def _labelers(conn: Connection, items: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """Who submitted each of these items."""
    rows = conn.execute(
        select(ASSIGNMENT.c.item_id, ACCOUNT.c.name)
        .join(ACCOUNT, ACCOUNT.c.id == ASSIGNMENT.c.account_id)
        .where(ASSIGNMENT.c.item_id.in_(items), IS_SUBMITTED)
        .order_by(ASSIGNMENT.c.item_id, ACCOUNT.c.name)
    )
    found: dict[int, tuple[str, ...]] = {}
    for row in rows:
        found[row.item_id] = (*found.get(row.item_id, ()), row.name)
    return found


def _browsed(row: Row[Any], labelers: tuple[str, ...], score: float | None, doubt: Doubt | None) -> Browsed:
    return Browsed(
        item=ItemId(row.id), path=row.path, etag=row.etag, size_wh=(row.width, row.height), frames=row.frames,
        state=ItemState(row.state), kind=ItemKind(row.kind),
        answer=Answer.from_json(row.answer) if row.answer else Answer(),
        source=Source(row.source) if row.source else None, stamp_ms=row.decided_ms or 0,
        reviewed=row.reviewed_ms is not None, reason=row.reason or "", labelers=labelers, is_gold=row.gold is not None,
        score=score, doubt=None if row.reviewed_ms is not None else doubt,
    )  # fmt: skip


def item_by_path(conn: Connection, by: Account, project: ProjectId, path: str) -> Browsed:
    """The item of that path. Raises NotFound, Forbidden."""
    require_in(conn, project, by, Action.REVIEW)
    query: Select[Any] = select(*COLUMNS).where(ITEM.c.project_id == project, ITEM.c.path == path)
    row = conn.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"This project has no item {path!r}.")
    return _all_browsed(conn, [row])[0]
