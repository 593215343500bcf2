"""Who may do what in which project, asked of the database: the roles of `core.roles` met with memberships."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, select

from core.db.prepared import always, number
from core.db.tables import ACCOUNT, MEMBERSHIP, PROJECT
from core.errors import Forbidden, NotFound, ProjectPaused
from core.ids import AccountId, ProjectId, ProjectState, Role
from core.roles import Action, allowed, require
from core.team.people import Account, role_in

P = ParamSpec("P")
T = TypeVar("T")

OPERATOR = Account(AccountId(0), "operator", Role.ADMIN)
"""Whoever works on the server itself; the history names nobody for what they do."""


def actor(account: Account) -> AccountId | None:
    """Whom the history names."""
    return None if account.id == OPERATOR.id else account.id


def require_in(conn: Connection, project: ProjectId, account: Account, action: Action) -> Role:
    """Let pass whoever may do this in this project now; returns their role there.

    Raises:
        Forbidden: the account is disabled, has no place in the project, or its role does not allow it.
    """
    role = role_in(conn, project, require_enabled(conn, account))
    if role is None:
        raise Forbidden("That project is not given to you; ask an admin.")
    require(role, action)
    return role


def require_anywhere(conn: Connection, account: Account, action: Action) -> None:
    """Let pass whoever may do this to the whole installation. Raises Forbidden."""
    require(require_enabled(conn, account).role, action)


def if_allowed(
    conn: Connection,
    by: Account,
    action: Action,
    project: ProjectId | None,
    act: Callable[Concatenate[Connection, P], T],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Do something of core that asks for no role itself, in the transaction that asked. Raises Forbidden."""
    if project is None:
        require_anywhere(conn, by, action)
    else:
        require_in(conn, project, by, action)
    return act(conn, *args, **kwargs)


def acting(conn: Connection, by: int | None) -> Account:
    """Who asked for a background job, as they stand now; the operator where the history names nobody. Raises Forbidden."""
    if by is None:
        return OPERATOR
    name = conn.execute(select(ACCOUNT.c.name).where(ACCOUNT.c.id == by)).scalar_one_or_none()
    return require_enabled(conn, Account(AccountId(by), name or "", Role.LABELER))


def require_enabled(conn: Connection, account: Account) -> Account:
    """The account as it stands now, whatever its session still believes of its role. Raises Forbidden once it is disabled."""
    if account.id == OPERATOR.id:
        return account
    row = conn.execute(select(ACCOUNT.c.disabled_ms, ACCOUNT.c.role).where(ACCOUNT.c.id == account.id)).one_or_none()
    if row is None or row.disabled_ms is not None:
        raise Forbidden("Your account was disabled; what you submitted is kept. Ask an admin.")
    return replace(account, role=Role(row.role))


@dataclass(frozen=True)
class Seat:
    """What a labeler's place in a running project is like: how long pages stay in hand, how many items are gold, whether
    a model learns from it.
    """

    lease_s: int
    gold_rate: float
    learns: bool = False


def require_labeler(conn: Connection, project: ProjectId, account: AccountId) -> Seat:
    """This account's seat, where the project runs and the account may label in it; one query.

    Raises:
        ProjectPaused: it is paused, deleted or still initializing.
        Forbidden: the account is disabled or has no place in the project.
        NotFound: there is no such project.
    """
    row = _SEAT.first(conn, project=project, account=account)
    if row is None:
        raise NotFound("That project is gone.")
    if row.disabled_ms is not None:
        raise Forbidden("Your account was disabled; your unsubmitted work is kept. Ask an admin.")
    role = row.here or (row.role if row.role == Role.ADMIN else None)
    if role is None or not allowed(Role(role), Action.LABEL):
        raise Forbidden("That project is no longer given to you; your unsubmitted work is kept. Ask an admin.")
    if row.state != ProjectState.RUNNING:
        raise ProjectPaused(f"The project is {row.state}; your work is kept and can be submitted when it runs again.")
    return Seat(row.lease_s, float(row.quality.get("gold_rate", 0.0)), bool(row.assist.get("on")))


_SEAT = always(
    select(PROJECT.c.state, PROJECT.c.lease_s, PROJECT.c.quality, PROJECT.c.assist)
    .add_columns(ACCOUNT.c.disabled_ms, ACCOUNT.c.role)
    .add_columns(MEMBERSHIP.c.role.label("here"))
    .select_from(PROJECT)
    .join(ACCOUNT, ACCOUNT.c.id == number("account"))
    .outerjoin(MEMBERSHIP, (MEMBERSHIP.c.project_id == PROJECT.c.id) & (MEMBERSHIP.c.account_id == number("account")))
    .where(PROJECT.c.id == number("project"))
)
