"""A project's details: what it is, every setting that can still change, its members; each change goes through core."""

from __future__ import annotations

from functools import partial

from textual import on, work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from core.errors import BadInput
from core.ids import ProjectState
from core.intake.refresh import Found
from core.project.projects import Project
from core.project.settings import MOST_TEXT
from tui.keymap import Scope
from tui.manager import Details
from tui.screens.manage.ask import AskLongText, AskText
from tui.screens.manage.assign import ask_assignment
from tui.screens.manage.base import FRAME_CSS, ManageScreen
from tui.screens.manage.export import ask_export, exports_text
from tui.screens.manage.setting_rows import SETTINGS, Setting
from tui.text import clean
from tui.widgets.bars import ago, moment
from tui.widgets.line import Line
from tui.widgets.row import Row

REFRESH_S = 2.0
FACTS = (("type", "Task type"), ("data", "Data"), ("made", "Made"))


class Lines(VerticalScroll, can_focus=False, inherit_bindings=False):
    """The lines; arrows go from one to the next, and the page follows."""


class DetailsScreen(ManageScreen):
    """Arrows, then Enter changes the line in place; what changed elsewhere shows by itself."""

    SCOPES = (Scope.EVERYWHERE, Scope.DETAILS)
    DEFAULT_CSS = f"""
    DetailsScreen {{ {FRAME_CSS}
        & VerticalScroll {{ height: 1fr; background: $background; scrollbar-size: 1 1; }}
        & .heading {{ padding: 1 1 0 1; text-style: bold; color: $primary; height: auto; }}
    }}
    """

    def __init__(self, project: Project) -> None:
        super().__init__()
        self._project = project
        self._details: Details | None = None

    def compose(self) -> ComposeResult:
        """Facts, settings, what opens a page of its own."""
        yield Line(id="title")
        with Lines():
            yield Static("Project", classes="heading")
            for key, name in FACTS:
                yield Row(key, name, "fixed when the project was made")
            yield Row("output", "Exports", "x: export the labels into the project's datastore")
            yield Static("Settings", classes="heading")
            for setting in SETTINGS:
                yield Row(setting.key, setting.name, setting.hint, partial(self._check, setting))
            yield Row("instructions", "Instructions", "Enter: write them")
            yield Static("More", classes="heading")
            yield Row("found", "Last look for files", "r: look now")
            yield Row("labels", "Label classes", "Enter: see and change them")
            yield Row("members", "Members", "Enter: see and change them")
        yield Line(id="note")
        yield Line(id="keys")

    async def on_mount(self) -> None:
        """Fill in, and keep it fresh."""
        self.show_footer(self.query_one("#keys", Line))
        await self._refresh()
        self.query_one("#row-lease").focus(scroll_visible=False)
        self.set_interval(REFRESH_S, self._refresh)

    async def on_screen_resume(self) -> None:
        """What was changed on a screen above is seen at once."""
        await self._refresh()

    async def _refresh(self) -> None:
        found = await self.ask(self.manager.details(self._project.id)) if self.is_current else None
        if found is None or found == self._details:
            return
        self._details, self._project = found, found.project
        self.head_project(found.project, "details")
        for key, text in _facts(found, self.manager.now_ms()).items():
            self.query_one(f"#row-{key}", Row).show(clean(text))
        for setting in SETTINGS:
            self.query_one(f"#row-{setting.key}", Row).show(clean(setting.show(found.settings)))

    def _check(self, setting: Setting, text: str) -> None:
        if self._details is not None:
            setting.changes(self._details.settings, text)

    @on(Row.Changed)
    async def _change(self, event: Row.Changed) -> None:
        setting = next(one for one in SETTINGS if one.key == event.row.key)
        if self._details is None:
            return
        changes = setting.changes(self._details.settings, event.text)
        if await self.ask(self.manager.change(self._project.id, changes)) is not None:
            await self._refresh()
            self.say(f"{setting.name}: {event.row.text}")

    @on(Row.Noted)
    def _note(self, event: Row.Noted) -> None:
        self.note(event.text, is_wrong=event.is_wrong)

    def action_up(self) -> None:
        """To the line above."""
        self.focus_previous(Row)

    def action_down(self) -> None:
        """To the line below."""
        self.focus_next(Row)

    def action_change(self) -> None:
        """Change the line in focus."""
        if isinstance(row := self.focused, Row):
            row.change()

    @on(Row.Opened)
    def _open(self, event: Row.Opened) -> None:
        match event.row.key:
            case "instructions":
                self._write_instructions()
            case "labels":
                self.action_labels()
            case "members":
                self.action_members()
            case "found":
                self.action_refresh()
            case "output":
                self.action_export()
            case _:
                self.say("That cannot change once a project is made.")

    @work
    async def _write_instructions(self) -> None:
        if self._details is None:
            return
        settings = self._details.settings

        def check(text: str) -> None:
            if len(text) > MOST_TEXT:
                raise BadInput(f"That is longer than {MOST_TEXT:,} characters; give a link instead.")

        question = "Instructions for labelers, in Markdown, or a link"
        text = await self.app.push_screen_wait(AskLongText(question, settings.instructions, check))
        if text is None or text == settings.instructions:
            return
        if await self.ask(self.manager.change(self._project.id, {"instructions": text})) is not None:
            self.say("The instructions are changed; labelers read them with i.")
            await self._refresh()

    @work(exclusive=True, group="refresh")
    async def action_refresh(self) -> None:
        """Look for new and missing files now; of a new project that failed to load, load them again."""
        if self._project.state is ProjectState.INITIALIZING:
            await self.ask(self.manager.load_again(self._project.id))
            self.say("The project's files are loaded now; the project list shows how far they are.")
            return
        self.say("Looking for new and missing files …")
        found = await self.ask(self.manager.refresh(self._project))
        if found is not None:
            self.say(f"Looked: {found_text(found)}.")
            await self._refresh()

    async def action_pause(self) -> None:
        """Pause a running project, or let a paused one run again."""
        running = self._project.state is ProjectState.RUNNING
        wanted = ProjectState.PAUSED if running else ProjectState.RUNNING
        if await self.ask(self.manager.set_state(self._project.id, wanted)) is not None:
            await self._refresh()

    @work
    async def action_delete(self) -> None:
        """Delete the project, once its name was typed."""
        name = self._project.name

        def check(text: str) -> None:
            if text != name:
                raise BadInput("That is not its name.")

        question = (
            f"Delete {clean(name)}? Nobody can label or see it any more, and its name is never free again. "
            "Type its name to do it."
        )
        if await self.app.push_screen_wait(AskText(question, check, yes="delete it")) is None:
            return
        if await self.ask(self.manager.set_state(self._project.id, ProjectState.DELETED)) is not None:
            self.say(f"{clean(name)} is deleted.")
            while len(self.app.screen_stack) > 2:
                self.app.pop_screen()

    def action_labels(self) -> None:
        """The label classes."""
        from tui.screens.manage.classes import ClassesScreen

        self.app.push_screen(ClassesScreen(self._project))

    def action_members(self) -> None:
        """The members."""
        from tui.screens.manage.members import MembersScreen

        self.app.push_screen(MembersScreen(self._project))

    @work
    async def action_assign(self) -> None:
        """Give images to labelers."""
        await ask_assignment(self, self._project)

    @work
    async def action_export(self) -> None:
        """Export the labels into the datastore."""
        await ask_export(self, self._project)
        await self._refresh()


def _facts(found: Details, now_ms: int) -> dict[str, str]:
    """What the lines say that are no settings. Pure."""
    project, (refreshed_ms, last) = found.project, found.refreshed
    words = found.settings.instructions
    return {
        "type": f"{project.task_type}",
        "data": f"{project.datastore}   {project.pattern}",
        "made": f"{moment(project.created_ms)} UTC, order seed {project.seed}",
        "output": exports_text(found.exports, project, now_ms),
        "instructions": f"{words.splitlines()[0][:40]}" if words.strip() else "none yet",
        "found": ago(refreshed_ms, now_ms) + (f": {found_text(last)}" if last else ""),
        "labels": f"{len(found.labels)}: " + ", ".join(label.path for label in list(found.labels)[:6]),
        "members": f"{len(found.members)}: " + ", ".join(account.name for account, _ in found.members[:6]),
    }


def found_text(found: Found) -> str:
    """What a look for files found, in words. Pure."""
    counts = (
        (found.added, "new"), (found.missing, "missing"), (found.returned, "back"), (found.changed, "changed"),
        (found.unreadable, "unreadable"), (found.over_cap, "over the cap"),
    )  # fmt: skip
    told = ", ".join(f"{n:,} {word}" for n, word in counts if n)
    return f"{found.files:,} files, {told or 'nothing new'}"
