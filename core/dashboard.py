"""What the dashboard shows, read from counts: constant time however many items and answers there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from core import tally
from core.access import require_in
from core.ids import AccountId, ItemKind, LabelId, ProjectId
from core.people import Account
from core.progress import Progress, label_counts, project_progress
from core.roles import Action
from core.tables import ACCOUNT, TALLY
from core.tally import DAY_MS, What

PACE_DAYS = 7
_PER_LABELER = (What.DONE, What.SKIPPED, What.ACTIVE_MS, What.REJECTED, What.CORRECTED, What.PACE)


@dataclass(frozen=True)
class LabelerFigures:
    """What one labeler did in a project; `median_s` is the seconds an item took them, None before the first."""

    account: AccountId
    name: str
    done: int
    skipped: int
    rejected: int
    corrected: int
    active_ms: int
    median_s: float | None
    done_lately: int


@dataclass(frozen=True)
class Forecast:
    """When the queue will be empty at the pace of the last week; `finish_ms` is None where nothing moves or is left."""

    todo: int
    per_day: float
    finish_ms: int | None


@dataclass(frozen=True)
class Dashboard:
    """One look at a project."""

    progress: Progress
    queue: Mapping[ItemKind, int]
    labels: Mapping[LabelId, int]
    labelers: tuple[LabelerFigures, ...]
    forecast: Forecast


def dashboard(conn: Connection, by: Account, project: ProjectId, *, now_ms: int) -> Dashboard:
    """Everything at once. Raises Forbidden for labelers."""
    require_in(conn, project, by, Action.SEE_PROGRESS)
    progress = project_progress(conn, project)
    labelers = labeler_figures(conn, project, now_ms=now_ms)
    lately = sum(one.done_lately for one in labelers)
    return Dashboard(
        progress,
        queue_counts(conn, project),
        {label: n for label, n in label_counts(conn, project).items() if n},
        labelers,
        forecast(progress.todo, lately, _days_of_work(conn, project, now_ms), now_ms=now_ms),
    )


def queue_counts(conn: Connection, project: ProjectId) -> Mapping[ItemKind, int]:
    """Items still to do, by how they are served."""
    rows = conn.execute(
        select(TALLY.c.code, func.sum(TALLY.c.n))
        .where(TALLY.c.project_id == project, TALLY.c.what == What.QUEUE.value)
        .group_by(TALLY.c.code)
    )
    found = {ItemKind(code): int(n) for code, n in rows}
    return {kind: found.get(kind, 0) for kind in ItemKind}


def labeler_figures(conn: Connection, project: ProjectId, *, now_ms: int) -> tuple[LabelerFigures, ...]:
    """What each labeler did, most first."""
    counts: dict[int, dict[str, int]] = {}
    paces: dict[int, dict[int, int]] = {}
    week = tally.day_of(now_ms) - PACE_DAYS
    for account, what, code, n, lately in _counts(conn, project, week):
        if what == What.PACE:
            paces.setdefault(account, {})[code] = int(n)
            continue
        mine = counts.setdefault(account, {})
        mine[what] = int(n)
        if what == What.DONE:
            mine["lately"] = int(lately)
    names = {
        row.id: row.name for row in conn.execute(select(ACCOUNT.c.id, ACCOUNT.c.name).where(ACCOUNT.c.id.in_(counts)))
    }
    found = [_figures(AccountId(id_), name, counts[id_], paces.get(id_, {})) for id_, name in names.items()]
    return tuple(sorted(found, key=lambda one: (-one.done, one.name)))


def _counts(conn: Connection, project: ProjectId, week: int) -> Sequence[tuple[int, str, int, int, int]]:
    """Sums by account, kind and code, over all days and over the last week."""
    lately = func.sum(TALLY.c.n).filter(TALLY.c.day > week)
    rows = conn.execute(
        select(TALLY.c.account_id, TALLY.c.what, TALLY.c.code, func.sum(TALLY.c.n), func.coalesce(lately, 0))
        .where(TALLY.c.project_id == project, TALLY.c.what.in_([what.value for what in _PER_LABELER]))
        .group_by(TALLY.c.account_id, TALLY.c.what, TALLY.c.code)
    )
    return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]


def _figures(account: AccountId, name: str, counts: Mapping[str, int], paces: Mapping[int, int]) -> LabelerFigures:
    return LabelerFigures(
        account, name, counts.get(What.DONE, 0), counts.get(What.SKIPPED, 0), counts.get(What.REJECTED, 0),
        counts.get(What.CORRECTED, 0), counts.get(What.ACTIVE_MS, 0), median_s(paces), counts.get("lately", 0),
    )  # fmt: skip


def median_s(paces: Mapping[int, int]) -> float | None:
    """The median duration in s from counts by bucket (see `core.tally.pace_code`), within 5 %. Pure."""
    half, seen = sum(paces.values()) / 2, 0
    for code in sorted(paces):
        seen += paces[code]
        if seen >= half and paces[code]:
            return tally.pace_ms(code) / 1000
    return None


def _days_of_work(conn: Connection, project: ProjectId, now_ms: int) -> int:
    """Days since the first answer of the last week, at least one and at most seven."""
    today = tally.day_of(now_ms)
    first = conn.execute(
        select(func.min(TALLY.c.day)).where(
            TALLY.c.project_id == project, TALLY.c.what == What.DONE.value, TALLY.c.day > today - PACE_DAYS
        )
    ).scalar_one()
    return 1 if first is None else max(1, min(PACE_DAYS, today - int(first) + 1))


def forecast(todo: int, done_lately: int, days: int, *, now_ms: int) -> Forecast:
    """When so many items are done at the pace of so many in so many days. Pure."""
    per_day = done_lately / days
    if not todo or per_day <= 0:
        return Forecast(todo, per_day, None)
    return Forecast(todo, per_day, now_ms + int(DAY_MS * todo / per_day))
