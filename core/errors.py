"""Every error that Tagline raises on purpose, in one tree. A message says what happened, what was kept, what to do next.

TaglineError
├── BadInput            the caller's input cannot be taken
│   └── DuplicateName   a name that is, or once was, in use
├── NotFound            no such project, account, label, item
├── Forbidden           the account's role does not allow it
├── ProjectPaused       labels are taken only while a project runs
├── LeaseLost           the item is no longer this labeler's; the work is kept as a draft
├── Stale               the row changed since it was read
├── Unavailable         an aid that is not there; the work goes on without it
├── JobLost             a background job was cancelled, or another worker has it now
└── DatabaseTrouble     the database cannot serve just now
    ├── DatabaseLocked
    ├── DatabaseReadOnly
    ├── DatabaseNewer   made by a newer Tagline
    ├── DatabaseOlder   needs `tagline init` to migrate
    └── DiskFull
"""

from __future__ import annotations


class TaglineError(Exception):
    """Base of all errors whose text may be shown to a person."""


class BadInput(TaglineError):
    """The input cannot be taken as it is."""


class DuplicateName(BadInput):
    """The name is in use, or was used by something since deleted."""


class NotFound(TaglineError):
    """There is nothing of that name or id that this account may see."""


class Forbidden(TaglineError):
    """The account's role does not allow this action."""


class ProjectPaused(TaglineError):
    """The project is not running, so nothing can be submitted to it now."""


class LeaseLost(TaglineError):
    """The item has gone back to the queue or to another session."""


class Stale(TaglineError):
    """What was edited has changed since it was read."""


class Unavailable(TaglineError):
    """An aid that was asked for cannot be had here; the work goes on without it."""


class JobLost(TaglineError):
    """The job is no longer this worker's: it was cancelled, or another worker took it over."""


class DatabaseTrouble(TaglineError):
    """The database cannot serve the operation; nothing was written."""


class DatabaseLocked(DatabaseTrouble):
    """Another process holds the database for longer than the time-out."""


class DatabaseReadOnly(DatabaseTrouble):
    """The database file or server refuses writes."""


class DatabaseNewer(DatabaseTrouble):
    """The schema was made by a newer Tagline than this one."""


class DatabaseOlder(DatabaseTrouble):
    """The schema is older than this Tagline and must be migrated first."""


class DiskFull(DatabaseTrouble):
    """The disk that holds the database is full."""
