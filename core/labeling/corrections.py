"""Back to one's own earlier submissions, to look at them and to change them while nobody has decided."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, select, update

from core.annotation import Answer, Draft, HeldItem, SubmittedItem
from core.counts import tally
from core.db.tables import ASSIGNMENT, ITEM
from core.errors import BadInput, Stale
from core.ids import AccountId, AssignmentState, ItemId, ItemKind, ItemState, ProjectId, Source
from core.labeling import decisions
from core.labeling.answering import changes_of, rows_of
from core.labeling.legality import illegal_reason, rules_of
from core.labeling.settling import answers_of
from core.team import audit
from core.team.access import require_labeler
from core.team.audit import Happening


def my_submissions(
    conn: Connection, project: ProjectId, account: AccountId, *, before_ms: int, limit: int
) -> tuple[HeldItem, ...]:
    """This labeler's own earlier submissions, newest first, as items whose draft holds the answer."""
    rows = conn.execute(
        select(ASSIGNMENT, ITEM.c.path, ITEM.c.etag, ITEM.c.width, ITEM.c.height, ITEM.c.frames, ITEM.c.kind)
        .join(ITEM, ITEM.c.id == ASSIGNMENT.c.item_id)
        .where(
            ASSIGNMENT.c.account_id == account,
            ASSIGNMENT.c.project_id == project,
            ASSIGNMENT.c.state == AssignmentState.SUBMITTED,
            ASSIGNMENT.c.submitted_ms < before_ms,
            ITEM.c.state.in_([ItemState.TODO, ItemState.LABELED, ItemState.NEEDS_REVIEW]),
        )
        .order_by(ASSIGNMENT.c.submitted_ms.desc(), ASSIGNMENT.c.item_id)
        .limit(limit)
    )
    return tuple(
        HeldItem(
            item=ItemId(row.item_id), path=row.path, etag=row.etag, size_wh=(row.width, row.height), frames=row.frames,
            kind=ItemKind(row.kind), token=row.token, lease_until_ms=row.submitted_ms,
            draft=Draft(Answer.from_json(row.body)), submitted=True,
        )
        for row in rows
    )  # fmt: skip


def correct(conn: Connection, project: ProjectId, account: AccountId, item: SubmittedItem, *, now_ms: int) -> int:
    """Change one's own earlier answer; the old one stays in the history. Returns the new token.

    Raises:
        Stale: it was changed, rejected or decided otherwise meanwhile.
        BadInput: the answer is not legal.
        ProjectPaused: the project is not running.
    """
    require_labeler(conn, project, account)
    rules = rules_of(conn, project)
    item = replace(item, answer=item.answer.relabeled(rules.merged))
    row = rows_of(conn, account, [item.item]).get(item.item)
    if row is None or row.state != AssignmentState.SUBMITTED or row.token != item.token:
        raise Stale("That answer changed since you opened it; go back to it once more to see it as it is.")
    if row.gold is None and (reason := _closed_reason(row)):
        raise Stale(reason)
    if reason := illegal_reason(rules, item.answer, (row.width, row.height)):
        raise BadInput(f"The correction was not taken: {reason}.")
    before = {} if rules.quorum.is_single else answers_of(conn, [item.item])
    body = item.answer.to_json()
    conn.execute(
        update(ASSIGNMENT)
        .where(ASSIGNMENT.c.item_id == item.item, ASSIGNMENT.c.account_id == account)
        .values(body=body, token=row.token + 1, version=row.version + 1)
    )
    sources = {item.item: Source(row.source or Source.MANUAL)}
    changes = changes_of(conn, rules, sources, {item.item: item.answer}, {item.item: row}, before or {item.item: ()})
    counts = decisions.write(conn, project, changes, now_ms=now_ms, by=account)
    changed = {"before": row.body, "answer": body}
    audit.record(conn, [Happening("item-corrected", account, project, item.item, changed)], now_ms=now_ms)
    tally.add(conn, project, counts)
    return int(row.token) + 1


def _closed_reason(row: Row[Any]) -> str | None:
    """Why a labeler's earlier answer can no longer be changed by them, or None. Pure."""
    if row.reviewed_ms is not None:
        return "A reviewer decided this item meanwhile; your answer stays in its history, and no correction is needed."
    if row.item_state not in (ItemState.TODO, ItemState.LABELED, ItemState.NEEDS_REVIEW):
        return "This item is out of the project's work just now (skipped, unreadable or missing); nothing was changed."
    return None
