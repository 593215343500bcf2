"""What a database's driver says, as one of our errors that says what happened and what to do."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError

from core.errors import DatabaseLocked, DatabaseReadOnly, DatabaseTrouble, DiskFull

_DAMAGED = "The database file is damaged or no database; nothing was written. Move it away and restore a backup."
_TROUBLES: tuple[tuple[str, type[DatabaseTrouble], str], ...] = (
    (
        "database is locked",
        DatabaseLocked,
        "The database is locked by another process; nothing was written. Try again.",
    ),
    (
        "readonly database",
        DatabaseReadOnly,
        "The database is read-only; nothing was written. Check the file's permissions.",
    ),
    ("read-only transaction", DatabaseReadOnly, "The database server is read-only; nothing was written."),
    (
        "disk is full",
        DiskFull,
        "The disk that holds the database is full; nothing was written. Free some room, then try again.",
    ),
    (
        "no space left",
        DiskFull,
        "The disk that holds the database is full; nothing was written. Free some room, then try again.",
    ),
    (
        "unable to open database file",
        DatabaseTrouble,
        "The database file cannot be opened; check the data folder and its permissions.",
    ),
    ("file is not a database", DatabaseTrouble, _DAMAGED),
    ("disk image is malformed", DatabaseTrouble, _DAMAGED),
    (
        "too many clients",
        DatabaseTrouble,
        "The database server has no connection left; nothing was written. Try again, or raise its max_connections.",
    ),
)
# PostgreSQL's codes of what only the settings can cure: no such database, no such user, wrong password.
_REFUSED_STATES = {"3D000", "28000", "28P01"}
# And of a server that goes down, crashed, or comes up: it ends connections, and takes none for a while.
_RESTARTING_STATES = {"57P01", "57P02", "57P03"}


def translate(error: BaseException) -> BaseException:
    """A driver's error as one of ours where people can act on it; any other error as it is."""
    if not isinstance(error, (DBAPIError, OSError, sqlite3.Error)):
        return error
    text = str(error).lower()
    for needle, kind, message in _TROUBLES:
        if needle in text:
            return kind(message)
    if sqlstate(error) in _REFUSED_STATES:
        reason = str(getattr(error, "orig", error)).rpartition(">: ")[2]
        return DatabaseTrouble(f"The database server lets nobody in: {reason}. Check the setting database_url.")
    if sqlstate(error) in _RESTARTING_STATES:
        return DatabaseTrouble(
            "The database server is restarting; nothing was written. Once it runs again, so does Tagline."
        )
    if isinstance(error, OSError) or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return DatabaseTrouble(
            "The database server cannot be reached; nothing was written. Once it runs again, so does Tagline."
        )
    return error


def sqlstate(error: BaseException) -> str | None:
    """PostgreSQL's five-letter code of what went wrong, or None."""
    return getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None
