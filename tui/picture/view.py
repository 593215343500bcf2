"""The widget that holds a picture's place on a Textual screen."""

from __future__ import annotations

from rich.cells import set_cell_size
from rich.segment import Segment
from textual.strip import Strip

from tui.colors import Color
from tui.picture.pieces import Pieces
from tui.picture.prepare import Prepared
from tui.picture.stage import Stage
from tui.steady import SteadyWidget
from tui.text import shorten


class PictureView(SteadyWidget):
    """Shows one prepared picture, clipped exactly by whatever lies over it."""

    def __init__(self, stage: Stage, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._stage = stage
        self._mark = ""
        self._picture: Prepared | None = None
        self._note = ""

    @property
    def picture(self) -> Pieces | None:
        """What it shows, if that was made for the size and the terminal that it has now."""
        picture = self._picture
        return picture if picture is not None and picture.fits(self._stage.terminal, self.size_cells) else None

    @property
    def size_cells(self) -> tuple[int, int]:
        """Its columns and rows; Textual finds them anew each time."""
        columns, rows = self.size
        return columns, rows

    @property
    def origin(self) -> tuple[int, int]:
        """Column and row of its top left cell on the screen."""
        region = self.content_region
        return region.x, region.y

    def on_mount(self) -> None:
        """Take a mark."""
        self._mark = self._stage.enter(self)

    def on_unmount(self) -> None:
        """Give the mark back."""
        self._stage.leave(self._mark)

    def show(self, picture: Prepared | None, note: str = "") -> None:
        """Show a picture that was prepared for this widget's size, or where there is none why."""
        if picture is self._picture and note == self._note:
            return
        before, self._picture, self._note = self.picture, picture, note
        if before is None or self.picture is None or not self._stage.replaced(self._mark, before, self._background):
            self.refresh()
        else:
            self.call_after_refresh(self._stage.on_due)

    @property
    def _background(self) -> Color:
        color = self.rich_style.bgcolor
        return (0, 0, 0) if color is None else color.get_truecolor()

    def render_line(self, y: int) -> Strip:
        """A line of marks, which the stage turns into the picture, or of blanks."""
        width = self.size.width
        if self.picture is None or not self._mark:
            note = shorten(self._note, width) if y == self.size.height // 2 else ""
            return Strip([Segment(set_cell_size(note.center(width), width), self.rich_style)], width)
        return Strip([Segment(self._mark * width, self.rich_style)], width)
