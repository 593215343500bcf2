"""A project at a glance, live: sections that Tab turns, all of them at once where the terminal is large."""

from __future__ import annotations

from textual import work
from textual.app import ComposeResult
from textual.containers import Container

from core.ids import ProjectState, Role
from core.oversight.agreement import Agreement
from core.oversight.assist_status import AssistStatus
from core.project.projects import Project
from core.roles import Action, allowed
from tui.keymap import Scope
from tui.manager import Insight
from tui.screens.manage import panels
from tui.screens.manage.assign import ask_assignment
from tui.screens.manage.base import ManageScreen
from tui.screens.manage.chart_panel import ChartPanel
from tui.screens.manage.export import ask_export
from tui.screens.manage.learning import learning
from tui.screens.manage.panel import Panel
from tui.text import clean
from tui.widgets.line import Line, Part

REFRESH_S = 1.0
AGREEMENT_S = 10.0
LEARNING_S = 3.0
WIDE, TALL = 118, 38
SECTIONS = ("Overview", "Charts", "Labels", "Labelers", "Agreement", "Learning")


class DashboardScreen(ManageScreen):
    """Refreshes itself; admins pause and resume from here, and reach what can be changed."""

    SCOPES = (Scope.EVERYWHERE, Scope.PROJECT)
    DEFAULT_CSS = """
    DashboardScreen { background: $background; }
    DashboardScreen #title, DashboardScreen #keys { background: $panel; }
    DashboardScreen #sections { background: $surface; }
    DashboardScreen #board { height: 1fr; layout: grid; grid-size: 1 1; background: $background; }
    DashboardScreen #board.all { grid-size: 2 3; grid-rows: 21 1fr 1fr; }
    """

    def __init__(self, project: Project, role: Role) -> None:
        super().__init__()
        self._project, self._role = project, role
        self._section = 0
        self._found: Insight | None = None
        self._agreement: Agreement | None = None
        self._learning: AssistStatus | None = None

    def compose(self) -> ComposeResult:
        """Title, the names of the sections, the sections, keys."""
        yield Line(id="title")
        yield Line(id="sections")
        with Container(id="board"):
            for name in SECTIONS:
                yield ChartPanel(name) if name == "Charts" else Panel(name)
        yield Line(id="keys")

    async def on_mount(self) -> None:
        """Fill in, and keep it fresh."""
        self.show_footer(self.query_one("#keys", Line))
        self._turn(0)
        await self._refresh()
        await self._look_at_agreement()
        await self._look_at_learning()
        self.set_interval(LEARNING_S, self._look_at_learning)
        self.set_interval(REFRESH_S, self._refresh)
        self.set_interval(AGREEMENT_S, self._look_at_agreement)

    def on_resize(self) -> None:
        """As many sections as there is room for."""
        self._turn(0)
        self.call_after_refresh(self._show)

    async def on_screen_resume(self) -> None:
        """What was changed on a screen above is seen at once."""
        await self._refresh()

    def _turn(self, step: int) -> None:
        """Go on by so many sections, and show what fits."""
        self._section = (self._section + step) % len(SECTIONS)
        everything = self._section == 0 and self.app.size.width >= WIDE and self.app.size.height >= TALL
        self.query_one("#board").set_class(everything, "all")
        for n, panel in enumerate(self.query(Panel)):
            panel.display = everything or n == self._section
        parts: list[Part] = []
        for n, name in enumerate(SECTIONS):
            parts += [(f" {n + 1} {name} ", "bold background on primary" if n == self._section else "secondary")]
        self.query_one("#sections", Line).show(parts)
        self.query_one(f"#{SECTIONS[self._section].lower()}").focus()
        self.call_after_refresh(self._show)
        self.call_after_refresh(self._look_at_learning)

    def action_next(self) -> None:
        """The next section."""
        self._turn(1)

    def action_previous(self) -> None:
        """The section before."""
        self._turn(-1)

    def action_section(self, key: str) -> None:
        """The section of this number."""
        self._turn(int(key) - 1 - self._section)

    async def _refresh(self) -> None:
        found = await self.ask(self.manager.insight(self._project.id)) if self.is_current else None
        if found is not None:
            self._found, self._project = found, found.project
            self._show()

    async def _look_at_agreement(self) -> None:
        if self.is_current and (found := await self.ask(self.manager.agreement(self._project.id))) is not None:
            self._agreement = found
            self._show()

    async def _look_at_learning(self) -> None:
        is_seen = self.is_current and self.query_one("#learning").display
        if is_seen and (found := await self.ask(self.manager.learning(self._project.id))) is not None:
            self._learning = found
            self._show()

    def _show(self) -> None:
        if self._found is None:
            return
        found, colors = self._found, self.app.theme_variables
        self.query_one("#title", Line).show(
            [
                (f" {clean(self._project.name)} ", "bold primary"),
                (f" {self._project.state} ", "bold success" if self._is_running else "bold accent"),
                (f" {self._project.task_type}", "secondary"),
            ],
            [(f"{clean(self.desk.account.name)} ({self._role}) ", "secondary")],
        )
        first, charts, *others = self.query(Panel)
        second, third, fourth, fifth = others
        first.show(panels.overview(found, colors, first.cells, self.manager.now_ms()))
        if isinstance(charts, ChartPanel) and charts.display:
            charts.draw(found, colors)
        second.show(panels.labels(found, colors, second.cells))
        third.show(panels.labelers(found, colors, third.cells))
        fourth.show(panels.agreement(self._agreement, found.labels, colors, fourth.cells))
        fifth.show(learning(self._learning, colors, fifth.cells, self.manager.now_ms()))

    @property
    def _is_running(self) -> bool:
        return self._project.state is ProjectState.RUNNING

    async def action_pause(self) -> None:
        """Pause a running project, or let a paused one run again."""
        if not allowed(self._role, Action.CHANGE_PROJECT):
            self.say("Only an admin pauses or resumes a project.")
            return
        wanted = ProjectState.PAUSED if self._is_running else ProjectState.RUNNING
        if await self.ask(self.manager.set_state(self._project.id, wanted)) is not None:
            await self._refresh()

    async def action_train(self) -> None:
        """Train now."""
        asked = await self.ask(self.manager.train(self._project.id))
        if asked is not None:
            self.say("The training is asked for." if asked else "A training waits or runs already.")
            await self._look_at_learning()

    async def action_stop(self) -> None:
        """Stop what the learning worker does for this project."""
        count = await self.ask(self.manager.stop_learning(self._project.id))
        if count is not None:
            self.say("Stopped; what it had learned before stays." if count else "Nothing was running or waiting.")
            await self._look_at_learning()

    def action_edit(self) -> None:
        """The project's details and settings."""
        from tui.screens.manage.details import DetailsScreen

        if allowed(self._role, Action.CHANGE_PROJECT):
            self.app.push_screen(DetailsScreen(self._project))
        else:
            self.say("Only an admin changes a project's settings.")

    async def action_review(self) -> None:
        """The project's images and labels."""
        from tui.screens.review.data import open_data

        await open_data(self, self._project)

    @work
    async def action_assign(self) -> None:
        """Give images to labelers."""
        await ask_assignment(self, self._project)

    @work
    async def action_export(self) -> None:
        """Export the labels into the datastore."""
        if allowed(self.desk.account.role, Action.EXPORT):
            await ask_export(self, self._project)
        else:
            self.say("Only an admin exports.")

    def action_log(self) -> None:
        """Who did what when in this project."""
        from tui.screens.manage.log import LogScreen

        if allowed(self.desk.account.role, Action.SEE_AUDIT):
            self.app.push_screen(LogScreen(project=self._project.name))
        else:
            self.say("Only an admin sees the log.")
