"""What the dashboard shows, read from counts: constant time however many items and answers there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from core.counts import tally
from core.counts.progress import Progress, in_hand, progress_of
from core.counts.tally import DAY_MS, What
from core.db.tables import ACCOUNT, TALLY
from core.ids import AccountId, ItemKind, ItemState, LabelId, ProjectId
from core.roles import Action
from core.team.access import require_in
from core.team.people import Account

PACE_DAYS = 7
CHART_DAYS = 14
_SUMMED = (What.DONE, What.SKIPPED, What.ACTIVE_MS, What.REJECTED, What.CORRECTED)


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
    """One look at a project; `days` are the images submitted on each of the last days, today's last."""

    progress: Progress
    queue: Mapping[ItemKind, int]
    labels: Mapping[LabelId, int]
    labelers: tuple[LabelerFigures, ...]
    forecast: Forecast
    days: tuple[int, ...] = ()


def dashboard(conn: Connection, by: Account, project: ProjectId, *, now_ms: int) -> Dashboard:
    """Everything at once. Raises Forbidden for labelers."""
    require_in(conn, project, by, Action.SEE_PROGRESS)
    counts = _by_code(conn, project)
    by_state = {ItemState(code): n for code, n in counts[What.ITEM].items()}
    progress = progress_of(by_state, in_hand(conn, project))
    sums = _sums(conn, project)
    week = _week(conn, project, sums, now_ms)
    labelers = labeler_figures(conn, project, week, sums)
    lately = sum(one.done_lately for one in labelers)
    return Dashboard(
        progress,
        {kind: counts[What.QUEUE].get(kind, 0) for kind in ItemKind},
        {LabelId(code): n for code, n in counts[What.LABEL].items() if n},
        labelers,
        forecast(progress.todo, lately, _days_of_work(week, now_ms), now_ms=now_ms),
        _days(conn, project, sums, now_ms),
    )


def _by_code(conn: Connection, project: ProjectId) -> dict[str, dict[int, int]]:
    """Items by state, the queue by kind and answers by label, in one query."""
    kinds = [What.ITEM.value, What.QUEUE.value, What.LABEL.value]
    rows = conn.execute(
        select(TALLY.c.what, TALLY.c.code, func.sum(TALLY.c.n))
        .where(TALLY.c.project_id == project, TALLY.c.what.in_(kinds))
        .group_by(TALLY.c.what, TALLY.c.code)
    ).all()
    found: dict[str, dict[int, int]] = {kind: {} for kind in kinds}
    for what, code, n in rows:
        found[what][code] = int(n)
    return found


def labeler_figures(
    conn: Connection, project: ProjectId, week: Mapping[int, tuple[int, int]], sums: Mapping[int, Mapping[str, int]]
) -> tuple[LabelerFigures, ...]:
    """What each labeler did, most first."""
    paces = _paces(conn, project)
    names = {row.id: row.name for row in conn.execute(select(ACCOUNT.c.id, ACCOUNT.c.name)).all()}
    found = [
        _figures(AccountId(id_), names[id_], of, paces.get(id_, {}), week.get(id_, (0, 0))[0])
        for id_, of in sums.items()
        if id_ in names
    ]
    return tuple(sorted(found, key=lambda one: (-one.done, one.name)))


def _sums(conn: Connection, project: ProjectId) -> dict[int, dict[str, int]]:
    """Counts for all time by account and kind. The grouping follows the primary key, so that no engine sorts for it."""
    rows = conn.execute(
        select(TALLY.c.what, TALLY.c.account_id, func.sum(TALLY.c.n))
        .where(TALLY.c.project_id == project, TALLY.c.what.in_([what.value for what in _SUMMED]))
        .group_by(TALLY.c.what, TALLY.c.account_id)
    ).all()
    found: dict[int, dict[str, int]] = {}
    for what, account, n in rows:
        found.setdefault(account, {})[what] = int(n)
    return found


def _week(conn: Connection, project: ProjectId, accounts: Iterable[int], now_ms: int) -> dict[int, tuple[int, int]]:
    """Items and first day of each account's last week; accounts are named, so that each is a short walk of the index."""
    rows = conn.execute(
        select(TALLY.c.account_id, func.sum(TALLY.c.n), func.min(TALLY.c.day))
        .where(
            TALLY.c.project_id == project,
            TALLY.c.what == What.DAILY.value,
            TALLY.c.account_id.in_(sorted(accounts)),
            TALLY.c.day > tally.day_of(now_ms) - PACE_DAYS,
        )
        .group_by(TALLY.c.account_id)
    ).all()
    return {row[0]: (int(row[1]), row[2]) for row in rows}


def _days(conn: Connection, project: ProjectId, accounts: Iterable[int], now_ms: int) -> tuple[int, ...]:
    """Items submitted on each of the last days by these accounts together, today's last."""
    today = tally.day_of(now_ms)
    first = today - CHART_DAYS + 1
    rows = conn.execute(
        select(TALLY.c.day, func.sum(TALLY.c.n))
        .where(
            TALLY.c.project_id == project,
            TALLY.c.what == What.DAILY.value,
            TALLY.c.account_id.in_(sorted(accounts)),
            TALLY.c.day >= first,
        )
        .group_by(TALLY.c.day)
    ).all()
    by_day = {row[0]: int(row[1]) for row in rows}
    return tuple(by_day.get(day, 0) for day in range(first, today + 1))


def _paces(conn: Connection, project: ProjectId) -> dict[int, dict[int, int]]:
    """How many items took each labeler how long, by bucket."""
    rows = conn.execute(
        select(TALLY.c.account_id, TALLY.c.code, TALLY.c.n).where(
            TALLY.c.project_id == project, TALLY.c.what == What.PACE.value
        )
    ).all()
    found: dict[int, dict[int, int]] = {}
    for account, code, n in rows:
        found.setdefault(account, {})[code] = n
    return found


def _figures(
    account: AccountId, name: str, sums: Mapping[str, int], paces: Mapping[int, int], lately: int
) -> LabelerFigures:
    return LabelerFigures(
        account, name, sums.get(What.DONE, 0), sums.get(What.SKIPPED, 0), sums.get(What.REJECTED, 0),
        sums.get(What.CORRECTED, 0), sums.get(What.ACTIVE_MS, 0), median_s(paces), lately,
    )  # fmt: skip


def median_s(paces: Mapping[int, int]) -> float | None:
    """The median duration in s from counts by bucket (see `core.counts.tally.pace_code`), within 5 %. Pure."""
    half, seen = sum(paces.values()) / 2, 0
    for code in sorted(paces):
        seen += paces[code]
        if seen >= half and paces[code]:
            return tally.pace_ms(code) / 1000
    return None


def _days_of_work(week: Mapping[int, tuple[int, int]], now_ms: int) -> int:
    """Days since the first answer of the last week, at least one and at most seven. Pure."""
    today = tally.day_of(now_ms)
    first = min((day for _, day in week.values()), default=today)
    return max(1, min(PACE_DAYS, today - first + 1))


def forecast(todo: int, done_lately: int, days: int, *, now_ms: int) -> Forecast:
    """When so many items are done at the pace of so many in so many days. Pure."""
    per_day = done_lately / days
    if not todo or per_day <= 0:
        return Forecast(todo, per_day, None)
    return Forecast(todo, per_day, now_ms + int(DAY_MS * todo / per_day))
