"""What the dashboard's panels say, as text for a width. Pure: figures in, text out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.text import Text

from core.counts.progress import Progress
from core.ids import LabelId, ProjectState
from core.labels import LabelSet
from core.oversight.agreement import Agreement
from core.oversight.dashboard import Forecast, LabelerFigures
from tui.manager import Insight
from tui.text import clean
from tui.widgets.bars import bar, column, moment, percent, span, stacked

Colors = Mapping[str, str]
NAME, COUNT, SHARE = 14, 9, 6
MOST_ROWS = 500


def overview(found: Insight, colors: Colors, width: int, now_ms: int) -> Text:
    """Where the items stand, what waits in the queue, and when it will be empty."""
    figures, text = found.figures, Text(no_wrap=True, overflow="ellipsis")
    if found.project.state is ProjectState.INITIALIZING:
        text.append_text(_loading(found, colors, width))
    states = list(states_of(figures.progress, colors))
    text.append_text(stacked([(count, color) for _, count, color in states], width, colors["panel"])).append("\n")
    done = figures.progress.total - figures.progress.todo
    text.append(f"{percent(done, figures.progress.total) or '0%'} done", "bold")
    under_way = f"{figures.progress.in_hand:,} being labeled now"
    text.append(f" of {figures.progress.total:,} images; {under_way}\n\n", colors["secondary"])
    for word, count, color in states:
        text.append_text(_row(word, count, figures.progress.total, color, colors, width))
    text.append("\n").append_text(_heading("To do, by kind", colors))
    waiting = sum(figures.queue.values())
    for kind, count in figures.queue.items():
        text.append_text(_row(kind.name.lower(), count, waiting, colors["primary"], colors, width))
    text.append("\n").append_text(_heading("Forecast", colors)).append_text(forecast(figures.forecast, colors, now_ms))
    return text


def _loading(found: Insight, colors: Colors, width: int) -> Text:
    done, total = found.project.import_done, found.project.import_total
    text = Text.assemble(("Loading files  ", "bold"))
    return text.append_text(bar(done, total, max(5, width - 40), colors["accent"], colors["panel"])).append(
        f"  {done:,} of {total:,}\n\n"
    )


def states_of(progress: Progress, colors: Colors) -> Iterator[tuple[str, int, str]]:
    """Name, count and colour of each state."""
    yield "labeled", progress.labeled, colors["success"]
    yield "needs review", progress.needs_review, colors["accent"]
    yield "skipped", progress.skipped, colors["warning"]
    yield "to do", progress.todo, colors["primary-muted"]
    yield "unreadable", progress.unreadable, colors["error"]
    yield "missing", progress.missing, colors["secondary"]


def _heading(text: str, colors: Colors) -> Text:
    return Text(f"{text}\n", f"bold {colors['foreground']}")


def _row(name: str, count: int, whole: int, color: str, colors: Colors, width: int, name_cells: int = NAME) -> Text:
    """A name, a count, a bar and a share, on one line."""
    cells = max(4, width - name_cells - COUNT - SHARE - 3)
    text = Text(f"{column(clean(name), name_cells)}{column(f'{count:,}', COUNT, right=True)}  ")
    text.append_text(bar(count, whole, cells, color, colors["panel"]))
    return text.append(f"{column(percent(count, whole), SHARE + 1, right=True)}\n", colors["secondary"])


def forecast(ahead: Forecast, colors: Colors, now_ms: int) -> Text:
    """When the queue will be empty, in words."""
    if not ahead.todo:
        return Text("Nothing is left to do.\n", colors["success"])
    if ahead.finish_ms is None:
        return Text("No forecast before somebody labels.\n", colors["secondary"])
    text = Text(f"Done in {span(ahead.finish_ms - now_ms)}, about {moment(ahead.finish_ms)} UTC\n")
    return text.append(f"{ahead.todo:,} left at {ahead.per_day:,.0f} images a day\n", colors["secondary"])


def labels(found: Insight, colors: Colors, width: int) -> Text:
    """How often each label was given, most first; retired ones that are still there too."""
    uses = found.figures.labels
    ranked = sorted(found.labels, key=lambda label: (-uses.get(label.id, 0), label.position))
    most, text = sum(uses.values()), Text(no_wrap=True, overflow="ellipsis")
    name_cells = max(NAME, min(30, width // 3))
    for label in ranked[:MOST_ROWS]:
        text.append_text(_row(label.path, uses.get(label.id, 0), most, label.color, colors, width, name_cells))
    if len(ranked) > MOST_ROWS:
        text.append(f"and {len(ranked) - MOST_ROWS:,} more\n", colors["secondary"])
    return text


def labelers(found: Insight, colors: Colors, width: int) -> Text:
    """What each labeler did: counts, rejects, the median seconds an image, and the last week."""
    people = found.figures.labelers
    if not people:
        return Text("Nobody has submitted anything yet.", colors["secondary"])
    name_cells = max(8, min(24, width - 52))
    text = Text(no_wrap=True, overflow="ellipsis")
    head = ("labeled", "skipped", "rejected", "s/image", "week")
    text.append(
        column("", name_cells) + "".join(column(word, 9, right=True) for word in head) + "\n", colors["secondary"]
    )
    most = people[0].done
    for one in people[:MOST_ROWS]:
        text.append_text(_labeler(one, most, colors, name_cells, width))
    return text


def _labeler(one: LabelerFigures, most: int, colors: Colors, name_cells: int, width: int) -> Text:
    text = Text(column(clean(one.name), name_cells))
    text.append(column(f"{one.done:,}", 9, right=True), "bold").append(column(f"{one.skipped:,}", 9, right=True))
    share = one.rejected / one.done if one.done else 0
    text.append(column(f"{one.rejected:,}", 9, right=True), colors["error"] if share > 0.1 else "")
    text.append(column("" if one.median_s is None else f"{one.median_s:.1f}", 9, right=True))
    text.append(column(f"{one.done_lately:,}", 9, right=True))
    room = width - name_cells - 45 - 2
    if room >= 6:
        text.append("  ").append_text(bar(one.done, most, room, colors["success"], colors["panel"]))
    return text.append("\n")


def agreement(found: Agreement | None, classes: LabelSet, colors: Colors, width: int) -> Text:
    """How far labelers agree, over all, by label and by labeler."""
    if found is None:
        return Text("")
    if not found.items or found.likeness is None:
        none_yet = (
            "No image has been answered by several labelers yet.\nThe settings say how many are asked of each image."
        )
        return Text(none_yet, colors["secondary"])
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f"{found.likeness:.0%} alike", "bold")
    text.append(f" over {found.items:,} images that several answered", colors["secondary"])
    if found.alpha is not None:
        text.append(f"\nKrippendorff's alpha {found.alpha:.2f} over all labels", colors["secondary"])
    name_cells = max(NAME, min(30, width // 3))
    text.append("\n\n").append_text(_heading(f"By label: {found.kind}", colors))
    for label, value in found.by_label.items():
        text.append_text(_score(_name(classes, label), value, "", colors, width, name_cells))
    text.append("\n").append_text(_heading("By labeler: likeness to the others", colors))
    for one in found.by_labeler:
        note = f"{one.items:,} images" + ("" if one.kappa is None else f", kappa {one.kappa:.2f}")
        text.append_text(_score(one.name, one.likeness, note, colors, width, name_cells))
    return text


def _name(classes: LabelSet, label: LabelId) -> str:
    return classes.by_id(label).path if label in classes else f"label {label}"


def _score(name: str, value: float | None, note: str, colors: Colors, width: int, name_cells: int) -> Text:
    """A name and a figure up to 1 with its bar."""
    text = Text(column(clean(name), name_cells))
    text.append(column("" if value is None else f"{value:.2f}", 6, right=True)).append("  ")
    cells = max(4, width - name_cells - 8 - (26 if note else 0))
    color = colors["success"] if (value or 0) >= 0.8 else colors["warning"] if (value or 0) >= 0.6 else colors["error"]
    text.append_text(bar(max(0.0, value or 0.0), 1, cells, color, colors["panel"]))
    return text.append(f"  {note}\n" if note else "\n", colors["secondary"])
