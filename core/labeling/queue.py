"""The one shared queue: claim, resume, renew, release, expire. It never gives an item twice and never loses one.

Order of work: corrections asked of this labeler, items assigned to them, then prelabeled, clustered and manual items by
(priority, key). A claim takes a slot of the item and leases an assignment row in one transaction; the row's `token` fences
every later write. `open_slots` is the queue: an item with none is in hand or decided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, literal_column, select, tuple_, update

from core.annotation import Answer, Cursor, Draft, HeldItem, Page
from core.assist import suggestions
from core.assist.suggestions import Suggestion
from core.db.prepared import INSERT, Prepared, always, number
from core.db.tables import ASSIGNMENT, IS_LEASED, ITEM, NONE
from core.errors import BadInput
from core.ids import AccountId, AssignmentState, ItemId, ItemKind, ItemState, ProjectId
from core.labeling.candidates import candidates, with_gold
from core.team.access import require_labeler

MAX_PAGE = 9
EXPIRE_BATCH = 100
_HELD_SEQ_STEP = 100
_LEASED_STATE: ColumnElement[int] = literal_column(str(AssignmentState.LEASED.value))


def claim_page(
    conn: Connection,
    project: ProjectId,
    account: AccountId,
    size: int,
    *,
    now_ms: int,
    after: Cursor = MappingProxyType({}),
) -> Page:
    """Lease up to `size` items of one kind to a labeler; an empty page means that nothing is left for them now.

    Args:
        after: the cursor of the labeler's previous page.

    Raises:
        ProjectPaused: the project is not running.
        Forbidden: the account is disabled or has no place in the project.
        BadInput: a page of no size.
    """
    if not 1 <= size <= MAX_PAGE:
        raise BadInput(f"A page has 1 to {MAX_PAGE} items, not {size}.")
    seat = require_labeler(conn, project, account)
    expire(conn, now_ms=now_ms, limit=EXPIRE_BATCH)
    rows, cursor = candidates(conn, project, account, size, after, now_ms=now_ms, learns=seat.learns)
    if not rows:
        return Page(project, account, (), cursor)
    rows = with_gold(conn, project, account, rows, size, seat.gold_rate)
    held = _lease(conn, project, account, rows, now_ms=now_ms, until_ms=now_ms + seat.lease_s * 1000)
    return Page(project, account, held, cursor)


def _lease(
    conn: Connection,
    project: ProjectId,
    account: AccountId,
    rows: Sequence[Any],
    *,
    now_ms: int,
    until_ms: int,
) -> tuple[HeldItem, ...]:
    _TAKE_SLOT.many(conn, [{"item": row.id} for row in rows if row.gold is None])
    values: dict[str, int] = {"account": account, "project": project, "until": until_ms}
    for n, row in enumerate(rows):
        values |= {f"item{n}": row.id, f"seq{n}": now_ms * _HELD_SEQ_STEP + n}
    leases = {lease.item_id: lease for lease in _LEASE[len(rows)].all(conn, **values)}
    suggested = suggestions.shown(conn, rows)
    return tuple(_held(row, leases[row.id], suggested.get(row.id)) for row in rows)


_TAKE_SLOT = always(
    update(ITEM).where(ITEM.c.id == number("item")).values(open_slots=ITEM.c.open_slots - literal_column("1"))
)


def _lease_statement(dialect: str, size: int) -> Any:
    """Insert leases, or take back this labeler's own expired or rejected rows under a new token."""
    statement = INSERT[dialect](ASSIGNMENT).values([_leased(n) for n in range(size)])
    return statement.on_conflict_do_update(
        index_elements=["item_id", "account_id"],
        set_={
            "state": _LEASED_STATE,
            "token": ASSIGNMENT.c.token + literal_column("1"),
            "lease_until_ms": statement.excluded.lease_until_ms,
            "held_seq": statement.excluded.held_seq,
            "version": ASSIGNMENT.c.version + literal_column("1"),
        },
    ).returning(
        ASSIGNMENT.c.item_id,
        ASSIGNMENT.c.token,
        ASSIGNMENT.c.lease_until_ms,
        ASSIGNMENT.c.draft,
        ASSIGNMENT.c.comment,
    )


def _leased(n: int) -> dict[str, Any]:
    return {
        "item_id": number(f"item{n}"),
        "account_id": number("account"),
        "project_id": number("project"),
        "state": _LEASED_STATE,
        "token": literal_column("1"),
        "lease_until_ms": number("until"),
        "held_seq": number(f"seq{n}"),
        "active_ms": NONE,
        "comment": literal_column("''"),
        "version": literal_column("1"),
    }


_LEASE = [Prepared(partial(_lease_statement, size=size)) for size in range(MAX_PAGE + 1)]


def _held(item: Row[Any], lease: Row[Any], suggestion: Suggestion | None) -> HeldItem:
    return HeldItem(
        item=ItemId(item.id),
        path=item.path,
        etag=item.etag,
        size_wh=(item.width, item.height),
        frames=item.frames,
        kind=ItemKind(item.kind),
        token=lease.token,
        lease_until_ms=lease.lease_until_ms,
        draft=_draft(item, lease, suggestion),
        comment=lease.comment,
        cluster=item.cluster,
        suggestion=None if suggestion is None else suggestion.answer,
        score=None if suggestion is None else suggestion.score,
    )


def _draft(item: Row[Any], lease: Row[Any], suggestion: Suggestion | None) -> Draft:
    """This labeler's own unsubmitted work, or what a model suggests, or what the item had before a new start, or nothing."""
    if lease.draft is not None:
        return Draft.from_json(lease.draft)
    if suggestion is not None:
        return Draft(suggestion.answer)
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
    raised = update(ASSIGNMENT).where(*mine).returning(ASSIGNMENT.c.item_id)
    values = {"token": ASSIGNMENT.c.token + 1, "lease_until_ms": now_ms + lease_s * 1000}
    # Only what was taken over: an older session, not yet gone, may lease more between these statements.
    taken = conn.execute(raised.values(values)).scalars().all()
    items = {row.id: row for row in conn.execute(select(ITEM).where(ITEM.c.id.in_(taken)))}
    of_these = ASSIGNMENT.c.item_id.in_(taken)
    leases = conn.execute(select(ASSIGNMENT).where(*mine, of_these).order_by(ASSIGNMENT.c.held_seq)).all()
    suggested = suggestions.shown(conn, items.values())
    held = (_held(items[lease.item_id], lease, suggested.get(lease.item_id)) for lease in leases)
    return Page(project, account, tuple(held))


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
    rows = _OVERDUE.all(conn, now=now_ms, limit=limit)
    if not rows:
        return 0
    pairs = tuple_(ASSIGNMENT.c.item_id, ASSIGNMENT.c.account_id).in_([(r.item_id, r.account_id) for r in rows])
    return _give_back(conn, and_(pairs, IS_LEASED))


def _overdue(dialect: str) -> Select[Any]:
    query = (
        select(ASSIGNMENT.c.item_id, ASSIGNMENT.c.account_id)
        .where(IS_LEASED, ASSIGNMENT.c.lease_until_ms < number("now"))
        .order_by(ASSIGNMENT.c.lease_until_ms)
        .limit(number("limit"))
    )
    return query.with_for_update(skip_locked=True) if dialect == "postgresql" else query


_OVERDUE = Prepared(_overdue)


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
