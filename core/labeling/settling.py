"""From labelers' answers to an item's standing: the first answer decides, or a consensus of several does.

Works on items that the caller has locked. The slots of an item still to do, the leases on it and its answers add up to
the number of labelers who are to answer it; a verdict that asks for more opens one slot.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from core.annotation import Answer
from core.consensus import Agreed, MoreNeeded, Quorum, classes_of, decide
from core.db.tables import ASSIGNMENT, IS_LEASED, IS_SUBMITTED
from core.ids import ItemId, ItemState, TaskType
from core.labeling.decisions import Standing, labeled


def answers_of(conn: Connection, items: Sequence[ItemId]) -> dict[ItemId, list[Answer]]:
    """The submitted answers of each item, in the order of their labelers' ids."""
    rows = conn.execute(
        select(ASSIGNMENT.c.item_id, ASSIGNMENT.c.body)
        .where(ASSIGNMENT.c.item_id.in_(items), IS_SUBMITTED)
        .order_by(ASSIGNMENT.c.item_id, ASSIGNMENT.c.account_id)
    )
    found: dict[ItemId, list[Answer]] = {item: [] for item in items}
    for row in rows:
        found[ItemId(row.item_id)].append(Answer.from_json(row.body))
    return found


def leases_of(conn: Connection, items: Sequence[ItemId]) -> dict[ItemId, int]:
    """How many labelers hold each item just now."""
    rows = conn.execute(select(ASSIGNMENT.c.item_id).where(ASSIGNMENT.c.item_id.in_(items), IS_LEASED)).scalars()
    found = dict.fromkeys(items, 0)
    for item in rows:
        found[ItemId(item)] += 1
    return found


def standing(task_type: TaskType, quorum: Quorum, answers: Sequence[Answer], leases: int) -> Standing:
    """How an item stands that has these answers and is in so many hands. Pure."""
    verdict = decide(task_type, answers, quorum)
    if isinstance(verdict, Agreed):
        return labeled(verdict.answer)
    if isinstance(verdict, MoreNeeded):
        wanted = max(quorum.min_labelers, len(answers) + 1)
        return Standing(ItemState.TODO, slots=max(0, wanted - len(answers) - leases))
    return Standing(ItemState.NEEDS_REVIEW, found_under=classes_of(answers))
