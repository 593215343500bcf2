"""The widget that holds a picture's place on a Textual screen."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from tui.picture.prepare import Prepared
from tui.picture.stage import Stage
from tui.terminal import Graphics

HALF_BLOCK = "\N{UPPER HALF BLOCK}"
_MARK_STYLE = Style.parse("default on default")


class PictureView(Widget):
    """Shows one prepared picture, clipped exactly by whatever lies over it."""

    def __init__(self, stage: Stage, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._stage = stage
        self._mark = ""
        self._picture: Prepared | None = None
        self._strips: dict[int, Strip] = {}

    @property
    def picture(self) -> Prepared | None:
        """What it shows, if that was made for the size that it has now."""
        picture = self._picture
        return picture if picture is not None and picture.size_cells == tuple(self.size) else None

    @property
    def origin(self) -> tuple[int, int]:
        """Column and row of its top left cell on the screen."""
        return (self.content_region.x, self.content_region.y)

    def on_mount(self) -> None:
        """Take a mark."""
        self._mark = self._stage.enter(self)

    def on_unmount(self) -> None:
        """Give the mark back."""
        self._stage.leave(self._mark)

    def show(self, picture: Prepared | None) -> None:
        """Show a picture that was prepared for this widget's size, or nothing."""
        if picture is not self._picture:
            self._picture = picture
            self._strips.clear()
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """A line of half blocks, or of marks that the stage turns into graphics."""
        picture = self.picture
        width = self.size.width
        if picture is None:
            return Strip.blank(width, self.rich_style)
        if picture.graphics is not Graphics.CELLS:
            return Strip([Segment(self._mark * width, _MARK_STYLE)], width)
        if y not in self._strips:
            self._strips[y] = _half_block_line(picture, y)
        return self._strips[y]


def _half_block_line(picture: Prepared, y: int) -> Strip:
    """Upper half in the foreground, lower half in the background colour of each cell."""
    upper, lower = picture.pixels[y * 2].tolist(), picture.pixels[y * 2 + 1].tolist()
    return Strip(
        [
            Segment(HALF_BLOCK, Style.parse(f"rgb({a[0]},{a[1]},{a[2]}) on rgb({b[0]},{b[1]},{b[2]})"))
            for a, b in zip(upper, lower, strict=True)
        ],
        len(upper),
    )
