"""The log for people: entries keep ids, which never change; here they become the names that labels and accounts have now."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Column, Connection, select

from core.db.tables import ACCOUNT, LABEL_CLASS
from core.team.people import Account
from core.upkeep.auditlog import Entry, Wanted, entries

Reference = tuple[str, int]
NAMED = {"label": "label", "labels": "label", "account": "account"}
"""What the ids under a key of an entry's body are of, alone or in a list."""


def named_entries(
    conn: Connection, by: Account, wanted: Wanted, *, limit: int, before: int | None = None
) -> tuple[Entry, ...]:
    """Entries as `core.upkeep.auditlog.entries` gives them, with names for ids. Raises Forbidden."""
    return _with_names(conn, entries(conn, by, wanted, limit=limit, before=before))


def _with_names(conn: Connection, found: Sequence[Entry]) -> tuple[Entry, ...]:
    """The same entries with names for ids; an id that nothing has any more stays as it is."""
    wanted = {one for entry in found for one in _ids(entry.body)}
    names = {
        **_names(conn, "label", LABEL_CLASS.c.id, LABEL_CLASS.c.path, wanted),
        **_names(conn, "account", ACCOUNT.c.id, ACCOUNT.c.name, wanted),
    }
    return tuple(replace(entry, body=_renamed(entry.body, names)) for entry in found)


def _names(
    conn: Connection, of: str, id_: Column[int], name: Column[str], wanted: Collection[Reference]
) -> dict[Reference, str]:
    ids = [one for what, one in wanted if what == of]
    return {(of, row[0]): row[1] for row in conn.execute(select(id_, name).where(id_.in_(ids)))} if ids else {}


def _ids(body: Any, of: str | None = None) -> Iterator[Reference]:
    """Every id in a body, with what it is of."""
    if isinstance(body, Mapping):
        for key, value in body.items():
            yield from _ids(value, NAMED.get(key))
    elif isinstance(body, list):
        for value in body:
            yield from _ids(value, of)
    elif of is not None and isinstance(body, int):
        yield of, body


def _renamed(body: Any, names: Mapping[Reference, str], of: str | None = None) -> Any:
    """A body with these names for its ids."""
    if isinstance(body, Mapping):
        return {key: _renamed(value, names, NAMED.get(key)) for key, value in body.items()}
    if isinstance(body, list):
        return [_renamed(value, names, of) for value in body]
    return names.get((of, body), body) if of is not None and isinstance(body, int) else body
