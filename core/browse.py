"""The data page's reads: items by filter, a page at a time, in constant time at half a million items.

Pages are found by keyset, never by offset. Each filter has an index that yields items in the page's order: states
(`ix_item_state`, merged), a label (`item_label`), a labeler (`ix_assignment_items`), a source that is not manual, what no
reviewer has seen, or dates (`ix_item_decided`, newest first). What is asked for besides is checked row by row.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, exists, literal, literal_column, select, tuple_

from core.access import require_in
from core.annotation import Answer
from core.errors import BadInput, NotFound
from core.ids import AccountId, ItemId, ItemKind, ItemState, LabelId, ProjectId, Source
from core.people import Account
from core.roles import Action
from core.tables import ACCOUNT, ASSIGNMENT, IS_SUBMITTED, ITEM, ITEM_LABEL

MOST = 500
# Written out, so that the partial indexes are used (see `core.queue`).
_LABELED = ITEM.c.state == literal_column(str(ItemState.LABELED.value))
_UNREVIEWED = and_(_LABELED, ITEM.c.reviewed_ms.is_(None))
_NOT_MANUAL = ITEM.c.source != literal_column("'manual'")
_COLUMNS = (
    ITEM.c.id, ITEM.c.path, ITEM.c.etag, ITEM.c.width, ITEM.c.height, ITEM.c.frames, ITEM.c.state, ITEM.c.kind,
    ITEM.c.answer, ITEM.c.source, ITEM.c.decided_ms, ITEM.c.reviewed_ms, ITEM.c.reason, ITEM.c.assignee_id, ITEM.c.gold,
)  # fmt: skip


class Place(NamedTuple):
    """Where a page begins or ends: the time of decision where pages go by date, else 0, and the item's id."""

    at_ms: int
    item: ItemId


@dataclass(frozen=True)
class Filter:
    """Which items; every part that is given must hold.

    Attributes:
        states: any of these; empty is any state.
        since_ms, until_ms: decided at or after, and before, in epoch ms; with either, pages go from new to old.
        reviewed: True for what a reviewer approved or decided, False for labeled items that none has looked at.
        text: part of the path, in any case.
    """

    states: tuple[ItemState, ...] = ()
    label: LabelId | None = None
    labeler: AccountId | None = None
    source: Source | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    reviewed: bool | None = None
    text: str = ""

    @property
    def by_date(self) -> bool:
        """True where pages go from new to old instead of by id."""
        return self.since_ms is not None or self.until_ms is not None


@dataclass(frozen=True)
class Browsed:
    """One item as the data page shows it; `stamp_ms` tells a reviewer's action which answer was seen."""

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


@dataclass(frozen=True)
class Page:
    """Items in order; `first` and `last` are their places, for the page before and the page after."""

    items: tuple[Browsed, ...]
    first: Place | None = None
    last: Place | None = None


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
) -> Page:
    """A page of items: the first, the one after or before a place, or the last one.

    Raises:
        Forbidden: labelers do not browse.
        BadInput: a page of no size, or over 500.
    """
    require_in(conn, project, by, Action.REVIEW)
    if not 1 <= limit <= MOST:
        raise BadInput(f"A page of the data has 1 to {MOST} items, not {limit}.")
    backwards = before is not None or from_end
    rows = _rows(conn, project, wanted, limit, before if backwards else after, backwards=backwards)
    if backwards:
        rows = rows[::-1]
    if not rows:
        return Page(())
    names = _labelers(conn, [row.id for row in rows])
    found = tuple(_browsed(row, names.get(row.id, ())) for row in rows)
    return Page(found, _place(wanted, rows[0]), _place(wanted, rows[-1]))


def _place(wanted: Filter, row: Row[Any]) -> Place:
    return Place(row.decided_ms if wanted.by_date else 0, ItemId(row.id))


def _rows(
    conn: Connection, project: ProjectId, wanted: Filter, limit: int, start: Place | None, *, backwards: bool
) -> list[Row[Any]]:
    """Up to `limit` rows from a place on, in the order of walking."""
    queries = [_bounded(query, wanted, start, limit, backwards) for query in _drivers(project, wanted)]
    found = [conn.execute(query).all() for query in queries]
    newest_first = wanted.by_date != backwards
    ordered = heapq.merge(*found, key=lambda row: tuple(_place(wanted, row)), reverse=newest_first)
    return list(islice(ordered, limit))


def _drivers(project: ProjectId, wanted: Filter) -> list[Select[Any]]:
    """The queries whose merged rows are what is wanted, each walking one index."""
    base = select(*_COLUMNS).where(*_conditions(project, wanted))
    driver = _driver(wanted)
    if driver == "label":
        return [base.join(ITEM_LABEL, ITEM_LABEL.c.item_id == ITEM.c.id).where(*_has_label(project, wanted))]
    if driver == "labeler":
        return [base.join(ASSIGNMENT, ASSIGNMENT.c.item_id == ITEM.c.id).where(*_is_by(project, wanted))]
    if driver == "state":
        states = wanted.states or tuple(ItemState)
        return [base.where(ITEM.c.state == literal_column(str(state.value))) for state in states]
    return [base]


def _driver(wanted: Filter) -> str:
    """Whose index is walked."""
    if wanted.by_date:
        return "date"
    if wanted.label is not None:
        return "label"
    if wanted.labeler is not None:
        return "labeler"
    if wanted.reviewed is False or (wanted.source is not None and wanted.source is not Source.MANUAL):
        return "partial index"
    return "state"


def _has_label(project: ProjectId, wanted: Filter) -> tuple[ColumnElement[bool], ...]:
    return (ITEM_LABEL.c.project_id == project, ITEM_LABEL.c.label_id == wanted.label)


def _is_by(project: ProjectId, wanted: Filter) -> tuple[ColumnElement[bool], ...]:
    return (ASSIGNMENT.c.account_id == wanted.labeler, ASSIGNMENT.c.project_id == project, IS_SUBMITTED)


def _conditions(project: ProjectId, wanted: Filter) -> list[ColumnElement[bool]]:
    """Everything that is asked for beside the driver, in the words of the indexes."""
    found: list[ColumnElement[bool]] = [ITEM.c.project_id == project]
    driver = _driver(wanted)
    if wanted.states and driver != "state":
        found.append(ITEM.c.state.in_([state.value for state in wanted.states]))
    if wanted.label is not None and driver != "label":
        found.append(exists().where(ITEM_LABEL.c.item_id == ITEM.c.id, *_has_label(project, wanted)))
    if wanted.labeler is not None and driver != "labeler":
        found.append(exists().where(ASSIGNMENT.c.item_id == ITEM.c.id, *_is_by(project, wanted)))
    if wanted.source is not None:
        found.append(ITEM.c.source == wanted.source.value)
        if wanted.source is not Source.MANUAL:
            found.append(_NOT_MANUAL)
    if wanted.reviewed is not None:
        found.append(ITEM.c.reviewed_ms.is_not(None) if wanted.reviewed else _UNREVIEWED)
    if wanted.text:
        found.append(ITEM.c.path.icontains(wanted.text, autoescape=True))
    return [*found, *_dates(wanted)]


def _dates(wanted: Filter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [ITEM.c.decided_ms.is_not(None)] if wanted.by_date else []
    if wanted.since_ms is not None:
        found.append(ITEM.c.decided_ms >= wanted.since_ms)
    if wanted.until_ms is not None:
        found.append(ITEM.c.decided_ms < wanted.until_ms)
    return found


def _bounded(query: Select[Any], wanted: Filter, start: Place | None, limit: int, backwards: bool) -> Select[Any]:
    """The part of a query that lies beyond the place, in the order of walking."""
    id_ = _id_column(wanted)
    down = wanted.by_date != backwards
    if wanted.by_date:
        here = tuple_(ITEM.c.decided_ms, id_)
        there = None if start is None else tuple_(literal(start.at_ms), literal(start.item))
        order = [ITEM.c.decided_ms.desc(), id_.desc()] if down else [ITEM.c.decided_ms, id_]
        bound = None if there is None else (here < there if down else here > there)
    else:
        order = [id_.desc() if down else id_]
        bound = None if start is None else (id_ < start.item if down else id_ > start.item)
    return (query if bound is None else query.where(bound)).order_by(*order).limit(limit)


def _id_column(wanted: Filter) -> ColumnElement[int]:
    driver = _driver(wanted)
    if driver == "label":
        return ITEM_LABEL.c.item_id
    return ASSIGNMENT.c.item_id if driver == "labeler" else ITEM.c.id


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


def _browsed(row: Row[Any], labelers: tuple[str, ...] = ()) -> Browsed:
    return Browsed(
        item=ItemId(row.id), path=row.path, etag=row.etag, size_wh=(row.width, row.height), frames=row.frames,
        state=ItemState(row.state), kind=ItemKind(row.kind),
        answer=Answer.from_json(row.answer) if row.answer else Answer(),
        source=Source(row.source) if row.source else None, stamp_ms=row.decided_ms or 0,
        reviewed=row.reviewed_ms is not None, reason=row.reason or "", labelers=labelers, is_gold=row.gold is not None,
    )  # fmt: skip


def item_by_path(conn: Connection, by: Account, project: ProjectId, path: str) -> Browsed:
    """The item of that path. Raises NotFound, Forbidden."""
    require_in(conn, project, by, Action.REVIEW)
    query: Select[Any] = select(*_COLUMNS).where(ITEM.c.project_id == project, ITEM.c.path == path)
    row = conn.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"This project has no item {path!r}.")
    return _browsed(row, _labelers(conn, [row.id]).get(row.id, ()))
