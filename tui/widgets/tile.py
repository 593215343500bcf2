"""One image of a page: its label in a bar above, its name in a bar below, the picture between them.

The bars show focus and selection; there are no sides, so a key changes four lines of the screen and no line with a picture.
"""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.geometry import Region
from textual.strip import Strip

from tui.colors import ink_on
from tui.picture.stage import Stage
from tui.picture.view import PictureView
from tui.steady import SteadyWidget
from tui.text import shorten
from tui.widgets.line import style_of

PLAIN, FOCUSED = "\u256d\u2500\u256e\u2570\u256f", "\u250f\u2501\u2513\u2517\u251b"


class Tile(SteadyWidget):
    """A framed picture; `tags` are (text, colour) of its labels."""

    DEFAULT_CSS = "Tile { width: 1fr; height: 1fr; } Tile PictureView { width: 1fr; height: 1fr; margin: 1 0; }"

    def __init__(self, stage: Stage, place: int) -> None:
        super().__init__(id=f"tile-{place}")
        self.view = PictureView(stage)
        self._caption = ""
        self._tags: tuple[tuple[str, str], ...] = ()
        self._focused = self._selected = False

    def compose(self) -> ComposeResult:
        """The picture."""
        yield self.view

    def describe(self, caption: str, tags: tuple[tuple[str, str], ...], *, focused: bool, selected: bool) -> None:
        """Say what the frame shows; nothing is drawn when it is the same as before."""
        old = (self._caption, self._tags, self._focused, self._selected)
        new = (caption, tags, focused, selected)
        if new == old:
            return
        self._caption, self._tags, self._focused, self._selected = new
        width, height = self.size
        if width and height:  # the bars, never the picture
            self.refresh(Region(0, 0, width, 1), Region(0, height - 1, width, 1))
        else:  # hidden now: what it showed is not what it shows when it is there again
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The bars; the picture covers the middle by itself."""
        colors = self.app.theme_variables
        base = self.rich_style
        frame = base + style_of("bold accent" if self._focused else "primary" if self._selected else "panel", colors)
        glyphs = FOCUSED if self._focused else PLAIN
        width, last = self.size.width, self.size.height - 1
        if y == 0:
            return self._edge(glyphs[0], glyphs[1], glyphs[2], frame, self._top(base, frame), width)
        if y == last:
            name = Segment(f" {shorten(self._caption, width - 6)} ", base + style_of("secondary", colors))
            return self._edge(glyphs[3], glyphs[1], glyphs[4], frame, [name] if self._caption else [], width)
        return Strip.blank(width, base)

    def _top(self, base: Style, frame: Style) -> list[Segment]:
        parts = [Segment("\u25c6 selected ", frame)] if self._selected else []
        for text, color in self._tags:
            parts.append(Segment(f" {text} ", Style.parse(f"bold {ink_on(color)} on {color}")))
            parts.append(Segment(" ", base))
        return parts

    @staticmethod
    def _edge(left: str, bar: str, right: str, frame: Style, parts: list[Segment], width: int) -> Strip:
        inner = Strip([Segment(bar, frame), *parts])
        room = max(0, width - 2)
        if inner.cell_length > room:
            inner = inner.crop(0, room)
        rest = bar * (room - inner.cell_length)
        return Strip(
            [Segment(left, frame), *inner, Segment(rest, frame), Segment(right, frame)], cell_len(left) + room + 1
        )
