"""Questions over a review screen: which items, why they go back, which labels are right."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from core.ids import LabelId
from core.labels import LabelSet
from core.oversight.browse import Filter
from core.team.people import Account
from tui.screens.dialogs import DIALOG_CSS
from tui.screens.review.facets import Facet, facets, loosened
from tui.screens.review.words import filter_chips
from tui.text import clean

KIND_CELLS = 18


class Picking(ModalScreen[object]):
    """Base of dialogs with a line to type in and a list that it narrows."""

    BINDINGS = [("escape", "dismiss", "cancel"), ("down", "step(1)", ""), ("up", "step(-1)", "")]

    @property
    def options(self) -> OptionList:
        """The list."""
        return self.query_one(OptionList)

    def action_step(self, step: int) -> None:
        """Mark the next or previous line."""
        count, at = self.options.option_count, self.options.highlighted
        if count:
            self.options.highlighted = (step - 1) // 2 % count if at is None else (at + step) % count

    def _list(self, lines: Sequence[Text], *, marked: bool = True) -> None:
        self.options.clear_options()
        self.options.add_options([Option(line) for line in lines])
        self.options.highlighted = 0 if lines and marked else None


class FilterSearch(Picking):
    """Type part of a label, a name, a state, a date or a path; Enter asks for it, Backspace in the empty line for less."""

    DEFAULT_CSS = f"FilterSearch {{ {DIALOG_CSS} & #now {{ height: auto; margin-bottom: 1; }} }}"

    def __init__(self, now: Filter, labels: LabelSet, people: Sequence[Account], now_ms: int) -> None:
        super().__init__()
        self._now, self._labels, self._people, self._now_ms = now, labels, people, now_ms
        self._found: tuple[Facet, ...] = ()

    def compose(self) -> ComposeResult:
        """What is asked for now, a line to type in, what it may mean."""
        with Vertical():
            yield Static(id="now")
            yield Input(placeholder="label, name, state, date or part of the path")
            yield OptionList()

    def on_mount(self) -> None:
        """Begin with everything that can be asked for."""
        self._fill("")

    @on(Input.Changed)
    def _narrow(self, event: Input.Changed) -> None:
        self._fill(event.value)

    def on_key(self, event: events.Key) -> None:
        """Backspace with nothing typed takes the last part of the filter away."""
        if event.key == "backspace" and not self.query_one(Input).value and self._now != Filter():
            self._now = loosened(self._now)
            self._fill("")

    def _fill(self, typed: str) -> None:
        chips = filter_chips(self._now, self._labels, {account.id: account for account in self._people})
        line = "Showing: " + ", ".join(chips) + "\nBackspace: one less" if chips else "Showing everything"
        self.query_one("#now", Static).update(Text(line, style=self.app.theme_variables["secondary"]))
        self._found = facets(typed, self._now, self._labels, self._people, self._now_ms)
        muted = self.app.theme_variables["secondary"]
        self._list(
            [
                Text.assemble(
                    (f"{facet.kind:<{KIND_CELLS}}", muted), ("\u25a0 ", facet.color) if facet.color else "", facet.name
                )
                for facet in self._found
            ],
            marked=bool(typed.strip()),
        )

    @on(Input.Submitted)
    @on(OptionList.OptionSelected)
    def _take(self) -> None:
        """The marked line; with none marked, what is left of the filter."""
        marked = self.options.highlighted
        self.dismiss(self._now if marked is None else self._found[marked].wanted)


class Comment(ModalScreen[str | None]):
    """Why answers are sent back; the labelers read it. What was said before is completed."""

    BINDINGS = [("escape", "dismiss", "cancel")]
    DEFAULT_CSS = f"Comment {{ {DIALOG_CSS} & #why {{ height: auto; margin-bottom: 1; }} & .again {{ margin-top: 1; color: $secondary; }} }}"

    def __init__(self, what: str, before: Sequence[str]) -> None:
        super().__init__()
        self._what, self._before = what, tuple(dict.fromkeys(before))

    def compose(self) -> ComposeResult:
        """The question and a line to type in."""
        with Vertical():
            yield Static(Text(f"Reject {self._what}: why? The labeler reads it when the image comes back."), id="why")
            known = SuggestFromList(self._before, case_sensitive=False)
            yield Input(placeholder="for example: two birds, only one is labeled", max_length=300, suggester=known)
            if self._before:
                yield Static(Text("The right arrow completes what was said before."), classes="again")
            yield Static(Text("Enter: send it back   Esc: cancel"), classes="again")

    @on(Input.Submitted)
    def _take(self, event: Input.Submitted) -> None:
        if event.value.strip():
            self.dismiss(event.value.strip())
        else:
            self.query_one("#why", Static).update(Text("Say in a few words why; without it the labeler would guess."))


class SpacelessInput(Input):
    """A line to type in that hands spaces on instead."""

    class Space(Message):
        """Space was pressed."""

    def on_key(self, event: events.Key) -> None:
        """Never type a space."""
        if event.key == "space":
            event.stop()
            event.prevent_default()
            self.post_message(self.Space())


class LabelsChoice(Picking):
    """Any number of labels: type part of a name, Space marks one or leaves it, Enter takes what is marked."""

    DEFAULT_CSS = f"LabelsChoice {{ {DIALOG_CSS} }}"

    def __init__(self, labels: LabelSet, chosen: Sequence[LabelId]) -> None:
        super().__init__()
        self._labels = labels
        self._chosen = [label for label in chosen if label in labels]

    def compose(self) -> ComposeResult:
        """A line to type in, the labels that match, what keys do."""
        with Vertical():
            yield SpacelessInput(placeholder="part of a label's name")
            yield OptionList()
            yield Static(Text("Space: mark or leave   Enter: these are right   Esc: cancel"))

    def on_mount(self) -> None:
        """Begin with all labels."""
        self._fill()

    @on(Input.Changed)
    def _fill(self) -> None:
        typed = self.query_one(Input).value
        self._found = self._labels.search(typed)
        self._list([self._line(label.id) for label in self._found])

    def _line(self, label: LabelId) -> Text:
        found = self._labels.by_id(label)
        mark = "\u2713 " if label in self._chosen else "  "
        return Text.assemble((mark, "bold"), ("\u25a0 ", found.color), clean(found.path))

    @on(SpacelessInput.Space)
    def _mark(self) -> None:
        marked = self.options.highlighted
        if marked is None:
            return
        label = self._found[marked].id
        if label in self._chosen:
            self._chosen.remove(label)
        else:
            self._chosen.append(label)
        self.options.replace_option_prompt_at_index(marked, self._line(label))

    @on(Input.Submitted)
    @on(OptionList.OptionSelected)
    def _take(self) -> None:
        if self._chosen:
            self.dismiss(tuple(self._chosen))
        else:
            self.notify("Mark at least one label with Space.", markup=False)
