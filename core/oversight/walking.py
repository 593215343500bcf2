"""How the data page finds its rows: along one index, by keyset, and never past so many rows at a time.

Each filter has an index that yields items in the page's order: states (`ix_item_state`, merged), a label (`item_label`), a
labeler (`ix_assignment_items`), a source that is not manual, what no reviewer has seen, or dates (`ix_item_decided`, newest
first). What is asked for besides is checked row by row, on a stretch of at most `visit` rows of that index.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    Table,
    and_,
    exists,
    literal,
    literal_column,
    select,
    tuple_,
)

from core.db.tables import ASSIGNMENT, DOUBT, IS_SUBMITTED, ITEM, ITEM_LABEL, PREDICTION
from core.ids import AccountId, ItemId, ItemState, LabelId, ProjectId, Source

# Written out, so that the partial indexes are used (see `core.labeling.queue`).
_UNREVIEWED = and_(ITEM.c.state == literal_column(str(ItemState.LABELED.value)), ITEM.c.reviewed_ms.is_(None))
_NOT_MANUAL = ITEM.c.source != literal_column("'manual'")
COLUMNS = (
    ITEM.c.id, ITEM.c.path, ITEM.c.etag, ITEM.c.width, ITEM.c.height, ITEM.c.frames, ITEM.c.state, ITEM.c.kind,
    ITEM.c.answer, ITEM.c.source, ITEM.c.decided_ms, ITEM.c.reviewed_ms, ITEM.c.reason, ITEM.c.assignee_id, ITEM.c.gold,
    ITEM.c.model_id,
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
        score_from, score_until: a model suggested an answer with a score, 0 to 1, of at least, and of under this.
        doubted: True for answers that a model confidently disagrees with and that no reviewer has looked at.
        text: part of the path, in any case.
    """

    states: tuple[ItemState, ...] = ()
    label: LabelId | None = None
    labeler: AccountId | None = None
    source: Source | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    reviewed: bool | None = None
    score_from: float | None = None
    score_until: float | None = None
    doubted: bool = False
    text: str = ""

    @property
    def by_date(self) -> bool:
        """True where pages go from new to old instead of by id."""
        return self.since_ms is not None or self.until_ms is not None

    @property
    def by_score(self) -> bool:
        """True where only items with a suggestion are wanted."""
        return self.score_from is not None or self.score_until is not None


def place_of(wanted: Filter, row: Any) -> Place:
    """Where a row lies in the order of the pages."""
    return Place(row.decided_ms if wanted.by_date else 0, ItemId(row.id))


@dataclass(frozen=True)
class Stretch:
    """One index from a place on: the table that it is of, what holds in all of it, and which way it is walked."""

    wanted: Filter
    index: Table
    holds: tuple[ColumnElement[bool], ...]
    start: Place | None
    down: bool

    @property
    def _order(self) -> tuple[ColumnElement[Any], ...]:
        id_ = ITEM.c.id if self.index is ITEM else self.index.c.item_id
        return (ITEM.c.decided_ms, id_) if self.wanted.by_date else (id_,)

    def select(self, *columns: ColumnElement[Any]) -> Select[Any]:
        """These columns of its rows, in the order of walking."""
        query = select(*columns).where(*self.holds)
        if self.start is not None:
            here = tuple_(*self._order)
            there = tuple_(*(literal(part) for part in (self.start if self.wanted.by_date else self.start[1:])))
            query = query.where(here < there if self.down else here > there)
        return query.order_by(*(column.desc() if self.down else column for column in self._order))

    def rows(self) -> Select[Any]:
        """Its items."""
        query = self.select(*COLUMNS)
        return query if self.index is ITEM else query.join_from(self.index, ITEM, ITEM.c.id == self.index.c.item_id)

    def place_after(self, conn: Connection, visit: int) -> Place | None:
        """The place of the last of so many rows; None where there are fewer."""
        row = conn.execute(self.select(*self._order).offset(visit - 1).limit(1)).first()
        if row is None:
            return None
        return Place(row[0], ItemId(row[1])) if self.wanted.by_date else Place(0, ItemId(row[0]))


def walk(
    conn: Connection,
    project: ProjectId,
    wanted: Filter,
    start: Place | None,
    limit: int,
    visit: int,
    *,
    backwards: bool,
) -> tuple[list[Row[Any]], Place | None]:
    """Up to `limit` rows from a place on, in the order of walking; and where the walk broke off, None if it did not."""
    down = wanted.by_date != backwards
    found: list[Sequence[Row[Any]]] = []
    ends: list[Place] = []
    for index, holds in _indexes(project, wanted):
        rows, end = _visited(conn, project, Stretch(wanted, index, holds, start, down), limit, visit)
        found.append(rows)
        if end is not None:
            ends.append(end)
    ordered = heapq.merge(*found, key=lambda row: tuple(place_of(wanted, row)), reverse=down)
    if not ends:
        return list(islice(ordered, limit)), None
    end = max(ends) if down else min(ends)
    kept = [row for row in ordered if (place_of(wanted, row) >= end if down else place_of(wanted, row) <= end)]
    return kept[:limit], (end if len(kept) < limit else None)


def _visited(
    conn: Connection, project: ProjectId, stretch: Stretch, limit: int, visit: int
) -> tuple[Sequence[Row[Any]], Place | None]:
    """What is wanted among the first rows of a stretch; and the last place looked at, if there is more beyond."""
    wanted = stretch.wanted
    if not _rest(project, wanted, ITEM):
        return conn.execute(stretch.rows().limit(limit)).all(), None
    near = stretch.rows().limit(visit).subquery("near")
    order = [near.c.decided_ms, near.c.id] if wanted.by_date else [near.c.id]
    query = select(near).where(*_rest(project, wanted, near))
    rows = conn.execute(query.order_by(*(c.desc() if stretch.down else c for c in order)).limit(limit)).all()
    return rows, None if len(rows) == limit else stretch.place_after(conn, visit)


def _driver(wanted: Filter) -> str:
    """Whose index is walked."""
    if wanted.by_date:
        return "date"
    if wanted.doubted:
        return "doubt"
    if wanted.label is not None:
        return "label"
    if wanted.labeler is not None:
        return "labeler"
    if wanted.reviewed is False:
        return "unreviewed"
    return "source" if wanted.source is not None and wanted.source is not Source.MANUAL else "state"


def _indexes(project: ProjectId, wanted: Filter) -> list[tuple[Table, tuple[ColumnElement[bool], ...]]]:
    """The indexes whose merged rows hold what is wanted: the table of each, and which part of it."""
    driver, here = _driver(wanted), ITEM.c.project_id == project
    if driver == "date":
        return [(ITEM, (here, *_dates(wanted)))]
    if driver == "doubt":
        return [(DOUBT, (DOUBT.c.project_id == project,))]
    if driver == "label":
        return [(ITEM_LABEL, _has_label(project, wanted))]
    if driver == "labeler":
        theirs = (ASSIGNMENT.c.account_id == wanted.labeler, ASSIGNMENT.c.project_id == project, IS_SUBMITTED)
        return [(ASSIGNMENT, theirs)]
    if driver == "unreviewed":
        return [(ITEM, (here, _UNREVIEWED))]
    if driver == "source":
        assert wanted.source is not None
        return [(ITEM, (here, _NOT_MANUAL, ITEM.c.source == wanted.source.value))]
    states = wanted.states or tuple(ItemState)
    return [(ITEM, (here, ITEM.c.state == literal_column(str(state.value)))) for state in states]


def _has_label(project: ProjectId, wanted: Filter) -> tuple[ColumnElement[bool], ...]:
    return ITEM_LABEL.c.project_id == project, ITEM_LABEL.c.label_id == wanted.label


def _dates(wanted: Filter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [ITEM.c.decided_ms.is_not(None)]
    if wanted.since_ms is not None:
        found.append(ITEM.c.decided_ms >= wanted.since_ms)
    if wanted.until_ms is not None:
        found.append(ITEM.c.decided_ms < wanted.until_ms)
    return found


def _rest(project: ProjectId, wanted: Filter, of: FromClause) -> list[ColumnElement[bool]]:
    """Everything that is asked for beside the driver."""
    found: list[ColumnElement[bool]] = []
    driver, c = _driver(wanted), of.c
    if wanted.doubted:
        this = (DOUBT.c.project_id == project, DOUBT.c.item_id == c.id, DOUBT.c.decided_ms == c.decided_ms)
        found += [exists().where(*this), c.reviewed_ms.is_(None)]
    if wanted.states and driver != "state":
        found.append(c.state.in_([state.value for state in wanted.states]))
    if wanted.label is not None and driver != "label":
        found.append(exists().where(*_has_label(project, wanted), ITEM_LABEL.c.item_id == c.id))
    if wanted.labeler is not None and driver != "labeler":
        theirs = (ASSIGNMENT.c.item_id == c.id, ASSIGNMENT.c.account_id == wanted.labeler)
        found.append(exists().where(*theirs, IS_SUBMITTED))
    if wanted.source is not None and driver != "source":
        found.append(c.source == wanted.source.value)
    if wanted.reviewed is not None and driver != "unreviewed":
        found.append(
            c.reviewed_ms.is_not(None)
            if wanted.reviewed
            else and_(c.state == ItemState.LABELED.value, c.reviewed_ms.is_(None))
        )
    if wanted.text:
        found.append(c.path.icontains(wanted.text, autoescape=True))
    return [*found, *_scores(wanted, of)]


def _scores(wanted: Filter, of: FromClause) -> list[ColumnElement[bool]]:
    """That the model whose suggestion the item carries was so sure of it."""
    if not wanted.by_score:
        return []
    # A value a row, not a semi-join: PostgreSQL would read every prediction there is to find none of these few rows'.
    theirs = (PREDICTION.c.item_id == of.c.id, PREDICTION.c.model_id == of.c.model_id)
    score = select(PREDICTION.c.score).where(*theirs).scalar_subquery()
    found = [] if wanted.score_from is None else [score >= wanted.score_from]
    return found if wanted.score_until is None else [*found, score < wanted.score_until]
