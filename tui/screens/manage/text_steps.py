"""The steps of making a project that are a page to write on: the label classes, and what labelers read first."""

from __future__ import annotations

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Static, TextArea

from core.errors import TaglineError
from core.labels import COLORS, NUMBER_KEYS
from core.project.settings import MOST_TEXT
from tui.screens.manage.plan import read_labels
from tui.screens.manage.step import Step
from tui.text import clean


class LabelsStep(Step):
    """The label classes, a line each."""

    TITLE = "Label classes"
    DEFAULT_CSS = """
    LabelsStep Horizontal { height: 1fr; }
    LabelsStep VerticalScroll { width: 1fr; margin-left: 2; background: $background; scrollbar-size: 1 1; }
    """

    def compose(self) -> ComposeResult:
        """A page to write on, and beside it what it means."""
        yield Static("One label a line; levels of a tree are joined by /, such as Animal/Cat", classes="name")
        with Horizontal():
            yield TextArea(self.plan.labels, tab_behavior="focus")
            with VerticalScroll(can_focus=False):
                yield Static(classes="note")

    async def enter(self) -> None:
        """Show what is there already."""
        self._show()

    def read(self) -> None:
        """The lines."""
        self.plan.labels = self.query_one(TextArea).text

    async def is_ready(self) -> bool:
        """At least one label, each once."""
        wrong = self._show()
        self.wizard.note(wrong, is_wrong=True)
        return not wrong

    @on(TextArea.Changed)
    def _typed(self) -> None:
        self.wizard.note("")
        self._show()

    def _show(self) -> str:
        """The tree that the lines mean; why they mean none, or nothing, is returned."""
        note = self.query_one(".note", Static)
        try:
            note.update(tree(read_labels(self.query_one(TextArea).text)))
        except TaglineError as error:
            note.update(Text(str(error), self.app.theme_variables["secondary"]))
            return str(error)
        return ""


def tree(paths: tuple[str, ...]) -> Text:
    """The labels as labelers will have them: number key, colour, place in the tree. Pure."""
    text = Text(no_wrap=True, overflow="ellipsis")
    for n, path in enumerate(paths):
        depth = path.count("/")
        text.append(f" {n + 1 if n < NUMBER_KEYS else ' '} ", "bold").append(
            "\N{BLACK SQUARE} ", COLORS[n % len(COLORS)]
        )
        text.append(f"{'  ' * depth}{clean(path.rpartition('/')[2])}\n")
    return text


class InstructionsStep(Step):
    """What labelers read first."""

    TITLE = "Instructions"

    def compose(self) -> ComposeResult:
        """A page to write on."""
        yield Static("For labelers, in Markdown, or a link; may stay empty", classes="name")
        yield TextArea(self.plan.instructions, tab_behavior="focus")
        yield Static("Shown at their first visit, and with i always. Tab leaves the text.", classes="note")

    def read(self) -> None:
        """The text."""
        self.plan.instructions = self.query_one(TextArea).text

    async def is_ready(self) -> bool:
        """It has an end."""
        if len(self.plan.instructions) <= MOST_TEXT:
            return True
        self.wizard.note(f"That is longer than {MOST_TEXT:,} characters; give a link instead.", is_wrong=True)
        return False
