"""A reviewer draws regions right: the labelers' canvas over one item, which goes in as a correction."""

from __future__ import annotations

from collections.abc import Callable

from core.annotation import Answer, Receipt
from core.oversight.browse import Browsed
from tui.reviewer import CorrectionDesk, Reviewer
from tui.screens.canvas.screen import CanvasScreen
from tui.widgets.line import Part


class CorrectionScreen(CanvasScreen):
    """Enter corrects and goes back; Esc leaves the item as it is."""

    SCOPES = CanvasScreen.SCOPES

    def __init__(
        self, reviewer: Reviewer, item: Browsed, start: Answer, what: str, on_done: Callable[[Receipt], None]
    ) -> None:
        self._correction = CorrectionDesk(reviewer, item, start, what)
        super().__init__(self._correction)
        self._on_done = on_done

    def _parts(self) -> list[Part]:
        return [("correcting ", "bold warning"), *super()._parts()]

    async def _show_finished(self) -> None:
        """Handed in: back to the review, unless it was refused and comes back onto the screen."""
        await self._holding.settle()
        if self._correction.receipt is not None and self.is_current:
            self._left = True
            self.app.pop_screen()
            self._on_done(self._correction.receipt)
