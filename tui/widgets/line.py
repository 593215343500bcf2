"""A widget of one line, drawn by the line interface: a change costs one short write."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.steady import SteadyWidget

Part = tuple[str, str]


class Line(SteadyWidget):
    """One line of styled parts; the styles are theme colour names such as `accent`, with `bold` before if wished."""

    DEFAULT_CSS = "Line { height: 1; width: 1fr; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._left: tuple[Part, ...] = ()
        self._right: tuple[Part, ...] = ()
        self._group = 0

    def show(self, left: Sequence[Part], right: Sequence[Part] = (), *, group: int = 0) -> None:
        """Show parts from the left and from the right.

        Args:
            group: where it is too narrow, the last parts on the left give way, so many together; with 0 the right gives way.
        """
        if (tuple(left), tuple(right), group) != (self._left, self._right, self._group):
            self._left, self._right, self._group = tuple(left), tuple(right), group
            self.refresh()

    @property
    def plain(self) -> str:
        """What it says, for tests and for reading aloud."""
        return "".join(text for text, _ in (*self._left, *self._right))

    def render_line(self, y: int) -> Strip:
        """Left parts, a gap, right parts."""
        width = self.size.width
        left, right = self._strip(self._left), self._strip(self._right)
        shown = len(self._left)
        while self._group and shown and left.cell_length + right.cell_length >= width:
            shown -= self._group
            left = self._strip(self._left[:shown])
        gap = width - left.cell_length - right.cell_length
        if gap < 1:
            return left.adjust_cell_length(width, self.rich_style)
        return Strip.join([left, Strip.blank(gap, self.rich_style), right])

    def _strip(self, parts: Sequence[Part]) -> Strip:
        colors = self.app.theme_variables
        return Strip([Segment(text, self.rich_style + style_of(spec, colors)) for text, spec in parts])


def style_of(spec: str, colors: dict[str, str]) -> Style:
    """A style from theme colour names, as in `bold accent` or `background on primary`."""
    words = [colors.get(word, word) for word in spec.split()]
    return Style.parse(" ".join(words)) if words else Style.null()
