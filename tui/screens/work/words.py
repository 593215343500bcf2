"""The words around the pictures: header, labels, what a reviewer said, and what stands in place of a page."""

from __future__ import annotations

from textual.widgets import Static

from core.ids import ItemKind
from tui.keymap import Key
from tui.screens.work.base import WorkBase
from tui.text import clean
from tui.widgets.label_hints import label_hints
from tui.widgets.line import Line, Part

HEADER_CELLS = 32
WITHOUT_PICTURES = ("earlier",)
KIND_WORDS = {ItemKind.MANUAL: "Manual", ItemKind.CLUSTERED: "Clustered", ItemKind.PRELABELED: "Prelabeled"}


class WordsScreen(WorkBase):
    """What the labeler reads; nothing of the work changes here."""

    DEFAULT_CSS = """
    WordsScreen #sent-back {
        height: auto; max-height: 3; padding: 0 1; background: $warning; color: $background; display: none;
    }
    """

    # The header.

    def _show_header(self) -> None:
        self._show_sent_back()
        page = self.page
        kind = KIND_WORDS[page.items[0].kind] if page.items else ""
        if self._earlier_at is not None:
            kind = f"Earlier submission {self._earlier_at + 1}"
        left: list[Part] = [
            (f" {clean(self._desk.project.name)} ", "bold primary"),
            (f" {kind} ", "bold accent"),
            *self._parts_beside(self._status),
            (self._status, "foreground"),
        ]
        right = [
            (f"saved {self._holding.saved}", "success"),
            (f"  {clean(self._desk.desk.account.name)} ", "secondary"),
        ]
        self.query_one("#header", Line).show(left, right)

    def _parts_beside(self, status: str) -> list[Part]:
        """What the header says of the work; on a narrow screen it gives way to words that have to be read."""
        parts = self._parts()
        room = self.size.width - HEADER_CELLS - len(clean(self._desk.project.name))
        return parts if len(status) + sum(len(text) for text, _ in parts) <= room or not status else []

    def _show_sent_back(self) -> None:
        """Why a reviewer sent the focused image back, for as long as the page has one that was."""
        page, line = self.page, self.query_one("#sent-back", Static)
        comments = [item.comment for item in page.items]
        if any(comments):  # a Static that is updated lays the whole screen out anew, which few keys need
            said = comments[page.focus] if page.focus < len(comments) else ""
            line.update(
                f"\u21a9 sent back: {clean(said)}" if said else "\u21a9 some images here were sent back by a reviewer"
            )
        if line.display != any(comments):
            line.display = any(comments)
            self._refit()

    def _tell(self, text: str) -> None:
        self._status = text
        self._show_header()

    def _notice(self, text: str) -> None:
        if self.is_attached:
            self.say(clean(text), severity="warning")
            self._show_header()

    # Below and in place of the pictures.

    def _show_levels(self) -> None:
        self._show_labels()

    def _show_labels(self) -> None:
        """The labels and their keys; while the window is chosen, that and its keys."""
        if self._leveling is not None:
            self.query_one("#labels", Line).show(self._leveling.parts(), self._leveling.keys(), group=2)
            return
        parts, more = label_hints(self._desk.labels, self.size.width or 80) if not self._is_idle else ((), 0)
        right = [("/ ", "bold primary"), (f"{more} more ", "secondary")] if more else []
        self.query_one("#labels", Line).show(parts, right)

    def _show_message(self, text: str) -> None:
        """Words in place of the pictures."""
        self._hide_work()
        message = self.query_one("#message", Static)
        message.update(text)
        message.display = True
        self._show_labels()
        self._show_keys()
        self._show_header()

    def _show_work(self) -> None:
        """The pictures again in place of the words, with all their keys."""
        message = self.query_one("#message", Static)
        if message.display:
            message.display = False
            self._show_labels()
            self._show_keys()
            self._refit()

    @property
    def _is_idle(self) -> bool:
        return bool(self.query_one("#message", Static).display)

    def _show_keys(self) -> None:
        self.show_footer(self.query_one("#keys", Line))

    def footer_keys(self) -> list[Key]:
        """Without pictures, only what does not need any."""
        return [key for key in super().footer_keys() if not self._is_idle or key.action in WITHOUT_PICTURES]

    async def _show_finished(self) -> None:
        progress = await self.ask(self._desk.progress())
        left = progress.todo if progress else 0
        text = "The queue is empty: nothing is left for you.\n"
        if left:
            them = "1 image is" if left == 1 else f"{left:,} images are"
            text += f"{them} in other labelers' hands; what comes back appears here by itself.\n"
        self._show_message(text + "b: back to your submissions   Esc: projects")
