"""A question of a form: its name, a line to type in, and below it what it means or why what is typed cannot be."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input, Static

from core.errors import TaglineError
from tui.widgets.row import Check


class Field(Vertical):
    """Checked as one types; Enter is the form's. What is typed replaces what was there, where no suggester goes on from it."""

    DEFAULT_CSS = """
    Field { height: auto; background: $background; margin-bottom: 1; }
    Field .name { color: $primary; text-style: bold; height: 1; }
    Field Input, Field Input:focus { height: 1; border: none; padding: 0 1; background: $surface; }
    Field Input:focus { background: $panel; }
    Field:focus-within .name { color: $accent; }
    Field .note { color: $secondary; height: auto; max-height: 2; }
    Field.wrong .note { color: $error; }
    """

    class Typed(Message):
        """The text changed."""

        def __init__(self, field: Field) -> None:
            super().__init__()
            self.field = field

    class Entered(Message):
        """Enter was pressed in it."""

    def __init__(
        self, key: str, name: str, check: Check, *, value: str = "", hint: str = "", suggester: Suggester | None = None
    ) -> None:
        super().__init__(id=f"field-{key}")
        self._title, self._check, self._first, self.hint = name, check, value, hint
        self._suggester = suggester

    def compose(self) -> ComposeResult:
        """Name, line, note."""
        yield Static(self._title, classes="name", markup=False)
        yield Input(self._first, select_on_focus=self._suggester is None, suggester=self._suggester)
        yield Static(self.hint, classes="note", markup=False)

    @property
    def text(self) -> str:
        """What is typed."""
        return self.query_one(Input).value if self.is_mounted else self._first

    def problem(self) -> str:
        """Why the text cannot be taken, or nothing."""
        try:
            self._check(self.text)
        except TaglineError as error:
            return str(error)
        return ""

    def focus_line(self) -> None:
        """Go on typing here."""
        self.query_one(Input).focus()

    def tell(self, problem: str) -> None:
        """Say what is wrong with it, or what it means."""
        self.set_class(bool(problem), "wrong")
        self.query_one(".note", Static).update(problem or self.hint)

    @on(Input.Changed)
    def _look(self, event: Input.Changed) -> None:
        event.stop()
        self.tell(self.problem())
        self.post_message(self.Typed(self))

    @on(Input.Submitted)
    def _enter(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Entered())


def anything(text: str) -> None:
    """The check of a field that takes any text."""
