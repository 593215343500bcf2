"""One setting on one line: its name and its value. Enter changes the value in place, checked as one types."""

from __future__ import annotations

from collections.abc import Callable

from rich.text import Text
from textual import on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from core.errors import TaglineError

Check = Callable[[str], object]
"""Raises a TaglineError where the text cannot be the value."""


class Row(Horizontal):
    """A line of a page of settings; without a `check` it can only be read, or opens something of its own."""

    BINDINGS = [("escape", "cancel", "cancel")]
    can_focus = True
    DEFAULT_CSS = """
    Row { height: 1; padding: 0 1; background: $background; }
    Row:focus, Row.editing { background: $panel; }
    Row .name { width: 22; color: $secondary; }
    Row .value { width: 1fr; text-wrap: nowrap; text-overflow: ellipsis; }
    Row:focus .name { color: $accent; text-style: bold; }
    Row Input, Row Input:focus { width: 1fr; height: 1; border: none; padding: 0; background: $surface; display: none; }
    Row.editing .name { color: $accent; text-style: bold; }
    Row.editing Input, Row.editing Input:focus { display: block; }
    Row.editing .value { display: none; }
    Row.wrong Input, Row.wrong Input:focus { color: $error; }
    """

    class Changed(Message):
        """A new value that passed the check was typed."""

        def __init__(self, row: Row, text: str) -> None:
            super().__init__()
            self.row, self.text = row, text

    class Opened(Message):
        """Enter on a line that is not changed in place."""

        def __init__(self, row: Row) -> None:
            super().__init__()
            self.row = row

    class Noted(Message):
        """What is to be said about the line in focus: its hint, or why what is typed cannot be."""

        def __init__(self, text: str, *, is_wrong: bool = False) -> None:
            super().__init__()
            self.text, self.is_wrong = text, is_wrong

    def __init__(self, key: str, name: str, hint: str = "", check: Check | None = None) -> None:
        super().__init__(id=f"row-{key}")
        self.key, self.title, self.hint = key, name, hint
        self._check = check
        self._text = ""

    def compose(self) -> ComposeResult:
        """Name, value or the line to type in."""
        yield Static(self.title, classes="name", markup=False)
        yield Static(classes="value", markup=False)
        yield Input()

    def show(self, text: str, style: str = "") -> None:
        """Show a value; one that is being typed over stays."""
        self._text = text
        self.query_one(".value", Static).update(Text(text, style))

    @property
    def text(self) -> str:
        """The value as it is shown."""
        return self._text

    def change(self) -> None:
        """Begin to type in place, or say that it was opened."""
        if self._check is None:
            self.post_message(self.Opened(self))
            return
        line = self.query_one(Input)
        line.value = self._text
        line.cursor_position = len(line.value)
        self.add_class("editing")
        line.focus()

    @property
    def is_editing(self) -> bool:
        """True while somebody types in it."""
        return self.has_class("editing")

    def action_cancel(self) -> None:
        """Leave the value as it was."""
        if not self.is_editing:
            raise SkipAction
        self._end()

    def _end(self) -> None:
        self._stop()
        self.focus()

    def _stop(self) -> None:
        self.remove_class("editing", "wrong")
        self.post_message(self.Noted(self.hint))

    def on_focus(self) -> None:
        """Say what the line means."""
        self.post_message(self.Noted(self.hint))

    def _problem(self, text: str) -> str:
        assert self._check is not None
        try:
            self._check(text)
        except TaglineError as error:
            return str(error)
        return ""

    @on(Input.Changed)
    def _look(self, event: Input.Changed) -> None:
        event.stop()
        problem = self._problem(event.value) if self.is_editing else ""
        self.set_class(bool(problem), "wrong")
        self.post_message(self.Noted(problem or self.hint, is_wrong=bool(problem)))

    @on(Input.Submitted)
    def _take(self, event: Input.Submitted) -> None:
        event.stop()
        if not self._problem(event.value):
            self._end()
            self.post_message(self.Changed(self, event.value))

    @on(Input.Blurred)
    def _left(self) -> None:
        if self.is_editing:
            self._stop()
