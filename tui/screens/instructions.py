"""The project's instructions, as Markdown; shown at the first visit and one key away always."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.markup import escape
from textual.screen import ModalScreen
from textual.widgets import Markdown

from tui.text import clean

NONE = "*This project has no instructions. Ask its admin when in doubt.*"


class InstructionsScreen(ModalScreen[None]):
    """A page over the screen; Enter or Esc goes on."""

    BINDINGS = [("escape,enter,i,q", "dismiss", "go on")]
    DEFAULT_CSS = """
    InstructionsScreen { align: center middle; background: $background 0%; }
    InstructionsScreen VerticalScroll {
        width: 90%; max-width: 90; height: auto; max-height: 90%; padding: 0 1; background: $surface; border: round $primary;
        border-title-color: $primary; border-subtitle-color: $secondary;
    }
    """

    def __init__(self, project: str, instructions: str) -> None:
        super().__init__()
        self._project, self._instructions = project, instructions

    def compose(self) -> ComposeResult:
        """The text, between the project's name and how to go on."""
        with VerticalScroll(can_focus=True) as page:
            page.border_title, page.border_subtitle = f"{escape(clean(self._project))}: instructions", "Enter: go on"
            yield Markdown(clean(self._instructions, lines=True) or NONE, open_links=False)
