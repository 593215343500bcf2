"""Who a project is given to, and what they are in it."""

from __future__ import annotations

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult

from core.ids import Role
from core.project.projects import Project
from core.team.people import Account
from tui.keymap import Scope
from tui.screens.dialogs import Confirm
from tui.screens.manage.ask import AskChoice, AskMany
from tui.screens.manage.assign import ask_assignment
from tui.screens.manage.base import FRAME_CSS, ManageScreen
from tui.text import clean
from tui.widgets.bars import column
from tui.widgets.line import Line
from tui.widgets.rows import Rows

REFRESH_S = 2.0
HERE = (
    (Role.LABELER.value, "labeler", "labels images"),
    (Role.LEAD.value, "lead", "labels, reviews, assigns, sees the dashboard"),
)
NOBODY = "Nobody is a member yet; admins see the project all the same. Press n to give it to somebody."


class MembersScreen(ManageScreen):
    """A list; what changed elsewhere shows by itself."""

    SCOPES = (Scope.EVERYWHERE, Scope.MEMBERS)
    DEFAULT_CSS = f"MembersScreen {{ {FRAME_CSS} }}"

    def __init__(self, project: Project) -> None:
        super().__init__()
        self._project = project
        self._members: dict[str, tuple[Account, Role]] = {}

    def compose(self) -> ComposeResult:
        """Title, column names, members, keys."""
        yield Line(id="title")
        yield Line(id="note")
        yield Rows()
        yield Line(id="keys")

    async def on_mount(self) -> None:
        """Fill in, and keep it fresh."""
        self.head_project(self._project, "members")
        self.show_footer(self.query_one("#keys", Line))
        await self._refresh()
        self.query_one(Rows).focus()
        self.set_interval(REFRESH_S, self._refresh)

    async def _refresh(self) -> None:
        found = await self.ask(self.manager.members(self._project.id)) if self.is_current else None
        if found is None:
            return
        self._members = {str(account.id): (account, role) for account, role in found}
        self.query_one(Rows).fill([(key, self._row(*one)) for key, one in self._members.items()])
        head = f"  {column('name', 24)}{column('role here', 12)}"
        self.query_one("#note", Line).show([(head if found else f" {NOBODY}", "secondary")])

    def _row(self, account: Account, role: Role) -> Text:
        colors = self.app.theme_variables
        text = Text(f"{column(clean(account.name), 24)}{column(role.value, 12)}")
        return text.append("disabled" if account.disabled else "", colors["error"])

    @property
    def _marked(self) -> tuple[Account, Role] | None:
        return self._members.get(self.query_one(Rows).marked or "")

    @on(Rows.OptionSelected)
    def _selected(self) -> None:
        self.action_change()

    @work(exclusive=True)
    async def action_change(self) -> None:
        """Another role for the marked member."""
        if (marked := self._marked) is None:
            return
        account, role = marked
        chosen = await self.app.push_screen_wait(AskChoice(f"What is {clean(account.name)} here?", HERE, now=role))
        if chosen is not None and chosen != role:
            await self.ask(self.manager.add_member(self._project.id, account.id, Role(chosen)))
            await self._refresh()

    @work(exclusive=True)
    async def action_add(self) -> None:
        """Give the project to some who do not have it."""
        everybody = await self.ask(self.office.accounts())
        if everybody is None:
            return
        others = {
            str(one.id): one
            for one in everybody
            if not one.disabled and one.role is not Role.ADMIN and str(one.id) not in self._members
        }
        if not others:
            self.say("Every lead and labeler is a member already; new users are made on the page of people.")
            return
        choices = [(key, f"{clean(one.name)} ({one.role})", "") for key, one in others.items()]
        chosen = await self.app.push_screen_wait(AskMany(f"Who gets {clean(self._project.name)}?", choices))
        for key in chosen or ():
            account = others[key]
            await self.ask(self.manager.add_member(self._project.id, account.id, account.role))
        await self._refresh()

    @work(exclusive=True)
    async def action_remove(self) -> None:
        """Take the project from the marked member."""
        if (marked := self._marked) is None:
            return
        account, _ = marked
        question = f"Take {clean(self._project.name)} from {clean(account.name)}? What they submitted stays."
        if await self.app.push_screen_wait(Confirm(question)):
            await self.ask(self.manager.remove_member(self._project.id, account.id))
            await self._refresh()

    @work(exclusive=True)
    async def action_assign(self) -> None:
        """Give images to labelers."""
        await ask_assignment(self, self._project)
