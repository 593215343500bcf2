"""Giving images that are still to do to labelers: which ones, how many, to whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from core.errors import TaglineError
from core.labeling.assigning import Todo
from core.project.projects import Project
from core.team.people import Account
from tui.screens.dialogs import DIALOG_CSS
from tui.screens.manage.ask import CHOICE_CSS, Many
from tui.screens.manage.base import ManageScreen
from tui.text import clean
from tui.widgets.reading import read_count

KEYS = "Tab: next   Space: choose   Enter: assign   Esc: cancel"


@dataclass(frozen=True)
class Assignment:
    """What was asked for; nobody in `to` gives the images back to everybody."""

    which: Todo
    to: tuple[str, ...]


class AssignDialog(ModalScreen[Assignment | None]):
    """Part of the path, how many at most, and the labelers among whom they are dealt out."""

    BINDINGS = [("escape", "dismiss", "cancel"), ("enter", "take", "assign")]
    DEFAULT_CSS = f"""
    AssignDialog {{ {DIALOG_CSS} {CHOICE_CSS}
        & > Vertical {{ width: 68; max-height: 95%; padding: 0 2; }}
        & Input {{ margin-bottom: 1; }}
        & Many {{ height: auto; max-height: 8; margin-top: 0; }}
        & .problem {{ display: none; }}
        & .problem.said {{ display: block; }}
    }}
    """

    def __init__(self, members: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._members = members

    def compose(self) -> ComposeResult:
        """The three questions."""
        with Vertical():
            yield Static("Images still to do whose path contains")
            yield Input(placeholder="everything", id="text")
            yield Static("At most so many")
            yield Input(placeholder="all of them", id="limit")
            yield Static("To these, dealt out in turn; to none: back to everybody")
            yield Many(self._members)
            yield Static(classes="problem", markup=False)
            yield Static(KEYS, classes="keys", markup=False)

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_take()

    def action_take(self) -> None:
        """Answer, once it can be."""
        limit = self.query_one("#limit", Input).value.strip()
        try:
            most = read_count(limit) if limit else None
        except TaglineError as error:
            self.query_one(".problem", Static).update(str(error))
            self.query_one(".problem").add_class("said")
            self.query_one("#limit", Input).focus()
            return
        which = Todo(text=self.query_one("#text", Input).value.strip(), limit=most)
        self.dismiss(Assignment(which, tuple(self.query_one(Many).chosen)))


async def ask_assignment(screen: ManageScreen, project: Project) -> None:
    """Ask what to assign, do it, and say how many images that were."""
    found = await screen.ask(screen.manager.members(project.id))
    if found is None:
        return
    members: dict[str, Account] = {str(account.id): account for account, _ in found if not account.disabled}
    choices = [(key, clean(account.name)) for key, account in members.items()]
    wanted = await screen.app.push_screen_wait(AssignDialog(choices))
    if wanted is None:
        return
    to = [members[key] for key in wanted.to]
    given = await screen.ask(screen.manager.assign(project.id, wanted.which, to))
    if given is not None:
        screen.say(f"{given:,} images given to {', '.join(clean(one.name) for one in to) or 'everybody'}.")
