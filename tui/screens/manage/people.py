"""Users: who may log in, with which role and keys. Passwords are set on the server itself, never on a screen."""

from __future__ import annotations

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from core.errors import BadInput
from core.ids import Role
from core.team.people import Account, KeyLine, check_user_name
from tui.keymap import Scope
from tui.public_key import parse_key
from tui.screens.dialogs import DIALOG_CSS, Confirm
from tui.screens.manage.ask import CHOICE_CSS, AskChoice, AskText
from tui.screens.manage.base import FRAME_CSS, ManageScreen
from tui.text import clean
from tui.widgets.bars import column
from tui.widgets.field import Field
from tui.widgets.line import Line
from tui.widgets.rows import Rows

REFRESH_S = 2.0
ROLES = (
    (Role.LABELER.value, "labeler", "labels the projects given to them"),
    (Role.LEAD.value, "lead", "also reviews and assigns, sees their dashboards"),
    (Role.ADMIN.value, "admin", "may do everything, in every project"),
)
NEW_KEY = "a new key \N{HORIZONTAL ELLIPSIS}"


class PeopleScreen(ManageScreen):
    """A list; what changed elsewhere shows by itself."""

    SCOPES = (Scope.EVERYWHERE, Scope.PEOPLE)
    DEFAULT_CSS = f"PeopleScreen {{ {FRAME_CSS} }}"

    def __init__(self) -> None:
        super().__init__()
        self._people: dict[str, Account] = {}

    def compose(self) -> ComposeResult:
        """Title, column names, users, keys."""
        yield Line(id="title")
        yield Line(id="note")
        yield Rows()
        yield Line(id="keys")

    async def on_mount(self) -> None:
        """Fill in, and keep it fresh."""
        self.head("People")
        self.note(f" {column('name', 34)}{column('role', 12)}{column('password', 10)}")
        self.show_footer(self.query_one("#keys", Line))
        await self._refresh()
        self.query_one(Rows).focus()
        self.set_interval(REFRESH_S, self._refresh)

    async def _refresh(self) -> None:
        found = await self.ask(self.office.accounts()) if self.is_current else None
        if found is not None:
            self._people = {str(account.id): account for account in found}
            self.query_one(Rows).fill([(key, self._row(one)) for key, one in self._people.items()])

    def _row(self, account: Account) -> Text:
        colors = self.app.theme_variables
        text = Text().append(column(clean(account.name), 34), colors["secondary"] if account.disabled else "")
        text.append(column(account.role.value, 12), "bold" if account.role is Role.ADMIN else "")
        text.append(column("yes" if account.has_password else "", 10), colors["secondary"])
        return text.append("disabled" if account.disabled else "", colors["error"])

    @property
    def _marked(self) -> Account | None:
        return self._people.get(self.query_one(Rows).marked or "")

    @on(Rows.OptionSelected)
    def _selected(self) -> None:
        self.action_change()

    @work(exclusive=True)
    async def action_change(self) -> None:
        """Another role for the marked user."""
        if (account := self._marked) is None:
            return
        chosen = await self.app.push_screen_wait(AskChoice(f"What is {clean(account.name)}?", ROLES, now=account.role))
        if chosen is not None and chosen != account.role:
            await self.ask(self.office.set_role(account.id, Role(chosen)))
            await self._refresh()

    @work(exclusive=True)
    async def action_add(self) -> None:
        """A new user."""
        new = await self.app.push_screen_wait(NewUser({one.name for one in self._people.values()}))
        if new is None:
            return
        name, key = new
        role = await self.app.push_screen_wait(AskChoice(f"What is {clean(name)}?", ROLES))
        if role is None:
            return
        made = await self.ask(self.office.add_account(name, Role(role), key))
        await self._refresh()
        if made is not None:
            self.query_one(Rows).mark(str(made.id))
            self.say(f"{clean(made.name)} can log in with that key. Give them a project on its page of members.")

    @work(exclusive=True)
    async def action_keys(self) -> None:
        """The keys of the marked user; one that is chosen can be taken away."""
        if (account := self._marked) is None or (keys := await self.ask(self.office.keys(account.id))) is None:
            return
        choices = [(key.fingerprint, key.fingerprint, key.line.split()[0]) for key in keys]
        question = f"Keys of {clean(account.name)}; Enter on one takes it away"
        chosen = await self.app.push_screen_wait(AskChoice(question, [*choices, (NEW_KEY, NEW_KEY, "")], now=NEW_KEY))
        if chosen == NEW_KEY:
            line = await self.app.push_screen_wait(
                AskText("Paste the public key", parse_key, hint="ssh-ed25519 AAAA\u2026")
            )
            if line is not None:
                await self.ask(self.office.add_key(account.id, parse_key(line)))
        elif chosen is not None:
            question = f"Take this key from {clean(account.name)}? Sessions that are open stay open.\n\n{chosen}"
            if await self.app.push_screen_wait(Confirm(question)):
                await self.ask(self.office.remove_key(account.id, chosen))

    @work(exclusive=True)
    async def action_disable(self) -> None:
        """Shut the marked user out, or let them in again."""
        if (account := self._marked) is None:
            return
        question = f"Shut {clean(account.name)} out? Their open sessions end within seconds; what they submitted stays."
        if account.disabled or await self.app.push_screen_wait(Confirm(question)):
            await self.ask(self.office.set_disabled(account.id, not account.disabled))
            await self._refresh()

    def action_log(self) -> None:
        """What the marked user did."""
        from tui.screens.manage.log import LogScreen

        if (account := self._marked) is not None:
            self.app.push_screen(LogScreen(who=account.name))


class NewUser(ModalScreen[tuple[str, KeyLine] | None]):
    """Name and public key of a new user."""

    BINDINGS = [("escape", "dismiss", "cancel")]
    DEFAULT_CSS = f"""
    NewUser {{ {DIALOG_CSS} {CHOICE_CSS}
        & Vertical {{ width: 70; }}
        & Field {{ background: $panel; }}
        & Field Input, & Field Input:focus {{ background: $surface; }}
    }}
    """

    def __init__(self, taken: set[str]) -> None:
        super().__init__()
        self._taken = taken

    def compose(self) -> ComposeResult:
        """Two lines to type in."""
        with Vertical():
            yield Field("name", "Name", self._check_name, hint="1 to 32 of a-z, 0-9, '.', '_' and '-'")
            yield Field("key", "Public key", parse_key, hint="the line of id_ed25519.pub; paste it here")
            yield Static("Tab: next   Enter: go on   Esc: cancel", classes="keys", markup=False)

    def _check_name(self, text: str) -> None:
        check_user_name(text)
        if text in self._taken:
            raise BadInput(f"There is a user {text!r} already.")

    @on(Field.Entered)
    def _take(self) -> None:
        name, key = self.query_one("#field-name", Field), self.query_one("#field-key", Field)
        for field in (name, key):
            if wrong := field.problem():
                field.tell(wrong)
                field.focus_line()
                return
        self.dismiss((name.text, parse_key(key.text)))
