"""Items set aside: by a labeler who skips, or because their file cannot be shown."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import Connection, func, select, update

from core.counts import tally
from core.counts.tally import Count, What
from core.db.tables import ASSIGNMENT, IS_LEASED, ITEM
from core.errors import LeaseLost
from core.ids import AccountId, AssignmentState, ItemId, ItemKind, ItemState, ProjectId
from core.labeling import decisions
from core.labeling.answering import let_others_answer, rows_of, stands
from core.labeling.decisions import Change, Standing
from core.labeling.legality import Rules, rules_of
from core.labeling.queue import holds
from core.labeling.settling import answers_of, leases_of, standing
from core.labeling.submissions import LOST
from core.team import audit
from core.team.access import require_labeler
from core.team.audit import Happening


def skip(
    conn: Connection,
    project: ProjectId,
    account: AccountId,
    item: ItemId,
    token: int,
    reason: str,
    *,
    now_ms: int,
) -> None:
    """Set an item aside, with a reason or none; an admin can bring it back.

    Raises:
        LeaseLost: the item is no longer this labeler's.
        ProjectPaused: the project is not running.
    """
    require_labeler(conn, project, account)
    row = rows_of(conn, account, [item]).get(item)
    held = conn.execute(
        update(ASSIGNMENT)
        .where(holds(account, {item: token}))
        .values(state=AssignmentState.SKIPPED.value, version=ASSIGNMENT.c.version + 1)
    )
    if row is None or held.rowcount != 1:
        raise LeaseLost(f"The item could not be skipped: {LOST}.")
    counts: Counter[Count] = Counter({Count(account, 0, What.SKIPPED): 1})
    if row.gold is None and row.item_state == ItemState.TODO:
        after = _after_skip(conn, rules_of(conn, project), item)
        change = Change(item, ItemKind(row.kind), stands(row), after)
        counts.update(decisions.write(conn, project, [change], now_ms=now_ms, by=account))
        let_others_answer(conn, account, [item], {item: row})
    audit.record(conn, [Happening("item-skipped", account, project, item, {"reason": reason})], now_ms=now_ms)
    tally.add(conn, project, counts)


def _after_skip(conn: Connection, rules: Rules, item: ItemId) -> Standing:
    """With consensus somebody else is asked instead, until as many have skipped it as would have to agree."""
    skips = select(func.count()).select_from(ASSIGNMENT)
    skipped = skips.where(ASSIGNMENT.c.item_id == item, ASSIGNMENT.c.state == AssignmentState.SKIPPED.value)
    if conn.execute(skipped).scalar_one() >= rules.quorum.min_labelers:
        return Standing(ItemState.SKIPPED)
    given, leases = answers_of(conn, [item])[item], leases_of(conn, [item])[item]
    return standing(rules.task_type, rules.quorum, given, leases)


def mark_unreadable(
    conn: Connection, project: ProjectId, account: AccountId | None, item: ItemId, reason: str, *, now_ms: int
) -> None:
    """Take an item whose file cannot be shown out of the queue, with the reason; whoever holds it is freed of it."""
    changed = conn.execute(
        update(ITEM)
        .where(ITEM.c.id == item, ITEM.c.state == ItemState.TODO.value)
        .values(state=ItemState.UNREADABLE.value, reason=reason, open_slots=0)
        .returning(ITEM.c.kind)
    ).scalar_one_or_none()
    if changed is None:
        return
    conn.execute(
        update(ASSIGNMENT)
        .where(ASSIGNMENT.c.item_id == item, IS_LEASED)
        .values(state=AssignmentState.EXPIRED.value, version=ASSIGNMENT.c.version + 1)
    )
    audit.record(conn, [Happening("item-unreadable", account, project, item, {"reason": reason})], now_ms=now_ms)
    by = account if account is not None else tally.NOBODY
    tally.add(conn, project, tally.moved(by, ItemKind(changed), ItemState.TODO, ItemState.UNREADABLE))
