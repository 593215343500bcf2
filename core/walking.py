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
    and_,
    exists,
    literal,
    literal_column,
    select,
    tuple_,
)

from core.ids import AccountId, ItemId, ItemState, LabelId, ProjectId, Source
from core.tables import ASSIGNMENT, IS_SUBMITTED, ITEM, ITEM_LABEL, PREDICTION

# Written out, so that the partial indexes are used (see `core.queue`).
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
    for driver in _drivers(project, wanted):
        stretch = _bounded(driver, wanted, start, down=down)
        rows, end = _visited(conn, project, stretch, wanted, limit, visit, down=down)
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
    conn: Connection,
    project: ProjectId,
    stretch: Select[Any],
    wanted: Filter,
    limit: int,
    visit: int,
    *,
    down: bool,
) -> tuple[Sequence[Row[Any]], Place | None]:
    """What is wanted among the first rows of a stretch; and the last place looked at, if there is more beyond."""
    if not _rest(project, wanted, ITEM):
        return conn.execute(stretch.limit(limit)).all(), None
    near = stretch.limit(visit).subquery("near")
    order = [near.c.decided_ms, near.c.id] if wanted.by_date else [near.c.id]
    query = (
        select(near)
        .where(*_rest(project, wanted, near))
        .order_by(*(c.desc() if down else c for c in order))
        .limit(limit)
    )
    rows = conn.execute(query).all()
    if len(rows) == limit:
        return rows, None
    last = conn.execute(stretch.with_only_columns(ITEM.c.id, ITEM.c.decided_ms).offset(visit - 1).limit(1)).first()
    return rows, None if last is None else place_of(wanted, last)


def _driver(wanted: Filter) -> str:
    """Whose index is walked."""
    if wanted.by_date:
        return "date"
    if wanted.label is not None:
        return "label"
    if wanted.labeler is not None:
        return "labeler"
    if wanted.reviewed is False:
        return "unreviewed"
    return "source" if wanted.source is not None and wanted.source is not Source.MANUAL else "state"


def _drivers(project: ProjectId, wanted: Filter) -> list[Select[Any]]:
    """The queries whose merged rows hold what is wanted, each along one index."""
    base = select(*COLUMNS).where(ITEM.c.project_id == project)
    driver = _driver(wanted)
    if driver == "date":
        return [base.where(*_dates(wanted))]
    if driver == "label":
        return [base.join(ITEM_LABEL, ITEM_LABEL.c.item_id == ITEM.c.id).where(*_has_label(project, wanted))]
    if driver == "labeler":
        theirs = (ASSIGNMENT.c.account_id == wanted.labeler, ASSIGNMENT.c.project_id == project, IS_SUBMITTED)
        return [base.join(ASSIGNMENT, ASSIGNMENT.c.item_id == ITEM.c.id).where(*theirs)]
    if driver == "unreviewed":
        return [base.where(_UNREVIEWED)]
    if driver == "source":
        assert wanted.source is not None
        return [base.where(_NOT_MANUAL, ITEM.c.source == wanted.source.value)]
    states = wanted.states or tuple(ItemState)
    return [base.where(ITEM.c.state == literal_column(str(state.value))) for state in states]


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
    sure = [PREDICTION.c.item_id == of.c.id, PREDICTION.c.model_id == of.c.model_id]
    if wanted.score_from is not None:
        sure.append(PREDICTION.c.score >= wanted.score_from)
    if wanted.score_until is not None:
        sure.append(PREDICTION.c.score < wanted.score_until)
    return [exists().where(*sure)]


def _bounded(query: Select[Any], wanted: Filter, start: Place | None, *, down: bool) -> Select[Any]:
    """The part of a query that lies beyond the place, in the order of walking."""
    id_ = _id_column(wanted)
    order: list[ColumnElement[Any]] = [ITEM.c.decided_ms, id_] if wanted.by_date else [id_]
    query = query.order_by(*(column.desc() if down else column for column in order))
    if start is None:
        return query
    if wanted.by_date:
        here, there = tuple_(ITEM.c.decided_ms, id_), tuple_(literal(start.at_ms), literal(start.item))
        return query.where(here < there if down else here > there)
    return query.where(id_ < start.item if down else id_ > start.item)


def _id_column(wanted: Filter) -> ColumnElement[int]:
    driver = _driver(wanted)
    if driver == "label":
        return ITEM_LABEL.c.item_id
    return ASSIGNMENT.c.item_id if driver == "labeler" else ITEM.c.id
