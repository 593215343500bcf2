"""Answers that come from a file: what they may fall on, and how they become current answers.

An imported answer decides its item by itself, as a reviewer's does, also where consensus is asked for; what labelers said
stays in the history, and whoever holds the item is freed of it with the draft kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Text, cast, select, update

from core.annotation import Answer, Receipt
from core.counts import tally
from core.db.tables import ASSIGNMENT, IS_LEASED, ITEM
from core.ids import AssignmentState, ItemId, ItemKind, ItemState, ProjectId, Source
from core.labeling import decisions
from core.labeling.decisions import Change, labeled
from core.labeling.legality import illegal_reason, rules_of
from core.oversight.review import standings
from core.roles import Action
from core.team import audit
from core.team.access import actor, require_in
from core.team.audit import Happening
from core.team.people import Account

OUT_OF_WORK = "it is unreadable or missing"
IS_GOLD = "it is a gold item"
HAS_ANSWER = "it has another answer already"
IMPORTED, COMPARED = "labels-imported", "labels-compared"
GONE = "it is no item of this project"


class Target(NamedTuple):
    """One item that an imported answer may fall on; `raw` is the stored text of its current answer."""

    item: ItemId
    path: str
    width: int
    height: int
    state: int
    raw: str | None
    gold: bool


_TARGETS = select(
    ITEM.c.id,
    ITEM.c.path,
    ITEM.c.width,
    ITEM.c.height,
    ITEM.c.state,
    cast(ITEM.c.answer, Text),
    ITEM.c.gold.is_not(None),
)


def paths_after(
    conn: Connection, by: Account, project: ProjectId, after: ItemId, limit: int
) -> list[tuple[ItemId, str]]:
    """Up to `limit` items with ids over `after`, in id order, with their paths. Raises Forbidden."""
    require_in(conn, project, by, Action.IMPORT)
    query = select(ITEM.c.id, ITEM.c.path).where(ITEM.c.project_id == project, ITEM.c.id > after)
    return [(ItemId(row.id), row.path) for row in conn.execute(query.order_by(ITEM.c.id).limit(limit))]


def targets_of(conn: Connection, by: Account, project: ProjectId, items: Sequence[ItemId]) -> tuple[Target, ...]:
    """Those of these items that the project has, in id order. Raises Forbidden."""
    require_in(conn, project, by, Action.IMPORT)
    query = _TARGETS.where(ITEM.c.project_id == project, ITEM.c.id.in_(items)).order_by(ITEM.c.id)
    return tuple(map(Target._make, conn.execute(query)))


def targets_after(conn: Connection, by: Account, project: ProjectId, after: ItemId, limit: int) -> tuple[Target, ...]:
    """Up to `limit` items with ids over `after`, in id order. Raises Forbidden."""
    require_in(conn, project, by, Action.IMPORT)
    query = _TARGETS.where(ITEM.c.project_id == project, ITEM.c.id > after).order_by(ITEM.c.id)
    return tuple(map(Target._make, conn.execute(query.limit(limit))))


def write_labels(
    conn: Connection,
    by: Account,
    project: ProjectId,
    answers: Mapping[ItemId, Answer],
    *,
    replace: bool,
    now_ms: int,
) -> Receipt:
    """Make imported answers the current ones; those that are current already are accepted and leave no trace.

    Args:
        replace: take the place of another current answer; without it such items are refused.

    Raises:
        Forbidden: only admins import.
    """
    require_in(conn, project, by, Action.IMPORT)
    rows = _locked(conn, project, sorted(answers))
    rules = rules_of(conn, project)
    refused: dict[ItemId, str] = {}
    new: dict[ItemId, Answer] = {}
    for item, given in answers.items():
        answer, row = given.relabeled(rules.merged), rows.get(item)
        reason = GONE if row is None else _refusal(row, answer, replace=replace)
        if reason is None and row is not None:
            reason = illegal_reason(rules, answer, (row.width, row.height))
        if reason is not None:
            refused[item] = reason
        elif row is not None and row.answer != answer.to_json():
            new[item] = answer
    _write(conn, by, project, new, rows, now_ms=now_ms)
    return Receipt(tuple(item for item in answers if item not in refused), refused)


def _locked(conn: Connection, project: ProjectId, items: Sequence[ItemId]) -> dict[ItemId, Row[Any]]:
    """The items' rows, locked with their assignments in the order in which labelers lock them."""
    query = select(ITEM).where(ITEM.c.project_id == project, ITEM.c.id.in_(items)).order_by(ITEM.c.id)
    if conn.dialect.name == "postgresql":
        theirs = select(ASSIGNMENT.c.item_id).where(ASSIGNMENT.c.item_id.in_(items)).order_by(ASSIGNMENT.c.item_id)
        conn.execute(theirs.with_for_update())
        query = query.with_for_update()
    return {ItemId(row.id): row for row in conn.execute(query)}


def _refusal(row: Row[Any], answer: Answer, *, replace: bool) -> str | None:
    """Why the item does not take an imported answer, or None. Pure."""
    if row.state in (ItemState.UNREADABLE, ItemState.MISSING):
        return OUT_OF_WORK
    if row.gold is not None:
        return IS_GOLD
    differs = row.state == ItemState.LABELED and row.answer != answer.to_json()
    return HAS_ANSWER if differs and not replace else None


def _write(
    conn: Connection,
    by: Account,
    project: ProjectId,
    answers: Mapping[ItemId, Answer],
    rows: Mapping[ItemId, Row[Any]],
    *,
    now_ms: int,
) -> None:
    if not answers:
        return
    before = standings(conn, [rows[item] for item in answers])
    changes = [
        Change(item, ItemKind(rows[item].kind), before[item], labeled(answer), Source.IMPORTED)
        for item, answer in answers.items()
    ]
    held = (ASSIGNMENT.c.item_id.in_(answers), IS_LEASED)
    freed = {"state": AssignmentState.EXPIRED.value, "version": ASSIGNMENT.c.version + 1}
    conn.execute(update(ASSIGNMENT).where(*held).values(freed))
    tally.add(conn, project, decisions.write(conn, project, changes, now_ms=now_ms))
    happened = [
        Happening("item-imported", actor(by), project, item, {"before": rows[item].answer, "answer": answer.to_json()})
        for item, answer in answers.items()
    ]
    audit.record(conn, happened, now_ms=now_ms)


def record_import(
    conn: Connection, by: Account, project: ProjectId, facts: Mapping[str, Any], *, now_ms: int, what: str = IMPORTED
) -> None:
    """Say in the history that a file of labels came in, or was compared, and what came of it."""
    audit.record(conn, [Happening(what, actor(by), project, body=dict(facts))], now_ms=now_ms)
