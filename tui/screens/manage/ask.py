"""Questions over a screen: a line of text, one of several choices, several of many, a longer text."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static, TextArea
from textual.widgets.option_list import Option

from core.errors import TaglineError
from tui.screens.dialogs import DIALOG_CSS
from tui.widgets.row import Check

MEANING_CELLS = 50
CHOICE_CSS = """
    & OptionList { height: auto; max-height: 45vh; background: $panel; border: none; margin-top: 1; padding: 0; scrollbar-size: 1 1; }
    & OptionList:focus { border: none; background-tint: $background 0%; }
    & OptionList > .option-list--option-highlighted, & OptionList:focus > .option-list--option-highlighted { background: $surface; color: $accent; text-style: bold; }
    & .problem { color: $error; height: auto; margin-top: 1; }
    & .keys { color: $secondary; height: auto; margin-top: 1; }
"""


class AskText(ModalScreen[str | None]):
    """A question that a line of text answers; what cannot be is said as one types, and Enter waits until it can."""

    BINDINGS = [("escape", "dismiss", "cancel")]
    DEFAULT_CSS = f"AskText {{ {DIALOG_CSS} {CHOICE_CSS} }}"

    def __init__(self, question: str, check: Check, *, value: str = "", hint: str = "", yes: str = "do it") -> None:
        super().__init__()
        self._question, self._check, self._value, self._hint, self._yes = question, check, value, hint, yes

    def compose(self) -> ComposeResult:
        """Question, line, what is wrong with it, keys."""
        with Vertical():
            yield Static(Text(self._question))
            yield Input(self._value, placeholder=self._hint)
            yield Static(classes="problem", markup=False)
            yield Static(f"Enter: {self._yes}   Esc: cancel", classes="keys", markup=False)

    def _problem(self, text: str) -> str:
        try:
            self._check(text)
        except TaglineError as error:
            return str(error)
        return ""

    @on(Input.Changed)
    def _look(self, event: Input.Changed) -> None:
        self.query_one(".problem", Static).update(self._problem(event.value) if event.value != self._value else "")

    @on(Input.Submitted)
    def _take(self, event: Input.Submitted) -> None:
        problem = self._problem(event.value)
        if problem:
            self.query_one(".problem", Static).update(problem)
        else:
            self.dismiss(event.value)


Choice = tuple[str, str | Text, str]
"""An id, its words, and what it means."""


class AskChoice(ModalScreen[str | None]):
    """One of several; arrows and Enter."""

    BINDINGS = [("escape", "dismiss", "cancel")]
    DEFAULT_CSS = f"AskChoice {{ {DIALOG_CSS} {CHOICE_CSS} }}"

    def __init__(self, question: str, choices: Sequence[Choice], *, now: str = "") -> None:
        super().__init__()
        self._question, self._choices, self._now = question, choices, now

    def compose(self) -> ComposeResult:
        """Question, choices, keys."""
        with Vertical():
            yield Static(Text(self._question))
            yield OptionList(*[Option(self._line(*choice), id=choice[0]) for choice in self._choices], markup=False)
            yield Static("Enter: take it   Esc: cancel", classes="keys", markup=False)

    def _line(self, _id: str, words: str | Text, means: str) -> Text:
        text = Text().append(words, "bold") if isinstance(words, str) else words.copy()
        lines = "".join(f"\n  {line}" for line in wrap(means, MEANING_CELLS))
        return text.append(lines, self.app.theme_variables["secondary"])

    def on_mount(self) -> None:
        """Mark the one that is so now."""
        ids = [choice[0] for choice in self._choices]
        self.query_one(OptionList).highlighted = ids.index(self._now) if self._now in ids else 0

    @on(OptionList.OptionSelected)
    def _take(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)


class AskMany(ModalScreen[tuple[str, ...] | None]):
    """Any of several; Space chooses, Enter takes what is chosen, or the marked one when none is."""

    BINDINGS = [("escape", "dismiss", "cancel")]
    DEFAULT_CSS = f"AskMany {{ {DIALOG_CSS} {CHOICE_CSS} }}"

    def __init__(self, question: str, choices: Sequence[Choice]) -> None:
        super().__init__()
        self._question, self._choices = question, choices

    def compose(self) -> ComposeResult:
        """Question, choices, keys."""
        with Vertical():
            yield Static(Text(self._question))
            yield Many([(key, str(words)) for key, words, _ in self._choices])
            yield Static("Space: choose   Enter: take them   Esc: cancel", classes="keys", markup=False)

    def action_take(self) -> None:
        """Answer with what is chosen."""
        many = self.query_one(Many)
        chosen = many.chosen or ([many.marked] if many.marked is not None else [])
        self.dismiss(tuple(chosen) or None)


class Many(OptionList):
    """A list in which Space chooses any of several, and Enter is the screen's."""

    BINDINGS = [("space", "choose", "choose"), ("enter", "screen.take", "take")]

    def __init__(self, choices: Sequence[tuple[str, str]]) -> None:
        self._words = dict(choices)
        self.chosen: list[str] = []
        super().__init__(*[Option(self._line(key), id=key) for key in self._words], markup=False)

    def _line(self, key: str) -> Text:
        return Text(f"[{'x' if key in self.chosen else ' '}] {self._words[key]}")

    def action_choose(self) -> None:
        """Choose the marked one, or choose it no more."""
        if (key := self.marked) is not None:
            self.chosen.remove(key) if key in self.chosen else self.chosen.append(key)
            self.replace_option_prompt(key, self._line(key))

    @property
    def marked(self) -> str | None:
        """The id of the marked line."""
        return None if self.highlighted is None else self.get_option_at_index(self.highlighted).id

    def on_focus(self) -> None:
        """Something is marked from the beginning."""
        if self.highlighted is None and self.option_count:
            self.highlighted = 0


class AskLongText(ModalScreen[str | None]):
    """A page to write on, such as instructions in Markdown."""

    BINDINGS = [("ctrl+s", "take", "keep"), ("escape", "leave", "cancel")]
    DEFAULT_CSS = f"""
    AskLongText {{ {DIALOG_CSS} {CHOICE_CSS}
        & > Vertical {{ width: 90%; max-width: 100; height: 85%; max-height: 100%; }}
        & TextArea {{ height: 1fr; background: $surface; border: none; margin-top: 1; }}
    }}
    """

    def __init__(self, question: str, value: str, check: Check) -> None:
        super().__init__()
        self._question, self._value, self._check = question, value, check
        self._asked = False

    def compose(self) -> ComposeResult:
        """Question, text, keys."""
        with Vertical():
            yield Static(Text(self._question))
            yield TextArea(self._value, soft_wrap=True, tab_behavior="focus")
            yield Static("Ctrl+S: keep it   Esc: leave it as it was", classes="keys", markup=False)

    def action_take(self) -> None:
        """Answer with the text, once it can be taken."""
        text = self.query_one(TextArea).text
        try:
            self._check(text)
        except TaglineError as error:
            self.query_one(".keys", Static).update(str(error))
        else:
            self.dismiss(text)

    def action_leave(self) -> None:
        """Leave; a changed text is given up only at the second Esc."""
        if self.query_one(TextArea).text == self._value or self._asked:
            self.dismiss(None)
        else:
            self._asked = True
            self.query_one(".keys", Static).update("Esc again gives up what you wrote; Ctrl+S keeps it.")
