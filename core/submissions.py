"""Answers in: submit, skip, save drafts, go back and correct. Each is one transaction that checks token and legality."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update

from core import audit, tally
from core.annotation import Answer, Draft, HeldItem, Receipt, SubmittedItem
from core.audit import Happening
from core.errors import BadInput, LeaseLost, Stale
from core.geometry import Box, Polygon, invalid_reason
from core.ids import AccountId, AssignmentState, ItemId, ItemKind, ItemState, LabelId, ProjectId, TaskType
from core.queue import IS_LEASED, holds, require_running
from core.tables import ASSIGNMENT, ITEM, LABEL_CLASS, PROJECT
from core.tally import Count, What

LOST = "it went back to the queue and somebody else has it now; your answer is kept as a draft"
OTHER_SESSION = "it is open in another of your sessions; submit it there"
DECIDED = "it was decided meanwhile; your answer is kept as a draft"


@dataclass(frozen=True)
class Rules:
    """What an answer must keep to in one project."""

    task_type: TaskType
    labels: frozenset[LabelId]


def rules_of(conn: Connection, project: ProjectId) -> Rules:
    """The project's rules for answers; retired labels are not among them."""
    rows = conn.execute(
        select(PROJECT.c.task_type, LABEL_CLASS.c.id)
        .outerjoin(LABEL_CLASS, (LABEL_CLASS.c.project_id == PROJECT.c.id) & LABEL_CLASS.c.retired_ms.is_(None))
        .where(PROJECT.c.id == project)
    ).all()
    return Rules(TaskType(rows[0].task_type), frozenset(LabelId(row.id) for row in rows))


def illegal_reason(rules: Rules, answer: Answer, size_wh: tuple[int, int]) -> str | None:
    """Why the answer cannot be taken, or None when it can. Pure."""
    used = [*answer.labels, *(region.label for region in answer.regions)]
    if any(label not in rules.labels for label in used):
        return "it has a label that this project does not have"
    if rules.task_type.has_regions:
        return _illegal_regions(rules, answer, size_wh)
    if answer.regions:
        return "this project takes labels of the whole image, not regions"
    if rules.task_type is TaskType.MULTI_CLASS and len(answer.labels) != 1:
        return "it needs exactly one label"
    if not answer.labels or len(set(answer.labels)) != len(answer.labels):
        return "it needs one or more different labels"
    return None


def _illegal_regions(rules: Rules, answer: Answer, size_wh: tuple[int, int]) -> str | None:
    wanted = Box if rules.task_type is TaskType.OBJECT_DETECTION else Polygon
    if answer.labels:
        return "this project takes regions, not labels of the whole image"
    if not all(isinstance(region.shape, wanted) for region in answer.regions):
        return f"this project takes regions of the type {wanted.__name__.lower()} only"
    reasons = (invalid_reason(region.shape, size_wh) for region in answer.regions)
    return next((reason for reason in reasons if reason), None)


def submit(
    conn: Connection, project: ProjectId, account: AccountId, items: Sequence[SubmittedItem], *, now_ms: int
) -> Receipt:
    """Take a page of answers. What cannot be taken is refused item by item with the reason; nothing is lost.

    Sending the same answers again under the same tokens is answered like the first time, so a caller that never heard the
    answer may ask again. A lease that ran out is still good while nobody else has the item.

    Raises:
        ProjectPaused: the project is not running; nothing was taken.
    """
    require_running(conn, project)
    rules = rules_of(conn, project)
    found = _rows(conn, account, [item.item for item in items])
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
    _write_answers(conn, project, account, accepted, found, now_ms=now_ms)
    done = {item.item for item in accepted} | set(again)
    _keep_refused(conn, account, [item for item in items if item.item in refused])
    return Receipt(tuple(item.item for item in items if item.item in done), refused)


def _rows(conn: Connection, account: AccountId, items: Sequence[ItemId]) -> dict[ItemId, Row[Any]]:
    """Assignment rows of one labeler joined with their items, locked against other writers."""
    query = (
        select(ASSIGNMENT, ITEM.c.width, ITEM.c.height, ITEM.c.open_slots, ITEM.c.state.label("item_state"))
        .add_columns(ITEM.c.kind)
        .join(ITEM, ITEM.c.id == ASSIGNMENT.c.item_id)
        .where(ASSIGNMENT.c.account_id == account, ASSIGNMENT.c.item_id.in_(sorted(items)))
        .order_by(ASSIGNMENT.c.item_id)
    )
    if conn.dialect.name == "postgresql":
        query = query.with_for_update()
    return {ItemId(row.item_id): row for row in conn.execute(query)}


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
    if row.state == AssignmentState.EXPIRED and row.open_slots < 1:
        return LOST
    if row.state not in (AssignmentState.LEASED, AssignmentState.EXPIRED):
        return "it was submitted or skipped already"
    if row.item_state != ItemState.TODO:
        return DECIDED
    return illegal_reason(rules, item.answer, (row.width, row.height))


def _write_answers(
    conn: Connection,
    project: ProjectId,
    account: AccountId,
    items: Sequence[SubmittedItem],
    found: Mapping[ItemId, Row[Any]],
    *,
    now_ms: int,
) -> None:
    if not items:
        return
    conn.execute(
        _SUBMIT_ASSIGNMENT,
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
    conn.execute(
        _DECIDE_ITEM,
        [
            {
                "b_item": item.item,
                "answer": item.answer.to_json(),
                "decided_ms": now_ms,
                "b_taken": int(found[item.item].state == AssignmentState.EXPIRED),
            }
            for item in items
        ],
    )
    _record_submitted(conn, project, account, items, now_ms=now_ms)


_SUBMIT_ASSIGNMENT = (
    update(ASSIGNMENT)
    .where(ASSIGNMENT.c.item_id == bindparam("b_item"), ASSIGNMENT.c.account_id == bindparam("b_account"))
    .values(
        state=AssignmentState.SUBMITTED.value,
        body=bindparam("body"),
        source=bindparam("source"),
        submitted_ms=bindparam("submitted_ms"),
        active_ms=ASSIGNMENT.c.active_ms + bindparam("b_active"),
        draft=None,
        comment="",
        version=ASSIGNMENT.c.version + 1,
    )
)
_DECIDE_ITEM = (
    update(ITEM)
    .where(ITEM.c.id == bindparam("b_item"))
    .values(
        state=ItemState.LABELED.value,
        answer=bindparam("answer"),
        decided_ms=bindparam("decided_ms"),
        open_slots=ITEM.c.open_slots - bindparam("b_taken"),
    )
)


def _record_submitted(
    conn: Connection, project: ProjectId, account: AccountId, items: Sequence[SubmittedItem], *, now_ms: int
) -> None:
    audit.record(
        conn,
        [
            Happening("item-submitted", account, project, i.item, {"answer": i.answer.to_json(), "source": i.source})
            for i in items
        ],
        now_ms=now_ms,
    )
    day = tally.day_of(now_ms)
    changes = Counter(
        {
            Count(account, 0, What.ITEM, ItemState.TODO): -len(items),
            Count(account, 0, What.ITEM, ItemState.LABELED): len(items),
            Count(account, day, What.DONE): len(items),
            Count(account, day, What.ACTIVE_MS): sum(item.active_ms for item in items),
        }
    )
    for item in items:
        for label in label_uses(item.answer):
            changes[Count(account, day, What.LABEL, label)] += 1
    tally.add(conn, project, changes)


def label_uses(answer: Answer) -> tuple[LabelId, ...]:
    """Every label that an answer uses, once a use: regions count each."""
    return (*answer.labels, *(region.label for region in answer.regions))


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
    require_running(conn, project)
    held = conn.execute(
        update(ASSIGNMENT)
        .where(holds(account, {item: token}))
        .values(state=AssignmentState.SKIPPED.value, version=ASSIGNMENT.c.version + 1)
    )
    if held.rowcount != 1:
        raise LeaseLost(f"The item could not be skipped: {LOST}.")
    conn.execute(
        update(ITEM).where(ITEM.c.id == item).values(state=ItemState.SKIPPED.value, decided_ms=now_ms, open_slots=0)
    )
    audit.record(conn, [Happening("item-skipped", account, project, item, {"reason": reason})], now_ms=now_ms)
    changes = {
        Count(account, 0, What.ITEM, ItemState.TODO): -1,
        Count(account, 0, What.ITEM, ItemState.SKIPPED): 1,
        Count(account, tally.day_of(now_ms), What.SKIPPED): 1,
    }
    tally.add(conn, project, changes)


def save_drafts(conn: Connection, account: AccountId, drafts: Mapping[ItemId, tuple[int, Draft]]) -> tuple[ItemId, ...]:
    """Keep unsubmitted work; returns the items that are no longer held under these tokens (their work is not kept)."""
    lost = []
    for item, (token, draft) in sorted(drafts.items()):
        kept = conn.execute(update(ASSIGNMENT).where(holds(account, {item: token})).values(draft=draft.to_json()))
        if kept.rowcount != 1:
            lost.append(item)
    return tuple(lost)


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
            ITEM.c.state == ItemState.LABELED,
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
    require_running(conn, project)
    row = _rows(conn, account, [item.item]).get(item.item)
    if row is None or row.state != AssignmentState.SUBMITTED or row.token != item.token:
        raise Stale("That answer changed since you opened it; go back to it once more to see it as it is.")
    if reason := illegal_reason(rules_of(conn, project), item.answer, (row.width, row.height)):
        raise BadInput(f"The correction was not taken: {reason}.")
    body = item.answer.to_json()
    conn.execute(
        update(ASSIGNMENT)
        .where(ASSIGNMENT.c.item_id == item.item, ASSIGNMENT.c.account_id == account)
        .values(body=body, token=row.token + 1, version=row.version + 1)
    )
    conn.execute(update(ITEM).where(ITEM.c.id == item.item).values(answer=body, decided_ms=now_ms))
    changed = {"before": row.body, "answer": body}
    audit.record(conn, [Happening("item-corrected", account, project, item.item, changed)], now_ms=now_ms)
    day = tally.day_of(now_ms)
    changes: Counter[Count] = Counter()
    for label in label_uses(Answer.from_json(row.body)):
        changes[Count(account, day, What.LABEL, label)] -= 1
    for label in label_uses(item.answer):
        changes[Count(account, day, What.LABEL, label)] += 1
    tally.add(conn, project, changes)
    return int(row.token) + 1


def mark_unreadable(
    conn: Connection, project: ProjectId, account: AccountId | None, item: ItemId, reason: str, *, now_ms: int
) -> None:
    """Take an item whose file cannot be shown out of the queue, with the reason; whoever holds it is freed of it."""
    changed = conn.execute(
        update(ITEM)
        .where(ITEM.c.id == item, ITEM.c.state == ItemState.TODO.value)
        .values(state=ItemState.UNREADABLE.value, reason=reason, open_slots=0)
    )
    if changed.rowcount != 1:
        return
    conn.execute(
        update(ASSIGNMENT)
        .where(ASSIGNMENT.c.item_id == item, IS_LEASED)
        .values(state=AssignmentState.EXPIRED.value, version=ASSIGNMENT.c.version + 1)
    )
    audit.record(conn, [Happening("item-unreadable", account, project, item, {"reason": reason})], now_ms=now_ms)
    by = account if account is not None else tally.NOBODY
    changes = {Count(by, 0, What.ITEM, ItemState.TODO): -1, Count(by, 0, What.ITEM, ItemState.UNREADABLE): 1}
    tally.add(conn, project, changes)
