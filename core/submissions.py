"""Answers in: submit, skip, save drafts, go back and correct. Each is one transaction that checks token and legality."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, func, literal_column, null, select, update

from core import audit, decisions, suggestions, tally
from core.access import require_labeler
from core.annotation import Answer, Draft, HeldItem, Receipt, SubmittedItem
from core.audit import Happening
from core.consensus import Quorum, classes_of
from core.decisions import Change, Standing, labeled
from core.errors import BadInput, LeaseLost, Stale
from core.geometry import Box, Polygon, invalid_reason
from core.ids import AccountId, AssignmentState, ItemId, ItemKind, ItemState, LabelId, ProjectId, Source, TaskType
from core.prepared import Prepared, always, any_of, number, spread
from core.queue import holds
from core.settling import answers_of, leases_of, standing
from core.suggestions import judged_source
from core.tables import ASSIGNMENT, IS_LEASED, ITEM, LABEL_CLASS, PROJECT
from core.tally import Count, What

LOST = "it went back to the queue and somebody else has it now; your answer is kept as a draft"
OTHER_SESSION = "it is open in another of your sessions; submit it there"
DECIDED = "it was decided meanwhile; your answer is kept as a draft"


@dataclass(frozen=True)
class Rules:
    """What an answer must keep to in one project.

    Attributes:
        merged: labels that were merged into others: answers that still use them are taken as meaning those.
    """

    task_type: TaskType
    labels: frozenset[LabelId]
    quorum: Quorum = field(default_factory=Quorum)
    merged: Mapping[LabelId, LabelId] = field(default_factory=dict)


def rules_of(conn: Connection, project: ProjectId) -> Rules:
    """The project's rules for answers; retired labels are not among them."""
    rows = _RULES.all(conn, project=project)
    return Rules(
        TaskType(rows[0].task_type),
        frozenset(LabelId(row.label) for row in rows if row.retired_ms is None),
        Quorum(rows[0].min_labelers, rows[0].max_labelers, float(rows[0].quality.get("iou", 0.5))),
        {LabelId(row.label): LabelId(row.merged_id) for row in rows if row.merged_id is not None},
    )


_RULES = always(
    select(PROJECT.c.task_type, PROJECT.c.min_labelers, PROJECT.c.max_labelers, PROJECT.c.quality)
    .add_columns(LABEL_CLASS.c.id.label("label"), LABEL_CLASS.c.retired_ms, LABEL_CLASS.c.merged_id)
    .outerjoin(LABEL_CLASS, LABEL_CLASS.c.project_id == PROJECT.c.id)
    .where(PROJECT.c.id == number("project"))
)


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
    require_labeler(conn, project, account)
    rules = rules_of(conn, project)
    if rules.merged:
        items = [replace(item, answer=item.answer.relabeled(rules.merged)) for item in items]
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
    if shown := suggestions.shown(conn, found.values()):
        accepted = [replace(item, source=judged_source(item, shown.get(item.item))) for item in accepted]
        suggestions.judge(conn, {item: row.model_id for item, row in found.items()}, shown, accepted)
    _write_answers(conn, project, account, accepted, found, rules, now_ms=now_ms)
    done = {item.item for item in accepted} | set(again)
    _keep_refused(conn, account, [item for item in items if item.item in refused])
    return Receipt(tuple(item.item for item in items if item.item in done), refused)


def _rows(conn: Connection, account: AccountId, items: Sequence[ItemId]) -> dict[ItemId, Row[Any]]:
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
    changes = _changes(conn, rules, {i.item: i.source for i in items}, {i.item: i.answer for i in items}, found)
    counts = decisions.write(conn, project, changes, now_ms=now_ms, by=account)
    _let_others_answer(conn, account, [c.item for c in changes if c.after.state is ItemState.TODO], found)
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


def _changes(
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
            _stands(found[item], () if before is None else before[item]),
            after[item],
            sources[item],
        )
        for item in queued
    ]


def _stands(row: Row[Any], answers: Sequence[Answer] = ()) -> Standing:
    """How the item of an assignment row stands."""
    state = ItemState(row.item_state)
    if state is ItemState.LABELED:
        return replace(labeled(Answer.from_json(row.answer)), decided_ms=row.decided_ms)
    conflicting = classes_of(answers) if state is ItemState.NEEDS_REVIEW else frozenset()
    return Standing(state, None, conflicting, row.open_slots, row.decided_ms)


def _let_others_answer(
    conn: Connection, account: AccountId, items: Sequence[ItemId], found: Mapping[ItemId, Row[Any]]
) -> None:
    """An item that was assigned to this labeler and needs another one's answer too is for everybody now."""
    mine = [item for item in items if found[item].assignee_id == account]
    if mine:
        conn.execute(update(ITEM).where(ITEM.c.id.in_(mine)).values(assignee_id=None))


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
    row = _rows(conn, account, [item]).get(item)
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
        change = Change(item, ItemKind(row.kind), _stands(row), after)
        counts.update(decisions.write(conn, project, [change], now_ms=now_ms, by=account))
        _let_others_answer(conn, account, [item], {item: row})
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
    row = _rows(conn, account, [item.item]).get(item.item)
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
    changes = _changes(conn, rules, sources, {item.item: item.answer}, {item.item: row}, before or {item.item: ()})
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
