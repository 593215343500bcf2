"""How far a project is, read from the tally: constant time however many items there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, literal_column, select

from core.counts.tally import What
from core.db.tables import ACCOUNT, ASSIGNMENT, IS_LEASED, TALLY
from core.ids import AccountId, ItemKind, ItemState, LabelId, ProjectId


@dataclass(frozen=True)
class Progress:
    """Items of a project by state; `in_hand` are the to-do items that labelers hold just now."""

    total: int = 0
    todo: int = 0
    labeled: int = 0
    skipped: int = 0
    needs_review: int = 0
    unreadable: int = 0
    missing: int = 0
    in_hand: int = 0

    @property
    def done_fraction(self) -> float:
        """Part of the items that ask nothing more of labelers, 0 to 1."""
        return (self.total - self.todo) / self.total if self.total else 0.0


@dataclass(frozen=True)
class LabelerCount:
    """What one labeler did in a project."""

    account: AccountId
    name: str
    done: int
    skipped: int
    active_ms: int


def project_progress(conn: Connection, project: ProjectId) -> Progress:
    """Where the project's items stand."""
    rows = conn.execute(
        select(TALLY.c.code, func.sum(TALLY.c.n))
        .where(TALLY.c.project_id == project, TALLY.c.what == What.ITEM.value)
        .group_by(TALLY.c.code)
    )
    return progress_of({ItemState(code): int(n) for code, n in rows}, in_hand(conn, project))


def progress_of(by_state: Mapping[ItemState, int], held: int) -> Progress:
    """The progress that these counts of items by state, and of items held, say. Pure."""
    return Progress(
        total=sum(by_state.values()),
        todo=by_state.get(ItemState.TODO, 0),
        labeled=by_state.get(ItemState.LABELED, 0),
        skipped=by_state.get(ItemState.SKIPPED, 0),
        needs_review=by_state.get(ItemState.NEEDS_REVIEW, 0),
        unreadable=by_state.get(ItemState.UNREADABLE, 0),
        missing=by_state.get(ItemState.MISSING, 0),
        in_hand=held,
    )


def in_hand(conn: Connection, project: ProjectId) -> int:
    """How many of the project's items labelers hold just now; one that several hold counts once."""
    # The bound on lease_until_ms lets the small index of leases answer, whatever the engine believes of the states.
    held = (IS_LEASED, ASSIGNMENT.c.lease_until_ms >= literal_column("0"), ASSIGNMENT.c.project_id == project)
    return conn.execute(select(func.count(ASSIGNMENT.c.item_id.distinct())).where(*held)).scalar_one()


def queue_counts(conn: Connection, project: ProjectId) -> Mapping[ItemKind, int]:
    """Items still to do by how they are served."""
    rows = conn.execute(
        select(TALLY.c.code, func.sum(TALLY.c.n))
        .where(TALLY.c.project_id == project, TALLY.c.what == What.QUEUE.value)
        .group_by(TALLY.c.code)
    )
    found = {int(code): int(n) for code, n in rows}
    return {kind: found.get(kind.value, 0) for kind in ItemKind}


def label_counts(conn: Connection, project: ProjectId) -> Mapping[LabelId, int]:
    """How many current answers hold each label."""
    rows = conn.execute(
        select(TALLY.c.code, func.sum(TALLY.c.n))
        .where(TALLY.c.project_id == project, TALLY.c.what == What.LABEL.value)
        .group_by(TALLY.c.code)
    )
    return {LabelId(code): int(n) for code, n in rows}


def labeler_counts(conn: Connection, project: ProjectId) -> tuple[LabelerCount, ...]:
    """What each labeler did, most first."""
    rows = conn.execute(
        select(ACCOUNT.c.id, ACCOUNT.c.name, TALLY.c.what, func.sum(TALLY.c.n))
        .join(ACCOUNT, ACCOUNT.c.id == TALLY.c.account_id)
        .where(
            TALLY.c.project_id == project,
            TALLY.c.what.in_([What.DONE.value, What.SKIPPED.value, What.ACTIVE_MS.value]),
        )
        .group_by(ACCOUNT.c.id, ACCOUNT.c.name, TALLY.c.what)
    )
    found: dict[tuple[int, str], dict[str, int]] = {}
    for account, name, what, n in rows:
        found.setdefault((account, name), {})[what] = int(n)
    counts = [
        LabelerCount(AccountId(a), name, n.get("done", 0), n.get("skipped", 0), n.get("active-ms", 0))
        for (a, name), n in found.items()
    ]
    return tuple(sorted(counts, key=lambda count: (-count.done, count.name)))
