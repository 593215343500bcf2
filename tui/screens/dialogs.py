"""Small questions over a screen: find a label, say why an image is skipped."""

from __future__ import annotations

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from core.ids import LabelId
from core.labels import LabelSet
from tui.text import clean

DIALOG_CSS = """
    align: center middle; background: $background 0%;
    & > Vertical {
        width: 60; max-width: 95%; height: auto; max-height: 80%; padding: 1 2; background: $panel;
        border: round $primary;
    }
    & Input, & Input:focus { background: $surface; border: none; height: 1; }
    & OptionList { height: auto; max-height: 12; background: $panel; border: none; margin-top: 1; scrollbar-size: 1 1; }
"""


class LabelSearch(ModalScreen[LabelId | None]):
    """Type part of a label's name; Enter takes the marked one."""

    BINDINGS = [("escape", "dismiss", "cancel"), ("down", "step(1)", ""), ("up", "step(-1)", "")]
    DEFAULT_CSS = f"LabelSearch {{ {DIALOG_CSS} & #question {{ margin-bottom: 1; }} }}"

    def __init__(self, labels: LabelSet, *, question: str = "") -> None:
        super().__init__()
        self._labels, self._question = labels, question

    def compose(self) -> ComposeResult:
        """What is asked, where it is not plain; a line to type in and the labels that match."""
        with Vertical():
            if self._question:
                yield Static(Text(self._question), id="question")
            yield Input(placeholder="part of a label's name")
            yield OptionList()

    def on_mount(self) -> None:
        """Begin with all labels."""
        self._fill("")

    @on(Input.Changed)
    def _narrow(self, event: Input.Changed) -> None:
        self._fill(event.value)

    def _fill(self, text: str) -> None:
        options = self.query_one(OptionList)
        options.clear_options()
        for label in self._labels.search(text):
            number = self._labels.number_of(label.id)
            line = Text.assemble((f"{number or ' '} ", "bold"), ("\u25a0 ", label.color), clean(label.path))
            options.add_option(Option(line, id=str(label.id)))
        options.highlighted = 0 if options.option_count else None

    def action_step(self, step: int) -> None:
        """Mark the next or previous match."""
        options = self.query_one(OptionList)
        if options.option_count:
            options.highlighted = ((options.highlighted or 0) + step) % options.option_count

    @on(Input.Submitted)
    def _take(self) -> None:
        options = self.query_one(OptionList)
        if options.highlighted is not None:
            self._choose(options.get_option_at_index(options.highlighted))

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        self._choose(event.option)

    def _choose(self, option: Option) -> None:
        self.dismiss(LabelId(int(option.id or 0)))


class Confirm(ModalScreen[bool]):
    """A question that `y` or Enter answers with yes, everything else with no."""

    BINDINGS = [("y,enter", "dismiss(True)", "yes"), ("escape,n,q", "dismiss(False)", "no")]
    DEFAULT_CSS = f"Confirm {{ {DIALOG_CSS} }}"

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        """The question and its keys."""
        with Vertical():
            yield Static(Text(f"{self._question}\n\ny: yes   Esc: no"))


class SkipReason(ModalScreen[str | None]):
    """Why an image is skipped; an empty reason is fine, Esc skips nothing."""

    BINDINGS = [("escape", "dismiss", "cancel")]
    DEFAULT_CSS = f"SkipReason {{ {DIALOG_CSS} }}"

    def __init__(self, name: str) -> None:
        super().__init__()
        self._file = name

    def compose(self) -> ComposeResult:
        """The question and a line to type in."""
        with Vertical():
            yield Static(Text(f"Skip {self._file}? Say why, or just press Enter. Esc keeps it."))
            yield Input(placeholder="reason (optional)", max_length=300)

    @on(Input.Submitted)
    def _take(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip())
