"""What a labeling screen holds at any moment, and what a subclass has to do for it."""

from __future__ import annotations

import time

from core.edits import History, PageDraft
from tui.desk import LabelingDesk
from tui.screens.holding import Holding
from tui.screens.leveled import LeveledScreen
from tui.widgets.line import Part


class WorkBase(LeveledScreen):
    """One labeler in one project. A subclass has widgets named header, sent-back, message, labels and keys."""

    def __init__(self, desk: LabelingDesk, page_size: int) -> None:
        super().__init__()
        self._desk = desk
        self._holding = Holding(desk, self._notice)
        self._page_size = page_size
        self._history = History()
        self._earlier_at: int | None = None
        self._shown_at = self._touched_at = time.monotonic()
        self._status = ""
        self._left = False
        self._busy = False

    @property
    def page(self) -> PageDraft:
        """What is on the screen."""
        return self._history.now

    # What a subclass does.

    def _draw(self) -> None:
        """Bring the screen up to date with the page."""
        raise NotImplementedError

    def _load_pictures(self) -> None:
        """Show the page's pictures as soon as they are made."""
        raise NotImplementedError

    async def _prepare_ahead(self) -> None:
        """Make the next page's pictures."""
        raise NotImplementedError

    def _hide_work(self) -> None:
        """Make room for words in place of the pictures."""
        raise NotImplementedError

    def _parts(self) -> list[Part]:
        """What the header says beside the project's name and the kind of the page."""
        return []

    def _refit(self) -> None:
        """Bring the pictures up to another size of their room, once that is known."""
        raise NotImplementedError

    def _refuses_submit(self, page: PageDraft) -> bool:
        """True when the page cannot be handed in yet; the labeler has been told why."""
        raise NotImplementedError

    def _notice(self, text: str) -> None:
        """Say what happened to a submission on its way."""
        raise NotImplementedError
