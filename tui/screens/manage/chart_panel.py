"""The dashboard's charts: items by state, labels, and images a day; a picture where the terminal has graphics, else text."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Static

from tui.app import TaglineApp
from tui.charts import RGB, beside, columns, ring
from tui.colors import Color, rgb_of
from tui.manager import Insight
from tui.picture.prepare import prepare
from tui.picture.view import PictureView
from tui.screens.manage.panel import Panel
from tui.screens.manage.panels import states_of
from tui.terminal import Graphics
from tui.text import clean
from tui.widgets.bars import column, column_chart, percent, stacked

Colors = Mapping[str, str]
Parts = tuple[tuple[str, int, str], ...]
"""(name, count, colour) of what makes up a whole."""
HEADS = ("Images by state", "Labels", "Images a day")
LEGEND_ROWS, LEAST_ROWS = 4, 4
EXACT = 400
"""Shares that differ by less than a part in so many look the same, and are not drawn again."""


@dataclass(frozen=True)
class Chart:
    """What is drawn: two wholes, and a count a day."""

    states: Parts
    labels: Parts
    days: tuple[int, ...]

    @property
    def looks(self) -> object:
        """Equal where the picture would be."""
        most = max([*self.days, 1])
        return _shares(self.states), _shares(self.labels), tuple(round(EXACT * n / most) for n in self.days)


def _shares(parts: Parts) -> tuple[tuple[int, str], ...]:
    whole = sum(count for _, count, _ in parts) or 1
    return tuple((round(EXACT * count / whole), color) for _, count, color in parts)


class ChartPanel(Panel):
    """Heads, the charts, and what their colours mean; drawn anew only when it would look different."""

    DEFAULT_CSS = "ChartPanel PictureView { width: 1fr; margin-right: 1; display: none; background: $background; }"

    def __init__(self, title: str) -> None:
        super().__init__(title)
        self._drawn: object = None

    def compose(self) -> ComposeResult:
        """The text, with a place for the picture under its first line."""
        yield Static(id="heads")
        yield PictureView(cast("TaglineApp", self.app).stage)
        yield Static(id="legend")

    def draw(self, found: Insight, colors: Colors) -> None:
        """Show these figures."""
        chart, width, height = chart_of(found, colors), self.cells, self.scrollable_content_region.height
        rows = max(LEAST_ROWS, height - 1 - LEGEND_ROWS)
        heads, view, legend = (
            self.query_one("#heads", Static),
            self.query_one(PictureView),
            self.query_one("#legend", Static),
        )
        terminal, third = cast("TaglineApp", self.app).terminal, width // 3
        view.display = terminal.graphics is not Graphics.CELLS
        if not view.display:
            heads.update(as_text(chart, width, rows, colors))
            return
        rows = min(rows, max(LEAST_ROWS, third * terminal.cell_wh_px[0] // terminal.cell_wh_px[1]))
        view.styles.height = rows
        heads.update(Text("".join(column(word, third) for word in HEADS), colors["secondary"]))
        legend.update(_legend(chart, third, max(LEGEND_ROWS, height - 1 - rows), colors))
        key = (chart.looks, width, rows, colors["background"])
        if width and key != self._drawn:  # made for the room that the view is about to have
            self._drawn = key
            self.run_worker(self._picture(chart, view, (width, rows), colors), group="chart", exclusive=True)

    async def _picture(self, chart: Chart, view: PictureView, size: tuple[int, int], colors: Colors) -> None:
        terminal = cast("TaglineApp", self.app).terminal
        cell, background = terminal.cell_wh_px, rgb_of(colors["background"])
        size_px = (size[0] * cell[0], size[1] * cell[1])
        third_px = self.cells // 3 * cell[0]
        look = _Look(background, rgb_of(colors["panel"]), rgb_of(colors["primary"]), rgb_of(colors["accent"]))
        rgb = await asyncio.to_thread(draw, chart, size_px, third_px, look)
        view.show(await asyncio.to_thread(prepare, rgb, terminal, size, background, colors=64))


@dataclass(frozen=True)
class _Look:
    background: Color
    rest: Color
    color: Color
    newest: Color


def chart_of(found: Insight, colors: Colors) -> Chart:
    """What the figures come to; retired labels that answers still have are there, too. Pure."""
    uses = found.figures.labels
    ranked = sorted(found.labels, key=lambda label: (-uses.get(label.id, 0), label.position))
    labels = tuple((clean(label.name), uses[label.id], label.color) for label in ranked if uses.get(label.id))
    return Chart(tuple(states_of(found.figures.progress, colors)), labels, found.figures.days)


def draw(chart: Chart, size_px: tuple[int, int], third_px: int, look: _Look) -> RGB:
    """The three charts in one picture, a third of the width each. Pure."""
    gap = max(4, size_px[1] // 16)
    side = max(8, min(size_px[1] - gap, third_px - 2 * gap))
    rings = [
        (n * third_px, ring([(count, rgb_of(color)) for _, count, color in parts], side, look.rest, look.background))
        for n, parts in enumerate((chart.states, chart.labels))
    ]
    last = columns(chart.days, (max(8, third_px - gap), side), look.color, look.newest, look.background)
    return beside([*rings, (2 * third_px, last)], size_px, look.background)


def as_text(chart: Chart, width: int, rows: int, colors: Colors) -> Text:
    """The same without a picture: two bars of several parts with their legends, and columns. Pure."""
    text = Text(no_wrap=True, overflow="ellipsis")
    for head, parts in zip(HEADS, (chart.states, chart.labels), strict=False):
        text.append(f"{head}\n", colors["secondary"])
        text.append_text(stacked([(count, color) for _, count, color in parts], width, colors["panel"])).append("\n")
        for line in _entries(parts)[:2]:
            text.append_text(line).append("   ")
        text.append("\n\n")
    text.append(f"{HEADS[2]}, {_days(chart)}\n", colors["secondary"])
    return text.append_text(column_chart(chart.days, width, max(2, rows - 5), colors["primary"]))


def _legend(chart: Chart, third: int, rows: int, colors: Colors) -> Text:
    """The largest parts of both rings, as many as there are rows, and what the columns are."""
    told = [_entries(chart.states), _entries(chart.labels), [Text(_days(chart), colors["secondary"])]]
    text = Text(no_wrap=True, overflow="ellipsis")
    for n in range(min(rows - 1, max(map(len, told)))):
        for lines in told:
            line = lines[n] if n < len(lines) else Text()
            line.truncate(third - 1, pad=True)
            text.append_text(line).append(" ")
        text.append("\n")
    return text


def _days(chart: Chart) -> str:
    return f"{len(chart.days)} days, most {max([*chart.days, 0]):,}"


def _entries(parts: Parts) -> list[Text]:
    """One line a part, the largest first."""
    whole = sum(count for _, count, _ in parts)
    ranked: Sequence[tuple[str, int, str]] = sorted((part for part in parts if part[1]), key=lambda part: -part[1])
    return [Text.assemble(("\u25a0 ", color), f"{name} {percent(count, whole)}") for name, count, color in ranked]
