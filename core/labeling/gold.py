"""Gold items: images with known answers, mixed unseen into labelers' pages (see `core.labeling.queue.with_gold`).

A gold item is labeled with its known answer from the beginning, so that it is exported like any other; labelers' answers to
it measure the labelers and change nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from core.annotation import Answer
from core.consensus import CLOSE_ENOUGH, likeness
from core.counts import tally
from core.db.tables import ACCOUNT, ASSIGNMENT, IS_LEASED, IS_SUBMITTED, ITEM
from core.errors import BadInput, NotFound
from core.ids import AccountId, AssignmentState, ItemId, ItemKind, ItemState, ProjectId, Source
from core.labeling import decisions
from core.labeling.decisions import Change, Standing, labeled
from core.labeling.legality import illegal_reason, rules_of
from core.roles import Action
from core.team import audit
from core.team.access import actor, require_in
from core.team.audit import Happening
from core.team.people import Account


@dataclass(frozen=True)
class Accuracy:
    """How one labeler does on gold items; `score` is the mean likeness to the known answers, 0 to 1."""

    account: AccountId
    name: str
    answered: int
    right: int
    score: float


def add_gold(
    conn: Connection, by: Account, project: ProjectId, known: Mapping[ItemId, Answer | None], *, now_ms: int
) -> int:
    """Make items gold; returns how many.

    Args:
        known: each item's known answer; None takes the answer that it has now.

    Raises:
        BadInput: an answer is missing or illegal, or the item cannot be labeled; nothing was changed.
        Forbidden: only leads and admins add gold items.
    """
    require_in(conn, project, by, Action.REVIEW)
    rules = rules_of(conn, project)
    rows = conn.execute(
        select(ITEM).where(ITEM.c.project_id == project, ITEM.c.id.in_(known)).order_by(ITEM.c.id)
    ).all()
    if len(rows) != len(known):
        raise NotFound("One of these items is none of this project's.")
    changes, bodies = [], {}
    for row in rows:
        given = known[ItemId(row.id)]
        now = Answer.from_json(row.answer) if row.answer else None
        answer = given or now
        if answer is None:
            raise BadInput(f"{row.path} has no answer yet; say what the known answer is.")
        if reason := illegal_reason(rules, answer, (row.width, row.height)):
            raise BadInput(f"{row.path} cannot be gold with this answer: {reason}.")
        if row.state in (ItemState.UNREADABLE, ItemState.MISSING, ItemState.NEEDS_REVIEW):
            raise BadInput(f"{row.path} cannot be gold: it is unreadable, missing or not decided.")
        before = Standing(
            ItemState(row.state), now, now.label_set if now else frozenset(), row.open_slots, row.decided_ms
        )
        bodies[ItemId(row.id)] = answer.to_json()
        source = Source(row.source or Source.MANUAL)
        changes.append(
            Change(ItemId(row.id), ItemKind(row.kind), before, labeled(answer), source, actor(by), reviewed=True)
        )
    _free(conn, list(bodies))
    tally.add(conn, project, decisions.write(conn, project, changes, now_ms=now_ms))
    for item, body in bodies.items():
        conn.execute(update(ITEM).where(ITEM.c.id == item).values(gold=body, kind=ItemKind.MANUAL.value))
    happened = [Happening("gold-added", actor(by), project, item, {"answer": body}) for item, body in bodies.items()]
    audit.record(conn, happened, now_ms=now_ms)
    return len(bodies)


def _free(conn: Connection, items: Sequence[ItemId]) -> None:
    """Whoever holds one of these items is freed of it."""
    held = (ASSIGNMENT.c.item_id.in_(items), IS_LEASED)
    values = {"state": AssignmentState.EXPIRED.value, "version": ASSIGNMENT.c.version + 1}
    conn.execute(update(ASSIGNMENT).where(*held).values(values))


def remove_gold(conn: Connection, by: Account, project: ProjectId, items: Sequence[ItemId], *, now_ms: int) -> int:
    """Make gold items ordinary labeled ones again; returns how many."""
    require_in(conn, project, by, Action.REVIEW)
    here = (ITEM.c.project_id == project, ITEM.c.id.in_(items), ITEM.c.gold.is_not(None))
    gone = conn.execute(update(ITEM).where(*here).values(gold=None).returning(ITEM.c.id)).scalars().all()
    happened = [Happening("gold-removed", actor(by), project, ItemId(item)) for item in gone]
    audit.record(conn, happened, now_ms=now_ms)
    return len(gone)


def accuracies(conn: Connection, by: Account, project: ProjectId) -> tuple[Accuracy, ...]:
    """How each labeler does on the gold items, the best first. Raises Forbidden."""
    require_in(conn, project, by, Action.REVIEW)
    rules = rules_of(conn, project)
    rows = conn.execute(
        select(ACCOUNT.c.id, ACCOUNT.c.name, ASSIGNMENT.c.body, ITEM.c.gold)
        .select_from(ITEM)
        .join(ASSIGNMENT, ASSIGNMENT.c.item_id == ITEM.c.id)
        .join(ACCOUNT, ACCOUNT.c.id == ASSIGNMENT.c.account_id)
        .where(ITEM.c.project_id == project, ITEM.c.gold.is_not(None), IS_SUBMITTED)
    )
    scores: dict[tuple[int, str], list[float]] = {}
    for row in rows:
        given, known = Answer.from_json(row.body), Answer.from_json(row.gold)
        score = likeness(rules.task_type, given, known, rules.quorum.least_iou)
        scores.setdefault((row.id, row.name), []).append(score)
    found = [
        Accuracy(AccountId(id_), name, len(of), sum(score > CLOSE_ENOUGH for score in of), sum(of) / len(of))
        for (id_, name), of in scores.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.score, one.name)))
