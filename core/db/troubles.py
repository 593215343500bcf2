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
# A serialization failure and a deadlock.
_PASSING_STATES = {"40001", "40P01"}


def translate(error: BaseException) -> BaseException:
    """A driver's error as one of ours where people can act on it; any other error as it is."""
    if not isinstance(error, (DBAPIError, OSError, sqlite3.Error)):
        return error
    text = str(getattr(error, "orig", error)).lower()  # without the parameters, which are anybody's text
    for needle, kind, message in _TROUBLES:
        if needle in text:
            return kind(message)
    if _sqlstate(error) in _REFUSED_STATES:
        reason = str(getattr(error, "orig", error)).rpartition(">: ")[2]
        return DatabaseTrouble(f"The database server lets nobody in: {reason}. Check the setting database_url.")
    if _sqlstate(error) in _RESTARTING_STATES:
        return DatabaseTrouble(
            "The database server is restarting; nothing was written. Once it runs again, so does Tagline."
        )
    if isinstance(error, OSError) or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return DatabaseTrouble(
            "The database server cannot be reached; nothing was written. Once it runs again, so does Tagline."
        )
    return error


def _sqlstate(error: BaseException) -> str | None:
    return getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None


def is_passing(error: BaseException) -> bool:
    """True for what another transaction caused: the same, tried again, may go well."""
    return _sqlstate(error) in _PASSING_STATES


def is_of_database(error: BaseException) -> bool:
    """True where the database cannot serve, whatever it was asked; what was to be written is not at fault."""
    return is_passing(error) or translate(error) is not error
