"""What the dashboard says of ML assist: how things stand, the way to the next training, runs with their figures. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

from rich.text import Text

from core.assist.learning import Run, RunState, counted
from core.assist.suggestions import Judged
from core.oversight.assist_status import AssistStatus
from tui.text import clean
from tui.widgets.bars import DAY_MS, HOUR_MS, LOWER, MINUTE_MS, bar, column

Colors = Mapping[str, str]
NAME = 16
ROWS = 4


def learning(found: AssistStatus | None, colors: Colors, width: int, now_ms: int) -> Text:
    """The section, for a width."""
    if found is None:
        return Text()
    text = Text(no_wrap=True, overflow="ellipsis").append(_wrapped(found.says, width), "bold")
    if not found.settings.on:
        return text.append("It is switched on in the settings: e, then ML assist.\n", colors["secondary"])
    cells = max(6, width - NAME - 24)
    if found.job is not None and found.job.is_unfinished:
        text.append(column(found.job.kind, NAME))
        text.append_text(bar(found.job.progress, 1, cells, colors["accent"], colors["panel"]))
        text.append(f"  {found.job.progress:.0%}\n")
    text.append(column("next training", NAME))
    text.append_text(bar(found.labeled, found.next_training, cells, colors["primary"], colors["panel"]))
    text.append(f"  {found.labeled:,} of {found.next_training:,} labels\n")
    text.append(column("audit sample", NAME))
    text.append_text(bar(found.audited, found.audit, cells, colors["secondary"], colors["panel"]))
    text.append(f"  {counted(found.audited)} of {counted(found.audit)} labeled\n")
    if found.live.precision is not None:
        text.append(column("people kept", NAME))
        text.append_text(bar(found.live.precision, 1, cells, colors["success"], colors["panel"]))
        text.append(f"  {found.live.precision:.1%} of {counted(found.live.judged)} images\n")
    if found.regions != Judged():
        text.append(_wrapped(f"of the regions: {regions_text(found.regions)}", width), colors["secondary"])
    text.append("\n").append_text(_curve(found, colors, cells)).append_text(_runs(found, colors, width, now_ms))
    for worker in found.workers:
        note = f": {worker.note}" if worker.note and worker.note != found.says else ""
        text.append(_wrapped(f"learning worker {worker.name} on {worker.device}{note}", width), colors["secondary"])
    return text


def _wrapped(said: str, width: int) -> str:
    """A sentence on as many lines as it takes."""
    return "\n".join(wrap(clean(said), width)) + "\n"


def regions_text(judged: Judged) -> str:
    """What people made of suggested regions, in a few words."""
    left, moved = f"{judged.accepted:,} left as they were", f"{judged.corrected:,} moved or reshaped"
    return f"{left}, {moved}, {judged.rejected:,} taken away, {judged.added:,} added"


def _curve(found: AssistStatus, colors: Colors, cells: int) -> Text:
    """How right the newest model is on audit images, from its surest answers on the left to all of them on the right."""
    run = next((run for run in found.runs if run.metrics.get("curve")), None)
    if run is None:
        return Text()
    text = Text()
    heads = {ROWS - 1: f"{'precision':<{NAME - 5}}100% ", 0: f"{'50% ':>{NAME}}"}
    says = {ROWS - 1: f"  target {found.settings.target:.0%}", 0: f"  {_legend(run)}"}
    points = curve_cells(run.metrics["curve"], cells)
    for row in range(ROWS - 1, -1, -1):
        text.append(heads.get(row, " " * NAME), colors["secondary"] if row != ROWS - 1 else "")
        for covered, precision in points:
            shown = run.threshold is not None and covered <= (run.metrics.get("coverage") or 0)
            color = "success" if precision >= found.settings.target else "warning"
            text.append(_block(precision, row), f"{colors[color]}{'' if shown else ' dim'}")
        text.append(f"{says.get(row, '')}\n", colors["secondary"])
    return text.append(column("", NAME)).append("surest".ljust(max(0, cells - 3)) + "all\n\n", colors["secondary"])


def _legend(run: Run) -> str:
    """What the bright part of a run's curve is."""
    if run.threshold is None:
        return "none is shown"
    return "bright: shown" if run.state is RunState.ACTIVE else "bright: was shown"


def curve_cells(points: Sequence[tuple[float, float, float]], cells: int) -> list[tuple[float, float]]:
    """A curve of (threshold, coverage, precision) as so many columns: coverage, and the precision up to there."""
    reach = points[-1][1]
    wanted = [reach * (n + 1) / cells for n in range(cells)]
    return [(at, next(p for _, covered, p in points if covered >= at - 1e-9)) for at in wanted]


def _block(precision: float, row: int) -> str:
    """The part in this row, counted from below, of a column that is as high as the precision lies between a half and one."""
    eighths = max(1, round((precision - 0.5) * 2 * 8 * ROWS))
    return LOWER[min(8, max(0, eighths - 8 * row))]


def _runs(found: AssistStatus, colors: Colors, width: int, now_ms: int) -> Text:
    if not found.runs:
        return Text("No run yet.\n\n", colors["secondary"])
    heads = (("run", 10), ("state", 13), ("began", 12), ("took", 8))
    text = Text().append("".join(column(word, cells) for word, cells in heads), colors["secondary"])
    text.append("right  covers\n", colors["secondary"])
    for run in found.runs:
        text.append(column(run.kind, 10)).append(column(run.state.value, 13), _state_color(run, colors))
        text.append(column(f"{took(now_ms - run.started_ms)} ago", 12))
        text.append(column("" if run.ended_ms is None else took(run.ended_ms - run.started_ms), 8))
        text.append(f"{_percent(run.right):<7}{_percent(run.metrics.get('coverage'))}\n")
        for line in wrap(_log(run, found.says), width - 2):
            text.append(f"  {line}\n", colors["secondary"])
    return text.append("\n")


def _log(run: Run, said: str) -> str:
    """What the run says of itself, but for what has been said."""
    lines = [clean(line.strip()) for line in run.log.splitlines()]
    return " ".join(line for line in lines if line and line != clean(said))


def took(ms: int) -> str:
    """A length of time in a few cells."""
    for unit_ms, word in ((DAY_MS, "d"), (HOUR_MS, "h"), (MINUTE_MS, "min")):
        if ms >= 2 * unit_ms:
            return f"{round(ms / unit_ms)} {word}"
    return f"{max(0, round(ms / 1000))} s"


def _state_color(run: Run, colors: Colors) -> str:
    by_state = {
        "active": "success",
        "done": "success",
        "failed": "error",
        "switched-off": "warning",
        "running": "accent",
    }
    return colors[by_state.get(run.state.value, "secondary")]


def _percent(part: Any) -> str:
    return "" if part is None else f"{part:.0%}"
