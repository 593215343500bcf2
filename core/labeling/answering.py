"""What taking, correcting and skipping share: a labeler's rows with their items, locked, and how items stand afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, Select, select, update

from core.annotation import Answer
from core.consensus import classes_of
from core.db.prepared import Prepared, any_of, number, spread
from core.db.tables import ASSIGNMENT, ITEM
from core.ids import AccountId, ItemId, ItemKind, ItemState, Source
from core.labeling.decisions import Change, Standing, labeled
from core.labeling.legality import Rules
from core.labeling.settling import answers_of, leases_of, standing


def rows_of(conn: Connection, account: AccountId, items: Sequence[ItemId]) -> dict[ItemId, Row[Any]]:
    """Assignment rows of one labeler joined with their items, locked against other writers."""
    found: dict[ItemId, Any] = {}
    ordered = sorted(items)
    for start in range(0, len(ordered), _WIDTH):
        some = spread("item", ordered[start : start + _WIDTH], _WIDTH)
        found |= {ItemId(row.item_id): row for row in _ROWS.all(conn, account=account, **some)}
    return found


def _rows_query(dialect: str) -> Select[Any]:
    query = (
        select(*_OF_ASSIGNMENT, ITEM.c.width, ITEM.c.height, ITEM.c.open_slots, ITEM.c.state.label("item_state"))
        .add_columns(
            ITEM.c.id,
            ITEM.c.model_id,
            ITEM.c.kind,
            ITEM.c.gold,
            ITEM.c.answer,
            ITEM.c.decided_ms,
            ITEM.c.reviewed_ms,
            ITEM.c.assignee_id,
        )
        .join(ITEM, ITEM.c.id == ASSIGNMENT.c.item_id)
        .where(ASSIGNMENT.c.account_id == number("account"), any_of(ASSIGNMENT.c.item_id, "item", _WIDTH))
        .order_by(ASSIGNMENT.c.item_id)
    )
    return query.with_for_update() if dialect == "postgresql" else query


_WIDTH = 9
_OF_ASSIGNMENT = (
    *(ASSIGNMENT.c.item_id, ASSIGNMENT.c.project_id, ASSIGNMENT.c.state, ASSIGNMENT.c.token, ASSIGNMENT.c.body),
    *(ASSIGNMENT.c.source, ASSIGNMENT.c.version),
)
_ROWS = Prepared(_rows_query)


def changes_of(
    conn: Connection,
    rules: Rules,
    sources: Mapping[ItemId, Source],
    answers: Mapping[ItemId, Answer],
    found: Mapping[ItemId, Row[Any]],
    before: Mapping[ItemId, Sequence[Answer]] | None = None,
) -> list[Change]:
    """How items stand after one labeler's answers, which are written already; gold items stay as they are.

    Args:
        before: the answers of all labelers before this one's changed; needed for items that conflict.
    """
    queued = [item for item in answers if found[item].gold is None]
    if rules.quorum.is_single:
        after = {item: labeled(answers[item]) for item in queued}
    else:
        given, leases = answers_of(conn, queued), leases_of(conn, queued)
        after = {i: standing(rules.task_type, rules.quorum, given[i], leases[i]) for i in queued}
    return [
        Change(
            item,
            ItemKind(found[item].kind),
            stands(found[item], () if before is None else before[item]),
            after[item],
            sources[item],
        )
        for item in queued
    ]


def stands(row: Row[Any], answers: Sequence[Answer] = ()) -> Standing:
    """How the item of an assignment row stands."""
    state = ItemState(row.item_state)
    if state is ItemState.LABELED:
        return replace(labeled(Answer.from_json(row.answer)), decided_ms=row.decided_ms)
    conflicting = classes_of(answers) if state is ItemState.NEEDS_REVIEW else frozenset()
    return Standing(state, None, conflicting, row.open_slots, row.decided_ms)


def let_others_answer(
    conn: Connection, account: AccountId, items: Sequence[ItemId], found: Mapping[ItemId, Row[Any]]
) -> None:
    """An item that was assigned to this labeler and needs another one's answer too is for everybody now."""
    mine = [item for item in items if found[item].assignee_id == account]
    if mine:
        conn.execute(update(ITEM).where(ITEM.c.id.in_(mine)).values(assignee_id=None))
