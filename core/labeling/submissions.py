"""Answers in: submit a page, save drafts. Each is one transaction that checks token and legality."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, bindparam, literal_column, null, update

from core.annotation import Draft, Receipt, SubmittedItem
from core.assist import suggestions
from core.assist.suggestions import judged_source
from core.counts import tally
from core.counts.tally import Count, What
from core.db.prepared import always, number
from core.db.tables import ASSIGNMENT
from core.ids import AccountId, AssignmentState, ItemId, ItemState, ProjectId
from core.labeling import decisions
from core.labeling.answering import changes_of, let_others_answer, rows_of
from core.labeling.legality import Rules, illegal_reason, rules_of
from core.labeling.queue import holds
from core.team import audit
from core.team.access import require_labeler
from core.team.audit import Happening

LOST = "it went back to the queue and somebody else has it now; your answer is kept as a draft"
OTHER_SESSION = "it is open in another of your sessions; submit it there"
DECIDED = "it was decided meanwhile; your answer is kept as a draft"


def submit(
    conn: Connection, project: ProjectId, account: AccountId, items: Sequence[SubmittedItem], *, now_ms: int
) -> Receipt:
    """Take a page of answers. What cannot be taken is refused item by item with the reason; nothing is lost.

    Sending the same answers again under the same tokens is answered like the first time, so a caller that never heard the
    answer may ask again. A lease that ran out is still good while nobody else has the item.

    Raises:
        ProjectPaused: the project is not running; nothing was taken.
    """
    require_labeler(conn, project, account)
    rules = rules_of(conn, project)
    if rules.merged:
        items = [replace(item, answer=item.answer.relabeled(rules.merged)) for item in items]
    found = rows_of(conn, account, [item.item for item in items])
    accepted: list[SubmittedItem] = []
    again: list[ItemId] = []
    refused: dict[ItemId, str] = {}
    for item in items:
        row = found.get(item.item)
        if row is not None and _is_repeat(row, item):
            again.append(item.item)
        elif reason := _refusal(rules, row, item, project):
            refused[item.item] = reason
        else:
            accepted.append(item)
    if shown := suggestions.shown(conn, found.values()):
        accepted = [replace(item, source=judged_source(item, shown.get(item.item))) for item in accepted]
        suggestions.judge(conn, {item: row.model_id for item, row in found.items()}, shown, accepted)
    _write_answers(conn, project, account, accepted, found, rules, now_ms=now_ms)
    done = {item.item for item in accepted} | set(again)
    _keep_refused(conn, account, [item for item in items if item.item in refused])
    return Receipt(tuple(item.item for item in items if item.item in done), refused)


def _is_repeat(row: Row[Any], item: SubmittedItem) -> bool:
    return bool(
        row.state == AssignmentState.SUBMITTED and row.token == item.token and row.body == item.answer.to_json()
    )


def _refusal(rules: Rules, row: Row[Any] | None, item: SubmittedItem, project: ProjectId) -> str | None:
    """Why one answer is refused, or None. Pure."""
    if row is None or row.project_id != project:
        return "it was never yours"
    if row.token != item.token:
        return OTHER_SESSION
    if row.state == AssignmentState.EXPIRED and row.open_slots < 1 and row.gold is None:
        return LOST
    if row.state not in (AssignmentState.LEASED, AssignmentState.EXPIRED):
        return "it was submitted or skipped already"
    if row.item_state != ItemState.TODO and row.gold is None:
        return DECIDED
    return illegal_reason(rules, item.answer, (row.width, row.height))


def _write_answers(
    conn: Connection,
    project: ProjectId,
    account: AccountId,
    items: Sequence[SubmittedItem],
    found: Mapping[ItemId, Row[Any]],
    rules: Rules,
    *,
    now_ms: int,
) -> None:
    if not items:
        return
    _SUBMIT_ASSIGNMENT.many(
        conn,
        [
            {
                "b_item": item.item,
                "b_account": account,
                "body": item.answer.to_json(),
                "source": item.source.value,
                "submitted_ms": now_ms,
                "b_active": item.active_ms,
            }
            for item in items
        ],
    )
    changes = changes_of(conn, rules, {i.item: i.source for i in items}, {i.item: i.answer for i in items}, found)
    counts = decisions.write(conn, project, changes, now_ms=now_ms, by=account)
    let_others_answer(conn, account, [c.item for c in changes if c.after.state is ItemState.TODO], found)
    counts.update(_work_done(account, items, tally.day_of(now_ms)))
    tally.add(conn, project, counts)
    audit.record(
        conn,
        [
            Happening("item-submitted", account, project, i.item, {"answer": i.answer.to_json(), "source": i.source})
            for i in items
        ],
        now_ms=now_ms,
    )


_SUBMIT_ASSIGNMENT = always(
    update(ASSIGNMENT)
    .where(ASSIGNMENT.c.item_id == number("b_item"), ASSIGNMENT.c.account_id == number("b_account"))
    .values(
        state=literal_column(str(AssignmentState.SUBMITTED.value)),
        body=bindparam("body"),
        source=bindparam("source"),
        submitted_ms=bindparam("submitted_ms"),
        active_ms=ASSIGNMENT.c.active_ms + number("b_active"),
        draft=null(),
        comment=literal_column("''"),
        version=ASSIGNMENT.c.version + literal_column("1"),
    )
)


def _work_done(account: AccountId, items: Sequence[SubmittedItem], day: int) -> Counter[Count]:
    changes = Counter(
        {
            Count(account, 0, What.DONE): len(items),
            Count(account, day, What.DAILY): len(items),
            Count(account, 0, What.ACTIVE_MS): sum(item.active_ms for item in items),
        }
    )
    changes.update(Count(account, 0, What.PACE, tally.pace_code(item.active_ms)) for item in items if item.active_ms)
    return changes


def _keep_refused(conn: Connection, account: AccountId, items: Sequence[SubmittedItem]) -> None:
    """Keep refused answers as drafts where the row is not in another session's hands or already answered."""
    for item in items:
        conn.execute(
            update(ASSIGNMENT)
            .where(
                ASSIGNMENT.c.item_id == item.item,
                ASSIGNMENT.c.account_id == account,
                ASSIGNMENT.c.token == item.token,
                ASSIGNMENT.c.state.in_([AssignmentState.LEASED, AssignmentState.EXPIRED]),
            )
            .values(draft=Draft(item.answer).to_json())
        )


def save_drafts(conn: Connection, account: AccountId, drafts: Mapping[ItemId, tuple[int, Draft]]) -> tuple[ItemId, ...]:
    """Keep unsubmitted work; returns the items that are no longer held under these tokens (their work is not kept)."""
    lost = []
    for item, (token, draft) in sorted(drafts.items()):
        kept = conn.execute(update(ASSIGNMENT).where(holds(account, {item: token})).values(draft=draft.to_json()))
        if kept.rowcount != 1:
            lost.append(item)
    return tuple(lost)
