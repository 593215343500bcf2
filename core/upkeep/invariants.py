"""What must hold of every database whatever was killed, cut off, restored or upgraded: checked over the rows themselves.

It reads whole tables: after a restore or an upgrade, and in tests; never while somebody waits for a page. Projects that are
just coming in, step by step, are not looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, or_, select

from core.counts.progress import label_counts
from core.counts.tally import What
from core.db.tables import ASSIGNMENT, ITEM, ITEM_LABEL, PROJECT, TALLY
from core.ids import AssignmentState, ItemState, ProjectId, ProjectState
from core.transfer.items import annotation_count
from core.transfer.restoring import arriving

_LEASED = ASSIGNMENT.c.state == AssignmentState.LEASED.value
_TODO = ITEM.c.state == ItemState.TODO.value


def violations(conn: Connection) -> dict[str, int]:
    """How often each rule is broken; every figure of a sound database is 0."""
    coming = arriving(conn)
    return {
        "items in more hands than asked for": _count(conn, _too_many_hands()),
        "items that nobody can ever be given": _count(conn, _stuck(coming)),
        "items given out although they are decided": _count(conn, _given_although_decided()),
        "labels that the index has and no answer": _count(conn, _stray_labels()),
        "item counts that are wrong": _differences(_item_counts(conn), _told(conn, What.ITEM), coming),
        "queue counts that are wrong": _differences(_queue_counts(conn), _told(conn, What.QUEUE), coming),
        "projects whose label counts are wrong": sum(
            sum(label_counts(conn, project).values()) != annotation_count(conn, project) for project in _projects(conn)
        ),
    }


def _count(conn: Connection, query: Select[Any]) -> int:
    return conn.execute(select(func.count()).select_from(query.subquery())).scalar_one()


def _too_many_hands() -> Select[Any]:
    """More leases and open slots than the project asks for labelers; gold items are given beside the queue."""
    hands = (
        select(ASSIGNMENT.c.item_id, func.count().label("n")).where(_LEASED).group_by(ASSIGNMENT.c.item_id).subquery()
    )
    return (
        select(hands.c.item_id)
        .join(ITEM, ITEM.c.id == hands.c.item_id)
        .join(PROJECT, PROJECT.c.id == ITEM.c.project_id)
        .where(ITEM.c.gold.is_(None), hands.c.n + ITEM.c.open_slots > PROJECT.c.max_labelers)
    )


def _stuck(coming: Collection[ProjectId]) -> Select[Any]:
    """To do, in nobody's hand, and without a slot through which the queue would give it out."""
    held = exists().where(ASSIGNMENT.c.item_id == ITEM.c.id, _LEASED)
    return select(ITEM.c.id).where(_TODO, ITEM.c.open_slots == 0, ~held, ITEM.c.project_id.not_in(coming))


def _given_although_decided() -> Select[Any]:
    return select(ITEM.c.id).where(~_TODO, ITEM.c.state != ItemState.NEEDS_REVIEW.value, ITEM.c.open_slots > 0)


def _stray_labels() -> Select[Any]:
    labeled: ColumnElement[bool] = ITEM.c.state == ItemState.LABELED.value
    return (
        select(ITEM_LABEL.c.item_id)
        .outerjoin(ITEM, and_(ITEM.c.id == ITEM_LABEL.c.item_id, labeled))
        .where(or_(ITEM.c.id.is_(None), ITEM.c.answer.is_(None)))
    )


Counts = Mapping[tuple[int, int], int]


def _item_counts(conn: Connection) -> Counts:
    rows = conn.execute(select(ITEM.c.project_id, ITEM.c.state, func.count()).group_by(ITEM.c.project_id, ITEM.c.state))
    return {(project, state): n for project, state, n in rows}


def _queue_counts(conn: Connection) -> Counts:
    grouped = select(ITEM.c.project_id, ITEM.c.kind, func.count()).where(_TODO).group_by(ITEM.c.project_id, ITEM.c.kind)
    return {(project, kind): n for project, kind, n in conn.execute(grouped)}


def _told(conn: Connection, what: What) -> Counts:
    rows = conn.execute(
        select(TALLY.c.project_id, TALLY.c.code, func.sum(TALLY.c.n))
        .where(TALLY.c.what == what.value)
        .group_by(TALLY.c.project_id, TALLY.c.code)
    )
    return {(project, code): int(n) for project, code, n in rows}


def _differences(found: Counts, told: Counts, coming: Collection[ProjectId]) -> int:
    whole = [key for key in {*found, *told} if key[0] not in coming]
    return sum(found.get(key, 0) != told.get(key, 0) for key in whole)


def _projects(conn: Connection) -> list[ProjectId]:
    there = PROJECT.c.state != ProjectState.DELETED.value
    return [ProjectId(one) for one in conn.execute(select(PROJECT.c.id).where(there)).scalars()]
