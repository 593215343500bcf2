"""Prelabels that come from a file: written down as a run of their own, and shown like a model's suggestions.

Only items that nobody has had in hand take one; gold items and those of the audit stream, which measure, take none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, bindparam, exists, insert, select, update

from core.annotation import Answer, Receipt
from core.assist import suggestions
from core.assist.learning import RunState
from core.assist.suggestions import Suggestion
from core.counts import tally
from core.counts.tally import Count
from core.db.tables import ASSIGNMENT, ITEM, MODEL_RUN
from core.ids import ItemId, ItemKind, ItemState, ProjectId
from core.labeling.legality import illegal_reason, rules_of
from core.roles import Action
from core.team.access import require_in
from core.team.people import Account

KIND = "import"
NOT_OPEN = "somebody has it or had it, or it is set aside for measuring"
STEPS = 1000  # how finely sureness orders the queue


def begin_prelabels(conn: Connection, by: Account, project: ProjectId, source: str, *, now_ms: int) -> int:
    """Write the import down as a run, to which its prelabels belong; returns its id. Raises Forbidden."""
    require_in(conn, project, by, Action.IMPORT)
    values = {
        "project_id": project, "kind": KIND, "state": RunState.DONE.value, "device": "", "metrics": {},
        "log": f"Prelabels from a file ({source}).", "started_ms": now_ms, "ended_ms": now_ms, "labels": 0,
    }  # fmt: skip
    return int(conn.execute(insert(MODEL_RUN).values(values).returning(MODEL_RUN.c.id)).scalar_one())


def write_prelabels(
    conn: Connection,
    by: Account,
    project: ProjectId,
    run: int,
    answers: Mapping[ItemId, Answer],
    scores: Mapping[ItemId, float],
) -> Receipt:
    """Show these answers as prelabels, the surest first; those that cannot be are refused with the reason.

    Args:
        scores: how sure each is, 0 to 1; one without a score is sure.
    """
    require_in(conn, project, by, Action.IMPORT)
    rules, rows = rules_of(conn, project), _open_rows(conn, project, sorted(answers))
    refused: dict[ItemId, str] = {}
    taken: list[Suggestion] = []
    for item, given in answers.items():
        row, answer = rows.get(item), given.relabeled(rules.merged)
        reason = NOT_OPEN if row is None else illegal_reason(rules, answer, (row[1], row[2]))
        if reason is None:
            taken.append(Suggestion(item, min(1.0, max(0.0, scores.get(item, 1.0))), answer))
        else:
            refused[item] = reason
    suggestions.put(conn, run, taken)
    _place(conn, run, taken)
    counts: Counter[Count] = Counter()
    for kind, n in Counter(rows[one.item][0] for one in taken).items():
        counts.update(tally.rekinded(ItemKind(kind), ItemKind.PRELABELED, n))
    tally.add(conn, project, counts)
    return Receipt(tuple(one.item for one in taken), refused)


def _open_rows(conn: Connection, project: ProjectId, items: Sequence[ItemId]) -> dict[ItemId, tuple[int, int, int]]:
    """Kind, width and height of those items that nobody has had in hand and that measure nothing."""
    touched = exists().where(ASSIGNMENT.c.item_id == ITEM.c.id, ASSIGNMENT.c.state.in_([0, 1, 3]))
    query = (
        select(ITEM.c.id, ITEM.c.kind, ITEM.c.width, ITEM.c.height)
        .where(ITEM.c.project_id == project, ITEM.c.id.in_(items), ITEM.c.state == ItemState.TODO.value)
        .where(ITEM.c.open_slots > 0, ITEM.c.gold.is_(None), ITEM.c.audit == 0, ~touched)
        .order_by(ITEM.c.id)
    )
    if conn.dialect.name == "postgresql":
        query = query.with_for_update(of=ITEM)
    return {ItemId(row.id): (row.kind, row.width, row.height) for row in conn.execute(query)}


def _place(conn: Connection, run: int, taken: Sequence[Suggestion]) -> None:
    if taken:
        rows = [{"b_item": one.item, "priority": int((1 - one.score) * STEPS)} for one in taken]
        values = {
            "kind": ItemKind.PRELABELED.value,
            "priority": bindparam("priority"),
            "cluster": None,
            "model_id": run,
        }
        conn.execute(update(ITEM).where(ITEM.c.id == bindparam("b_item")).values(values), rows)
