"""The one shared queue: claim, resume, renew, release, expire. It never gives an item twice and never loses one.

Order of work: corrections asked of this labeler, items assigned to them, then prelabeled, clustered and manual items by
(priority, key). A claim takes a slot of the item and leases an assignment row in one transaction; the row's `token` fences
every later write. `open_slots` is the queue: an item with none is in hand or decided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from core.access import require_labeler
from core.annotation import Answer, Cursor, Draft, HeldItem, Page
from core.errors import BadInput
from core.ids import AccountId, AssignmentState, ItemId, ItemKind, ItemState, ProjectId
from core.tables import ASSIGNMENT, ITEM
from core.tally import total_done

MAX_PAGE = 9
EXPIRE_BATCH = 100
MAX_REJECTED = 500
_HELD_SEQ_STEP = 100
# Written into the SQL, not bound: a partial index is only used where its condition stands word for word.
NONE: ColumnElement[int] = literal_column("0")
IS_LEASED = ASSIGNMENT.c.state == literal_column(str(AssignmentState.LEASED.value))
IS_SUBMITTED = ASSIGNMENT.c.state == literal_column(str(AssignmentState.SUBMITTED.value))
IS_REJECTED = ASSIGNMENT.c.state == literal_column(str(AssignmentState.REJECTED.value))


def claim_page(
    conn: Connection,
    project: ProjectId,
    account: AccountId,
    size: int,
    *,
    now_ms: int,
    after: Cursor | None = None,
) -> Page:
    """Lease up to `size` items of one kind to a labeler; an empty page means that nothing is left for them now.

    Args:
        after: the cursor of the labeler's previous page; the search starts there and wraps round once.

    Raises:
        ProjectPaused: the project is not running.
        Forbidden: the account is disabled or has no place in the project.
        BadInput: a page of no size.
    """
    if not 1 <= size <= MAX_PAGE:
        raise BadInput(f"A page has 1 to {MAX_PAGE} items, not {size}.")
    seat = require_labeler(conn, project, account)
    expire(conn, now_ms=now_ms, limit=EXPIRE_BATCH)
    rows = _candidates(conn, project, account, size, after)
    if not rows:
        return Page(project, account, (), after)
    rows = with_gold(conn, project, account, rows, size, seat.gold_rate)
    held = _lease(conn, project, account, rows, now_ms=now_ms, until_ms=now_ms + seat.lease_s * 1000)
    queued = [row for row in rows if row.gold is None]
    cursor = Cursor(queued[-1].kind, queued[-1].priority, queued[-1].key) if queued else after
    return Page(project, account, held, cursor)


def _candidates(
    conn: Connection, project: ProjectId, account: AccountId, size: int, after: Cursor | None
) -> Sequence[Row[Any]]:
    """Rows of open items for this labeler, in the queue's order and all of one kind, locked against other claims."""
    for rows in (_corrections(conn, project, account, size), _assigned(conn, project, account, size)):
        if rows:
            return rows
    starts = [after, None] if after is not None else [None]
    for start in starts:
        for kind in ItemKind:
            if rows := _of_kind(conn, project, account, size, kind, start):
                return rows
    return ()


def _open_items(conn: Connection, project: ProjectId, account: AccountId) -> Select[Any]:
    """Open items of the project that this labeler has not answered, locked where the engine has row locks."""
    answered = exists().where(
        ASSIGNMENT.c.item_id == ITEM.c.id,
        ASSIGNMENT.c.account_id == account,
        ASSIGNMENT.c.state.in_([AssignmentState.LEASED, AssignmentState.SUBMITTED, AssignmentState.SKIPPED]),
    )
    query = select(ITEM).where(ITEM.c.project_id == project, ITEM.c.open_slots > NONE, ~answered)
    return query.with_for_update(of=ITEM, skip_locked=True) if conn.dialect.name == "postgresql" else query


def _corrections(conn: Connection, project: ProjectId, account: AccountId, size: int) -> Sequence[Row[Any]]:
    # The ids are looked up first: as one statement, SQLite walks every item of the project to find those few.
    mine = select(ASSIGNMENT.c.item_id).where(
        ASSIGNMENT.c.account_id == account,
        ASSIGNMENT.c.project_id == project,
        IS_REJECTED,
    )
    if not (ids := conn.execute(mine.limit(MAX_REJECTED)).scalars().all()):
        return ()
    query = _open_items(conn, project, account).where(ITEM.c.id.in_(ids))
    return conn.execute(query.order_by(ITEM.c.key).limit(size)).all()


def _assigned(conn: Connection, project: ProjectId, account: AccountId, size: int) -> Sequence[Row[Any]]:
    query = _open_items(conn, project, account).where(ITEM.c.assignee_id == account)
    return conn.execute(query.order_by(ITEM.c.key).limit(size)).all()


def _of_kind(
    conn: Connection, project: ProjectId, account: AccountId, size: int, kind: ItemKind, start: Cursor | None
) -> Sequence[Row[Any]]:
    if start is not None and kind < start.kind:
        return ()
    query = _open_items(conn, project, account).where(
        ITEM.c.kind == kind.value,
        or_(ITEM.c.assignee_id.is_(None), ITEM.c.assignee_id == account),
    )
    if start is not None and kind == start.kind:
        query = query.where(tuple_(ITEM.c.priority, ITEM.c.key) > tuple_(literal(start.priority), literal(start.key)))
    rows = conn.execute(query.order_by(ITEM.c.priority, ITEM.c.key).limit(size)).all()
    if kind is ItemKind.CLUSTERED and rows:
        return [row for row in rows if row.cluster == rows[0].cluster]
    return rows


def with_gold(
    conn: Connection, project: ProjectId, account: AccountId, rows: Sequence[Row[Any]], size: int, rate: float
) -> Sequence[Row[Any]]:
    """The page with one gold item among it, where one is due for this labeler; a full page gives its last item up."""
    if rate <= 0 or rows[0].kind != ItemKind.MANUAL:
        return rows
    seen = exists().where(ASSIGNMENT.c.item_id == ITEM.c.id, ASSIGNMENT.c.account_id == account)
    golden = select(ITEM).where(ITEM.c.project_id == project, ITEM.c.gold.is_not(None))
    met = conn.execute(select(func.count()).select_from(golden.where(seen).subquery())).scalar_one()
    if met >= int(rate * (total_done(conn, project, account) + size)):
        return rows
    gold = conn.execute(golden.where(~seen).order_by(ITEM.c.key).limit(1)).one_or_none()
    if gold is None:
        return rows
    kept = list(rows[: size - 1])
    place = gold.id % (len(kept) + 1)
    return [*kept[:place], gold, *kept[place:]]


def _lease(
    conn: Connection,
    project: ProjectId,
    account: AccountId,
    rows: Sequence[Row[Any]],
    *,
    now_ms: int,
    until_ms: int,
) -> tuple[HeldItem, ...]:
    queued = [row.id for row in rows if row.gold is None]
    conn.execute(update(ITEM).where(ITEM.c.id.in_(queued)).values(open_slots=ITEM.c.open_slots - 1))
    leases = conn.execute(
        _LEASE[conn.dialect.name],
        [
            {
                "item_id": row.id,
                "account_id": account,
                "project_id": project,
                "state": AssignmentState.LEASED.value,
                "token": 1,
                "lease_until_ms": until_ms,
                "held_seq": now_ms * _HELD_SEQ_STEP + n,
                "active_ms": 0,
                "comment": "",
                "version": 1,
            }
            for n, row in enumerate(rows)
        ],
    )
    by_item = {lease.item_id: lease for lease in leases}
    return tuple(_held(row, by_item[row.id]) for row in rows)


def _lease_statement(insert: type[postgresql.Insert] | type[sqlite.Insert]) -> Any:
    """Insert a lease, or take back this labeler's own expired or rejected row under a new token."""
    statement = insert(ASSIGNMENT)
    return statement.on_conflict_do_update(
        index_elements=["item_id", "account_id"],
        set_={
            "state": AssignmentState.LEASED.value,
            "token": ASSIGNMENT.c.token + 1,
            "lease_until_ms": statement.excluded.lease_until_ms,
            "held_seq": statement.excluded.held_seq,
            "version": ASSIGNMENT.c.version + 1,
        },
    ).returning(
        ASSIGNMENT.c.item_id,
        ASSIGNMENT.c.token,
        ASSIGNMENT.c.lease_until_ms,
        ASSIGNMENT.c.draft,
        ASSIGNMENT.c.comment,
    )


_LEASE = {"sqlite": _lease_statement(sqlite.Insert), "postgresql": _lease_statement(postgresql.Insert)}


def _held(item: Row[Any], lease: Row[Any]) -> HeldItem:
    return HeldItem(
        item=ItemId(item.id),
        path=item.path,
        etag=item.etag,
        size_wh=(item.width, item.height),
        frames=item.frames,
        kind=ItemKind(item.kind),
        token=lease.token,
        lease_until_ms=lease.lease_until_ms,
        draft=_draft(item, lease),
        comment=lease.comment,
        cluster=item.cluster,
    )


def _draft(item: Row[Any], lease: Row[Any]) -> Draft:
    """This labeler's own unsubmitted work, or what the item had before the project started over, or nothing."""
    if lease.draft is not None:
        return Draft.from_json(lease.draft)
    return Draft() if item.defaults is None else Draft(Answer.from_json(item.defaults))


def resume_pages(conn: Connection, project: ProjectId, account: AccountId, *, now_ms: int) -> Page:
    """Everything that this labeler holds, with drafts, in the order in which it was given.

    Work that expired while nobody else took the item comes back too. Every token is raised, so an older session of the same
    labeler loses its hold and cannot write over this one.

    Raises:
        ProjectPaused: the project is not running.
    """
    lease_s = require_labeler(conn, project, account).lease_s
    _retake_expired(conn, project, account)
    mine = (
        ASSIGNMENT.c.account_id == account,
        ASSIGNMENT.c.project_id == project,
        IS_LEASED,
    )
    conn.execute(
        update(ASSIGNMENT).where(*mine).values(token=ASSIGNMENT.c.token + 1, lease_until_ms=now_ms + lease_s * 1000)
    )
    items = {row.id: row for row in conn.execute(select(ITEM).join(ASSIGNMENT).where(*mine))}
    leases = conn.execute(select(ASSIGNMENT).where(*mine).order_by(ASSIGNMENT.c.held_seq)).all()
    return Page(project, account, tuple(_held(items[lease.item_id], lease) for lease in leases))


def _retake_expired(conn: Connection, project: ProjectId, account: AccountId) -> None:
    """Lease again what this labeler began, lost by time, and nobody took."""
    begun = select(ASSIGNMENT.c.item_id).where(
        ASSIGNMENT.c.account_id == account,
        ASSIGNMENT.c.project_id == project,
        ASSIGNMENT.c.state == AssignmentState.EXPIRED,
        ASSIGNMENT.c.draft.is_not(None),
    )
    query = select(ITEM.c.id).where(ITEM.c.id.in_(begun), ITEM.c.open_slots > NONE).limit(MAX_PAGE * 2)
    if conn.dialect.name == "postgresql":
        query = query.with_for_update(of=ITEM, skip_locked=True)
    items = conn.execute(query).scalars().all()
    if items:
        conn.execute(update(ITEM).where(ITEM.c.id.in_(items)).values(open_slots=ITEM.c.open_slots - 1))
        conn.execute(
            update(ASSIGNMENT)
            .where(ASSIGNMENT.c.account_id == account, ASSIGNMENT.c.item_id.in_(items))
            .values(state=AssignmentState.LEASED.value, lease_until_ms=0)
        )


def renew(
    conn: Connection, project: ProjectId, account: AccountId, tokens: Mapping[ItemId, int], *, now_ms: int
) -> tuple[ItemId, ...]:
    """Push the end of these leases out; returns the items that are no longer held under these tokens."""
    lease_s = require_labeler(conn, project, account).lease_s
    if not tokens:
        return ()
    kept = conn.execute(
        update(ASSIGNMENT)
        .where(holds(account, tokens))
        .values(lease_until_ms=now_ms + lease_s * 1000)
        .returning(ASSIGNMENT.c.item_id)
    )
    found = set(kept.scalars())
    return tuple(item for item in tokens if item not in found)


def holds(account: AccountId, tokens: Mapping[ItemId, int]) -> ColumnElement[bool]:
    """The condition that an assignment row is leased to this labeler under one of these tokens."""
    return and_(
        ASSIGNMENT.c.account_id == account,
        IS_LEASED,
        tuple_(ASSIGNMENT.c.item_id, ASSIGNMENT.c.token).in_(list(tokens.items())),
    )


def release(conn: Connection, project: ProjectId, account: AccountId, tokens: Mapping[ItemId, int]) -> None:
    """Give leased items back to the queue at once; drafts are kept for this labeler's return."""
    if tokens:
        _give_back(conn, holds(account, tokens))


def expire(conn: Connection, *, now_ms: int, limit: int = EXPIRE_BATCH) -> int:
    """Give back up to `limit` leases whose time is over; returns how many."""
    overdue = (
        select(ASSIGNMENT.c.item_id, ASSIGNMENT.c.account_id)
        .where(
            IS_LEASED,
            ASSIGNMENT.c.lease_until_ms < now_ms,
        )
        .order_by(ASSIGNMENT.c.lease_until_ms)
        .limit(limit)
    )
    if conn.dialect.name == "postgresql":
        overdue = overdue.with_for_update(skip_locked=True)
    rows = conn.execute(overdue).all()
    if not rows:
        return 0
    pairs = tuple_(ASSIGNMENT.c.item_id, ASSIGNMENT.c.account_id).in_([(r.item_id, r.account_id) for r in rows])
    return _give_back(conn, and_(pairs, IS_LEASED))


def _give_back(conn: Connection, which: ColumnElement[bool]) -> int:
    gone = conn.execute(
        update(ASSIGNMENT)
        .where(which)
        .values(state=AssignmentState.EXPIRED.value, version=ASSIGNMENT.c.version + 1)
        .returning(ASSIGNMENT.c.item_id)
    )
    items = sorted(gone.scalars())
    for item in items:
        conn.execute(
            update(ITEM)
            .where(ITEM.c.id == item, ITEM.c.state == ItemState.TODO.value)
            .values(open_slots=ITEM.c.open_slots + 1)
        )
    return len(items)
