"""The regions of the image beside it: colour, name, size, what is locked and which one is chosen; scrolls by itself."""

from __future__ import annotations

from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.steady import SteadyWidget
from tui.text import shorten
from tui.widgets.line import style_of


@dataclass(frozen=True)
class Row:
    """One region."""

    name: str
    color: str
    size_px: tuple[int, int]
    locked: bool = False
    chosen: bool = False


class RegionList(SteadyWidget):
    """As many rows as fit, the chosen one among them."""

    DEFAULT_CSS = "RegionList { width: 26; height: 1fr; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: tuple[Row, ...] = ()
        self._hidden = False

    def show(self, rows: tuple[Row, ...], *, hidden: bool) -> None:
        """Show these; drawn only when they are others than before."""
        if (rows, hidden) != (self._rows, self._hidden):
            self._rows, self._hidden = rows, hidden
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The heading, then a row a region."""
        width, colors = self.size.width, self.app.theme_variables
        if y == 0:
            words = (
                f" {len(self._rows)} region{'' if len(self._rows) == 1 else 's'}{' (hidden)' if self._hidden else ''}"
            )
            return Strip([Segment(words, self.rich_style + style_of("bold primary", colors))]).adjust_cell_length(
                width, self.rich_style
            )
        n = self._first() + y - 1
        if n >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        return self._row(self._rows[n], width).adjust_cell_length(width, self.rich_style)

    def _first(self) -> int:
        """The first row shown, such that the chosen one is."""
        room = max(1, self.size.height - 1)
        chosen = next((n for n, row in enumerate(self._rows) if row.chosen), 0)
        return max(0, min(chosen - room // 2, len(self._rows) - room))

    def _row(self, row: Row, width: int) -> Strip:
        colors = self.app.theme_variables
        base = self.rich_style + style_of("bold foreground on panel" if row.chosen else "foreground", colors)
        size = f" {row.size_px[0]}\N{MULTIPLICATION SIGN}{row.size_px[1]}"
        mark = "\N{BLACK RIGHT-POINTING TRIANGLE}" if row.chosen else " "
        room = max(4, width - 5 - len(size))
        name = shorten(row.name, room).ljust(room)
        return Strip(
            [
                Segment(mark, base),
                Segment("\N{BLACK SQUARE} ", base + Style.parse(row.color)),
                Segment(f"{name}{'L' if row.locked else ' '}", base),
                Segment(size, base + style_of("secondary", colors)),
            ]
        )
