"""The log for people: entries keep ids, which never change; here they become the names that labels and accounts have now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Column, Connection, select

from core.auditlog import Entry, Wanted, entries
from core.people import Account
from core.tables import ACCOUNT, LABEL_CLASS

NAMED = {"label": "label", "labels": "label", "account": "account"}
"""What the ids under a key of an entry's body are of, alone or in a list."""


def named_entries(
    conn: Connection, by: Account, wanted: Wanted, *, limit: int, before: int | None = None
) -> tuple[Entry, ...]:
    """Entries as `core.auditlog.entries` gives them, with names for ids. Raises Forbidden."""
    return with_names(conn, entries(conn, by, wanted, limit=limit, before=before))


def with_names(conn: Connection, found: Sequence[Entry]) -> tuple[Entry, ...]:
    """The same entries with names for ids; an id that nothing has any more stays as it is."""
    ids = [id_ for entry in found for id_ in _ids(entry.body)]
    names = {
        ("label", id_): path
        for id_, path in _look_up(conn, LABEL_CLASS.c.id, LABEL_CLASS.c.path, {id_ for of, id_ in ids if of == "label"})
    } | {
        ("account", id_): name
        for id_, name in _look_up(conn, ACCOUNT.c.id, ACCOUNT.c.name, {id_ for of, id_ in ids if of == "account"})
    }
    name = lambda of, id_: names.get((of, id_), id_)  # noqa: E731
    return tuple(replace(entry, body=_renamed(entry.body, name)) for entry in found)


def _look_up(conn: Connection, id_: Column[int], name: Column[str], wanted: set[int]) -> list[tuple[int, str]]:
    return [(row[0], row[1]) for row in conn.execute(select(id_, name).where(id_.in_(wanted)))] if wanted else []


def _ids(body: Any, of: str | None = None) -> Iterator[tuple[str, int]]:
    """Every id in a body, with what it is of."""
    if isinstance(body, Mapping):
        for key, value in body.items():
            yield from _ids(value, NAMED.get(key))
    elif isinstance(body, list):
        for value in body:
            yield from _ids(value, of)
    elif of is not None and isinstance(body, int):
        yield of, body


def _renamed(body: Any, name: Callable[[str, int], Any], of: str | None = None) -> Any:
    """A body with the names that `name` gives."""
    if isinstance(body, Mapping):
        return {key: _renamed(value, name, NAMED.get(key)) for key, value in body.items()}
    if isinstance(body, list):
        return [_renamed(value, name, of) for value in body]
    return name(of, body) if of is not None and isinstance(body, int) else body
