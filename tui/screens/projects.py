"""The first screen: the projects that this account may see, with how far each is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from core.ids import ProjectId, ProjectState
from core.project.projects import Project, ProjectSummary
from core.roles import Action, allowed
from tui.keymap import Key, Scope
from tui.manager import Manager
from tui.screens.base import TaglineScreen
from tui.text import clean
from tui.widgets.bars import bar
from tui.widgets.line import Line

REFRESH_S = 2.0
BAR_CELLS = 20
OF_A_PROJECT = ("open", "details", "review")
ASKS = {"details": Action.SEE_PROGRESS, "review": Action.REVIEW}


class ProjectsScreen(TaglineScreen):
    """Arrows and Enter; the list refreshes itself."""

    SCOPES = (Scope.EVERYWHERE, Scope.PROJECTS)
    DEFAULT_CSS = """
    ProjectsScreen { background: $background; }
    ProjectsScreen #title { background: $panel; color: $foreground; }
    ProjectsScreen OptionList { height: 1fr; border: none; background: $background; padding: 1 2; }
    ProjectsScreen OptionList:focus { border: none; background: $background; background-tint: $background 0%; }
    ProjectsScreen OptionList > .option-list--option { padding: 0 1 1 1; }
    ProjectsScreen OptionList > .option-list--option-highlighted,
    ProjectsScreen OptionList:focus > .option-list--option-highlighted {
        background: $panel; color: $foreground; text-style: none;
    }
    ProjectsScreen #empty { height: auto; padding: 1 3; display: none; }
    ProjectsScreen #keys { background: $surface; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._projects: tuple[ProjectSummary, ...] | None = None
        self._troubles: Mapping[ProjectId, str] = {}

    def compose(self) -> ComposeResult:
        """Title, list, keys."""
        yield Line(id="title")
        yield Static(id="empty", markup=False)
        yield OptionList()
        yield Line(id="keys")

    async def on_mount(self) -> None:
        """Fill the list and keep it fresh."""
        self.query_one("#title", Line).show(
            [(" \u25c8 Tagline ", "bold primary")],
            [(f"{clean(self.desk.account.name)} ({self.desk.account.role}) ", "secondary")],
        )
        self.show_footer(self.query_one("#keys", Line))
        await self._refresh()
        self.set_interval(REFRESH_S, self._refresh)

    async def on_screen_resume(self) -> None:
        """What was done on a screen above is seen at once."""
        await self._refresh()

    async def _refresh(self) -> None:
        if not self.is_current:
            return
        found = await self.ask(self.desk.projects())
        if found is None:
            return
        troubles = await self._find_troubles(found)
        if found == self._projects and troubles == self._troubles:
            return
        self._projects, self._troubles = found, troubles
        options = self.query_one(OptionList)
        marked = options.highlighted or 0
        options.clear_options()
        for summary in found:
            options.add_option(Option(self._row(summary), id=str(summary.project.id)))
        options.highlighted = min(marked, len(found) - 1) if found else None
        self._show_empty(is_empty=not found)
        options.focus()

    def _show_empty(self, *, is_empty: bool) -> None:
        """What to do where there is no project."""
        empty, may_make = self.query_one("#empty", Static), allowed(self.desk.account.role, Action.CHANGE_PROJECT)
        empty.update(
            "There is no project yet.\n\nn: make one   u: users, who label it"
            if may_make
            else "No project is given to you yet. An admin gives you one; it appears here by itself."
        )
        empty.display = is_empty
        self.show_footer(self.query_one("#keys", Line))

    def footer_keys(self) -> list[Key]:
        """Without a project nothing can be done with one; what its role forbids is not offered."""
        marked = self._marked()
        role = self.desk.account.role if marked is None else marked.role
        shut = (
            set(OF_A_PROJECT)
            if self._projects == ()
            else {key for key, needs in ASKS.items() if not allowed(role, needs)}
        )
        return [key for key in super().footer_keys() if key.action not in shut]

    def on_option_list_option_highlighted(self) -> None:
        """Another project, perhaps another role."""
        self.show_footer(self.query_one("#keys", Line))

    async def _find_troubles(self, found: Sequence[ProjectSummary]) -> Mapping[ProjectId, str]:
        """Why new projects do not get on; for admins, and only where there is a new one."""
        is_new = any(summary.project.state is ProjectState.INITIALIZING for summary in found)
        if not is_new or not allowed(self.desk.account.role, Action.CHANGE_PROJECT):
            return {}
        return await self.ask(Manager(self.desk).troubles()) or {}

    def _row(self, summary: ProjectSummary) -> Text:
        project, progress = summary.project, summary.progress
        colors = self.app.theme_variables
        done = round(progress.done_fraction * BAR_CELLS)
        row = Text(no_wrap=True)
        row.append(clean(project.name), style=f"bold {colors['primary']}")
        row.append(f"  {project.task_type}  {project.state}\n", style=colors["secondary"])
        if project.state is ProjectState.INITIALIZING:
            return row.append_text(self._loading(project))
        row.append("\u2501" * done, style=colors["success"])
        row.append("\u2500" * (BAR_CELLS - done), style=colors["secondary"])
        row.append(f"  {progress.labeled:,} of {progress.total:,} labeled")
        rest = (
            (progress.needs_review, "need review"), (progress.skipped, "skipped"),
            (progress.unreadable, "unreadable"), (progress.missing, "missing"),
        )  # fmt: skip
        row.append("".join(f", {n:,} {word}" for n, word in rest if n))
        return row

    def _loading(self, project: Project) -> Text:
        """How far the files of a new project are, or why they do not come."""
        colors = self.app.theme_variables
        if trouble := self._troubles.get(project.id):
            return Text(clean(trouble), colors["error"])
        done, total = project.import_done, project.import_total
        if not total:
            return Text("looking at its files \u2026", colors["secondary"])
        return bar(done, total, BAR_CELLS, colors["accent"], colors["panel"]).append(
            f"  {done:,} of {total:,} files loaded"
        )

    def _marked(self) -> ProjectSummary | None:
        marked = self.query_one(OptionList).highlighted
        found = self._projects or ()
        return found[marked] if marked is not None and marked < len(found) else None

    async def on_option_list_option_selected(self) -> None:
        """Enter on a row."""
        await self.action_open()

    async def action_open(self) -> None:
        """Label the marked project."""
        from tui.screens.canvas.screen import CanvasScreen
        from tui.screens.labeling import LabelingScreen

        summary = self._marked()
        if summary is None:
            return
        project = summary.project
        if project.state is ProjectState.INITIALIZING:
            self.say("The project is still loading its files; it opens by itself when it is ready.")
        elif (desk := await self.ask(self.desk.open(project))) is not None:
            self.app.push_screen(CanvasScreen(desk) if project.task_type.has_regions else LabelingScreen(desk))

    def action_details(self) -> None:
        """The dashboard of the marked project."""
        from tui.screens.manage.dashboard import DashboardScreen

        summary = self._marked()
        if summary is not None and allowed(summary.role, Action.SEE_PROGRESS):
            self.app.push_screen(DashboardScreen(summary.project, summary.role))
        elif summary is not None:
            self.say("Progress is for leads and admins.")

    async def action_review(self) -> None:
        """The data of the marked project, to review."""
        from tui.screens.review.data import open_data

        if (summary := self._marked()) is not None:
            await open_data(self, summary.project)

    def action_new(self) -> None:
        """Make a project, step by step."""
        from tui.screens.manage.wizard import WizardScreen

        if allowed(self.desk.account.role, Action.CHANGE_PROJECT):
            self.app.push_screen(WizardScreen())
        else:
            self.say("Only an admin makes projects.")

    def action_people(self) -> None:
        """Users, their roles and keys."""
        from tui.screens.manage.people import PeopleScreen

        if allowed(self.desk.account.role, Action.MANAGE_PEOPLE):
            self.app.push_screen(PeopleScreen())
        else:
            self.say("Only an admin manages users.")

    def action_log(self) -> None:
        """Who did what when."""
        from tui.screens.manage.log import LogScreen

        if allowed(self.desk.account.role, Action.SEE_AUDIT):
            self.app.push_screen(LogScreen())
        else:
            self.say("Only an admin sees the log.")
