"""Labeling all over again: answers leave the current set, each into the history first; their labels may stay as defaults."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import Connection, Select, func, insert, literal, literal_column, select, update

from core.annotation import Answer
from core.counts import tally
from core.counts.tally import NOBODY, Count, What
from core.db.tables import ASSIGNMENT, EVENT, IS_LEASED, ITEM, ITEM_LABEL, PROJECT
from core.ids import AssignmentState, ItemKind, ItemState, ProjectId
from core.labeling.decisions import label_uses
from core.project.label_access import record, require_paused
from core.team.access import actor
from core.team.people import Account


def start_over(conn: Connection, by: Account, project: ProjectId, *, keep: bool, now_ms: int) -> int:
    """Take every answer out of the current set, each put into the history first; returns how many items that were.

    Args:
        keep: show each item's answer so far as the starting answer of whoever labels it anew.
    """
    require_paused(conn, by, project)
    answered = (ITEM.c.state.in_([s.value for s in _ANSWERED]), ITEM.c.project_id == project, ITEM.c.gold.is_(None))
    counts = {
        (ItemKind(kind), ItemState(state)): n
        for kind, state, n in conn.execute(
            select(ITEM.c.kind, ITEM.c.state, func.count()).where(*answered).group_by(ITEM.c.kind, ITEM.c.state)
        )
    }
    _into_history(conn, by, project, answered, now_ms)
    gold = select(ITEM.c.id).where(ITEM.c.project_id == project, ITEM.c.gold.is_not(None))
    _empty_hands(conn, project, gold)
    slots = select(PROJECT.c.min_labelers).where(PROJECT.c.id == project).scalar_subquery()
    cleared = {
        "state": ItemState.TODO.value, "answer": None, "decided_ms": None, "source": None,
        "reviewed_ms": None, "reviewer_id": None,
    }  # fmt: skip
    if keep:
        conn.execute(update(ITEM).where(*answered, ITEM.c.answer.is_not(None)).values(defaults=ITEM.c.answer))
    conn.execute(update(ITEM).where(*answered).values(cleared))
    conn.execute(
        update(ITEM)
        .where(ITEM.c.project_id == project, ITEM.c.state == ItemState.TODO.value)
        .values(open_slots=slots, **({} if keep else {"defaults": None}))
    )
    conn.execute(ITEM_LABEL.delete().where(ITEM_LABEL.c.project_id == project, ITEM_LABEL.c.item_id.not_in(gold)))
    _uncount(conn, project, counts)
    total: int = sum(counts.values())
    record(conn, by, project, "labels-restarted", {"items": total, "kept_as_defaults": keep}, now_ms)
    return total


def _empty_hands(conn: Connection, project: ProjectId, gold: Select[tuple[int]]) -> None:
    """Answers leave the assignments; pages in hand go back to the queue, with what was begun kept for their labelers."""
    theirs = (ASSIGNMENT.c.project_id == project, ASSIGNMENT.c.item_id.not_in(gold))
    expired = {"state": AssignmentState.EXPIRED.value, "version": ASSIGNMENT.c.version + 1}
    conn.execute(
        update(ASSIGNMENT)
        .where(*theirs, ASSIGNMENT.c.state != AssignmentState.LEASED.value)
        .values(**expired, body=None, draft=None, comment="")
    )
    conn.execute(update(ASSIGNMENT).where(*theirs, IS_LEASED).values(**expired))


_ANSWERED = (ItemState.LABELED, ItemState.NEEDS_REVIEW, ItemState.SKIPPED)


def _into_history(conn: Connection, by: Account, project: ProjectId, answered: Any, now_ms: int) -> None:
    """One event an item, with the answer that it had; made by the database itself, for there may be half a million."""
    build = func.json_object if conn.dialect.name == "sqlite" else func.json_build_object
    answer = func.json(ITEM.c.answer) if conn.dialect.name == "sqlite" else ITEM.c.answer
    rows = select(
        literal(now_ms), literal("item-restarted"), literal(actor(by)), ITEM.c.project_id, ITEM.c.id,
        build(literal_column("'before'"), answer),
    ).where(*answered)  # fmt: skip
    columns = ["at_ms", "what", "account_id", "project_id", "item_id", "body"]
    conn.execute(insert(EVENT).from_select(columns, rows))


def _uncount(conn: Connection, project: ProjectId, counts: dict[tuple[ItemKind, ItemState], int]) -> None:
    """The counts after starting over: items back in the queue, and only gold answers have labels."""
    changes: Counter[Count] = Counter()
    for (kind, state), n in counts.items():
        changes.update(tally.moved(NOBODY, kind, state, ItemState.TODO, n))
    tally.clear(conn, project, What.LABEL)
    gold = select(ITEM.c.answer).where(ITEM.c.project_id == project, ITEM.c.gold.is_not(None))
    for body in conn.execute(gold).scalars():
        changes.update(Count(NOBODY, 0, What.LABEL, label) for label in label_uses(Answer.from_json(body)))
    tally.add(conn, project, changes)
