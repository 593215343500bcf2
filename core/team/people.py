"""Accounts, their keys and passwords, and which projects they are given."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from core.db.tables import ACCOUNT, MEMBERSHIP, PUBLIC_KEY
from core.errors import BadInput, DuplicateName, NotFound
from core.ids import AccountId, ProjectId, Role
from core.team import audit

PAGE_SIZES = (1, 4, 6, 9)
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}\Z")


@dataclass(frozen=True)
class Account:
    """A person who may log in, unless disabled."""

    id: AccountId
    name: str
    role: Role
    disabled: bool = False
    has_password: bool = False


Viewer = Account


@dataclass(frozen=True)
class KeyLine:
    """A public key: its SHA-256 fingerprint and its one-line OpenSSH form."""

    fingerprint: str
    line: str


@dataclass(frozen=True)
class Member:
    """An account's place in one project."""

    role: Role
    page_size: int = 4
    instructions_seen_ms: int | None = None


def check_user_name(name: str) -> None:
    """Refuse a name that no user can have. Raises BadInput."""
    if not _NAME.match(name):
        raise BadInput(
            f"{name!r} is no user name: 1 to 32 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit."
        )


def add_account(
    conn: Connection,
    name: str,
    role: Role,
    *,
    password_hash: str | None = None,
    keys: Sequence[KeyLine] = (),
    by: AccountId | None,
    now_ms: int,
) -> Account:
    """Make an account.

    Raises:
        BadInput: a name that is no user name.
        DuplicateName: the name, or a key's fingerprint, belongs to somebody.
    """
    check_user_name(name)
    if conn.execute(select(ACCOUNT.c.id).where(ACCOUNT.c.name == name)).first():
        raise DuplicateName(f"There is a user {name!r} already.")
    values: dict[str, Any] = {
        "name": name,
        "role": role.value,
        "password_hash": password_hash,
        "settings": {},
        "created_ms": now_ms,
    }
    account = AccountId(conn.execute(insert(ACCOUNT).values(values).returning(ACCOUNT.c.id)).scalar_one())
    audit.record(conn, [audit.Happening("user-added", by, body={"name": name, "role": role.value})], now_ms=now_ms)
    for key in keys:
        add_key(conn, account, key, by=by, now_ms=now_ms)
    return Account(account, name, role, has_password=password_hash is not None)


def add_key(conn: Connection, account: AccountId, key: KeyLine, *, by: AccountId | None, now_ms: int) -> None:
    """Let a key log an account in. Raises DuplicateName when the key is somebody's already."""
    values = {"account_id": account, "fingerprint": key.fingerprint, "line": key.line, "created_ms": now_ms}
    try:
        with conn.begin_nested():
            conn.execute(insert(PUBLIC_KEY).values(values))
    except IntegrityError as error:
        raise DuplicateName(f"The key {key.fingerprint} belongs to a user already.") from error
    body = {"account": account, "fingerprint": key.fingerprint}
    audit.record(conn, [audit.Happening("key-added", by, body=body)], now_ms=now_ms)


def remove_key(conn: Connection, account: AccountId, fingerprint: str, *, by: AccountId | None, now_ms: int) -> None:
    """Take a key from an account. Raises NotFound."""
    gone = conn.execute(
        PUBLIC_KEY.delete().where(PUBLIC_KEY.c.account_id == account, PUBLIC_KEY.c.fingerprint == fingerprint)
    )
    if gone.rowcount != 1:
        raise NotFound(f"That user has no key {fingerprint}.")
    body = {"account": account, "fingerprint": fingerprint}
    audit.record(conn, [audit.Happening("key-removed", by, body=body)], now_ms=now_ms)


def keys_of(conn: Connection, account: AccountId) -> tuple[KeyLine, ...]:
    """An account's keys, oldest first."""
    rows = conn.execute(select(PUBLIC_KEY).where(PUBLIC_KEY.c.account_id == account).order_by(PUBLIC_KEY.c.id))
    return tuple(KeyLine(row.fingerprint, row.line) for row in rows)


def set_password(
    conn: Connection, account: AccountId, password_hash: str | None, *, by: AccountId | None, now_ms: int
) -> None:
    """Give an account a password, or take it away with None."""
    conn.execute(update(ACCOUNT).where(ACCOUNT.c.id == account).values(password_hash=password_hash))
    audit.record(conn, [audit.Happening("password-set", by, body={"account": account})], now_ms=now_ms)


def account_by_name(conn: Connection, name: str) -> Account:
    """The account of that name, disabled or not. Raises NotFound."""
    row = conn.execute(select(ACCOUNT).where(ACCOUNT.c.name == name)).one_or_none()
    if row is None:
        raise NotFound(f"There is no user {name!r}.")
    return _account(row)


def account_by_key(conn: Connection, name: str, fingerprint: str) -> Account | None:
    """The enabled account of that name that owns the key, or None."""
    row = conn.execute(
        select(ACCOUNT)
        .join(PUBLIC_KEY, PUBLIC_KEY.c.account_id == ACCOUNT.c.id)
        .where(ACCOUNT.c.name == name, PUBLIC_KEY.c.fingerprint == fingerprint, ACCOUNT.c.disabled_ms.is_(None))
    ).one_or_none()
    return None if row is None else _account(row)


def password_hash(conn: Connection, name: str) -> str | None:
    """The password hash of an enabled account, or None where there is no such account or it has no password."""
    enabled = select(ACCOUNT.c.password_hash).where(ACCOUNT.c.name == name, ACCOUNT.c.disabled_ms.is_(None))
    found: str | None = conn.execute(enabled).scalar_one_or_none()
    return found


def list_accounts(conn: Connection) -> tuple[Account, ...]:
    """Every account, by name."""
    return tuple(_account(row) for row in conn.execute(select(ACCOUNT).order_by(ACCOUNT.c.name)))


def _account(row: Row[Any]) -> Account:
    return Account(
        AccountId(row.id), row.name, Role(row.role), row.disabled_ms is not None, row.password_hash is not None
    )


def set_disabled(conn: Connection, account: AccountId, disabled: bool, *, by: AccountId | None, now_ms: int) -> None:
    """Shut an account out, or let it in again. Its open sessions end within seconds (see `shut_out`)."""
    conn.execute(update(ACCOUNT).where(ACCOUNT.c.id == account).values(disabled_ms=now_ms if disabled else None))
    what = "user-disabled" if disabled else "user-enabled"
    audit.record(conn, [audit.Happening(what, by, body={"account": account})], now_ms=now_ms)


def set_role(conn: Connection, account: AccountId, role: Role, *, by: AccountId | None, now_ms: int) -> None:
    """Give an account another role; it counts from the next thing that it asks for. What it is in projects stays.

    Raises:
        BadInput: no admin who may log in would be left.
        NotFound: there is no such account.
    """
    row = conn.execute(select(ACCOUNT.c.role).where(ACCOUNT.c.id == account)).one_or_none()
    if row is None:
        raise NotFound("There is no such user any more.")
    others = (ACCOUNT.c.role == Role.ADMIN.value, ACCOUNT.c.disabled_ms.is_(None), ACCOUNT.c.id != account)
    if role is not Role.ADMIN and not conn.execute(select(ACCOUNT.c.id).where(*others).limit(1)).first():
        raise BadInput("There would be no admin left; make somebody else an admin first.")
    conn.execute(update(ACCOUNT).where(ACCOUNT.c.id == account).values(role=role.value))
    body = {"account": account, "before": row.role, "after": role.value}
    audit.record(conn, [audit.Happening("role-changed", by, body=body)], now_ms=now_ms)


def shut_out(conn: Connection, names: Collection[str]) -> frozenset[str]:
    """Those of these accounts that are disabled or gone."""
    welcome = select(ACCOUNT.c.name).where(ACCOUNT.c.name.in_(names), ACCOUNT.c.disabled_ms.is_(None))
    return frozenset(names).difference(conn.execute(welcome).scalars())


def add_member(
    conn: Connection, project: ProjectId, account: AccountId, role: Role, *, by: AccountId | None, now_ms: int
) -> None:
    """Give an account a project, or another role in it."""
    if (
        conn.execute(
            update(MEMBERSHIP)
            .where(MEMBERSHIP.c.project_id == project, MEMBERSHIP.c.account_id == account)
            .values(role=role.value)
        ).rowcount
        == 0
    ):
        values = {"project_id": project, "account_id": account, "role": role.value, "page_size": 4}
        conn.execute(insert(MEMBERSHIP).values(values))
    body = {"account": account, "role": role.value}
    audit.record(conn, [audit.Happening("member-added", by, project, body=body)], now_ms=now_ms)


def remove_member(
    conn: Connection, project: ProjectId, account: AccountId, *, by: AccountId | None, now_ms: int
) -> None:
    """Take a project from an account; what it submitted stays. Raises NotFound."""
    gone = conn.execute(
        MEMBERSHIP.delete().where(MEMBERSHIP.c.project_id == project, MEMBERSHIP.c.account_id == account)
    )
    if gone.rowcount != 1:
        raise NotFound("That user is no member of that project.")
    audit.record(conn, [audit.Happening("member-removed", by, project, body={"account": account})], now_ms=now_ms)


def membership(conn: Connection, project: ProjectId, account: AccountId) -> Member | None:
    """The account's place in the project, or None where it was never given one."""
    row = conn.execute(
        select(MEMBERSHIP).where(MEMBERSHIP.c.project_id == project, MEMBERSHIP.c.account_id == account)
    ).one_or_none()
    return None if row is None else Member(Role(row.role), row.page_size, row.instructions_seen_ms)


def members_of(conn: Connection, project: ProjectId) -> tuple[tuple[Account, Role], ...]:
    """The project's members with their roles in it, by name."""
    rows = conn.execute(
        select(ACCOUNT, MEMBERSHIP.c.role.label("here"))
        .join(MEMBERSHIP, MEMBERSHIP.c.account_id == ACCOUNT.c.id)
        .where(MEMBERSHIP.c.project_id == project)
        .order_by(ACCOUNT.c.name)
    )
    return tuple((_account(row), Role(row.here)) for row in rows)


def role_in(conn: Connection, project: ProjectId, account: Account) -> Role | None:
    """What the account is in the project: an admin everywhere, others what they were given, else None."""
    if account.role is Role.ADMIN:
        return Role.ADMIN
    member = membership(conn, project, account.id)
    return None if member is None else member.role


def remember(
    conn: Connection,
    project: ProjectId,
    account: Account,
    *,
    page_size: int | None = None,
    instructions_seen_ms: int | None = None,
) -> None:
    """Keep how this account likes to work in this project. Raises BadInput for an unknown page size."""
    if page_size is not None and page_size not in PAGE_SIZES:
        raise BadInput(f"A page has 1, 4, 6 or 9 images, not {page_size}.")
    given = {"page_size": page_size, "instructions_seen_ms": instructions_seen_ms}
    values = {name: value for name, value in given.items() if value is not None}
    here = (MEMBERSHIP.c.project_id == project, MEMBERSHIP.c.account_id == account.id)
    if values and conn.execute(update(MEMBERSHIP).where(*here).values(values)).rowcount == 0:
        new = {"project_id": project, "account_id": account.id, "role": account.role.value, "page_size": 4}
        conn.execute(insert(MEMBERSHIP).values(new | values))
