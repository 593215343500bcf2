"""One framed section of the dashboard."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static


class Panel(VerticalScroll):
    """One framed section; its text changes only when its figures do."""

    DEFAULT_CSS = """
    Panel { border: round $panel; border-title-color: $primary; padding: 0 0 0 1; background: $background; }
    Panel:focus { border: round $secondary; }
    Panel { scrollbar-size: 1 1; scrollbar-gutter: stable; }
    Panel Static { height: auto; background: $background; text-wrap: nowrap; text-overflow: ellipsis; padding-right: 1; }
    """

    def __init__(self, title: str) -> None:
        super().__init__(id=title.lower())
        self.border_title = title
        self._shown = Text()

    def compose(self) -> ComposeResult:
        """The text."""
        yield Static()

    def show(self, text: Text) -> None:
        """Show this text."""
        if text != self._shown or text.spans != self._shown.spans:
            self._shown = text
            self.query_one(Static).update(text)

    @property
    def cells(self) -> int:
        """How wide a line may be."""
        return max(30, (self.scrollable_content_region.width or self.app.size.width - 4) - 1)
