"""The `?` screen: the keys of the screen below it, made from the key table."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.keymap import Scope, keys_of

KEY_CELLS = 14


class HelpScreen(ModalScreen[None]):
    """A dialog over the screen; any of its keys closes it."""

    BINDINGS = [("escape,question_mark,q,enter", "dismiss", "close")]
    DEFAULT_CSS = """
    HelpScreen { align: center middle; background: $background 0%; }
    HelpScreen VerticalScroll {
        width: 64; max-width: 95%; height: auto; max-height: 90%; padding: 1 2; background: $panel; border: round $primary;
    }
    HelpScreen Static { padding-right: 1; }
    """

    def __init__(self, scopes: tuple[Scope, ...]) -> None:
        super().__init__()
        self._scopes = scopes

    def compose(self) -> ComposeResult:
        """One table a scope."""
        with VerticalScroll():
            for scope in (*[s for s in self._scopes if s is not Scope.EVERYWHERE], Scope.EVERYWHERE):
                table = Table(box=None, show_header=False, pad_edge=False, title=scope.value, title_justify="left")
                table.title_style = f"bold {self.app.theme_variables['primary']}"
                table.add_column(min_width=KEY_CELLS, no_wrap=True)
                table.add_column()
                for key in keys_of(scope):
                    table.add_row(Text(key.shown, style="bold"), Text(key.does))
                yield Static(table)
