"""Giving items to labelers: chosen ones or a filter's, to one labeler or dealt out among several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select, update

from core.db.tables import ITEM
from core.errors import BadInput
from core.ids import AccountId, ItemId, ItemKind, ItemState, ProjectId
from core.roles import Action, allowed
from core.team import audit
from core.team.access import actor, require_in
from core.team.audit import Happening
from core.team.people import Account, role_in


@dataclass(frozen=True)
class Todo:
    """Which items still to do; every part that is given must hold."""

    items: tuple[ItemId, ...] = ()
    text: str = ""
    kind: ItemKind | None = None
    cluster: int | None = None
    assignee: AccountId | None = None
    limit: int | None = None


def assign(
    conn: Connection, by: Account, project: ProjectId, which: Todo, to: Sequence[Account], *, now_ms: int
) -> int:
    """Give items still to do to labelers, dealt out in the queue's order; nobody in `to` gives them back to everybody.

    A page that somebody holds already stays with them. Returns how many items were given.

    Raises:
        BadInput: an account that is disabled or may not label here.
        Forbidden: only leads and admins assign.
    """
    require_in(conn, project, by, Action.ASSIGN)
    for account in to:
        role = role_in(conn, project, account)
        if account.disabled or role is None or not allowed(role, Action.LABEL):
            raise BadInput(f"{account.name} is disabled or has no place in the project; make them a member first.")
    query = select(ITEM.c.id).where(ITEM.c.project_id == project, ITEM.c.state == ItemState.TODO.value)
    if which.items:
        query = query.where(ITEM.c.id.in_(which.items))
    if which.text:
        query = query.where(ITEM.c.path.icontains(which.text, autoescape=True))
    if which.kind is not None:
        query = query.where(ITEM.c.kind == which.kind.value)
    if which.cluster is not None:
        query = query.where(ITEM.c.cluster == which.cluster)
    if which.assignee is not None:
        query = query.where(ITEM.c.assignee_id == which.assignee)
    items = conn.execute(query.order_by(ITEM.c.priority, ITEM.c.key).limit(which.limit)).scalars().all()
    if items:
        statement = update(ITEM).where(ITEM.c.id == bindparam("b_item")).values(assignee_id=bindparam("assignee"))
        conn.execute(
            statement,
            [{"b_item": item, "assignee": to[n % len(to)].id if to else None} for n, item in enumerate(items)],
        )
    body = {"items": len(items), "to": [account.name for account in to], "text": which.text}
    audit.record(conn, [Happening("items-assigned", actor(by), project, body=body)], now_ms=now_ms)
    return len(items)
