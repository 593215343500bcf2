"""A project's page for leads and admins: how far it is, by state, by label and by labeler, live."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from core.ids import LabelId, ProjectState, Role
from core.labels import LabelSet
from core.progress import LabelerCount, Progress
from core.projects import Project
from core.roles import Action, allowed
from tui.keymap import Scope
from tui.screens.base import TaglineScreen
from tui.text import clean
from tui.widgets.line import Line

REFRESH_S = 1.0
BAR_CELLS = 40
TOP = 12


class ProjectScreen(TaglineScreen):
    """Refreshes itself; admins pause and resume from here."""

    SCOPES = (Scope.EVERYWHERE, Scope.PROJECT)
    DEFAULT_CSS = """
    ProjectScreen { background: $background; }
    ProjectScreen #title, ProjectScreen #keys { background: $panel; }
    ProjectScreen VerticalScroll { height: 1fr; padding: 1 3; background: $background; }
    ProjectScreen Static { height: auto; background: $background; }
    """

    def __init__(self, project: Project, role: Role) -> None:
        super().__init__()
        self._project, self._role = project, role
        self._labels = LabelSet(())

    def compose(self) -> ComposeResult:
        """Title, facts, keys."""
        yield Line(id="title")
        with VerticalScroll():
            yield Static(id="facts")
        yield Line(id="keys")

    async def on_mount(self) -> None:
        """Fill in, and keep it fresh."""
        self.show_footer(self.query_one("#keys", Line))
        self._labels = await self.ask(self.desk.labels(self._project.id)) or self._labels
        await self._refresh()
        self.set_interval(REFRESH_S, self._refresh)

    async def _refresh(self) -> None:
        found = await self.ask(self.desk.overview(self._project.id)) if self.is_current else None
        if found is None:
            return
        self._project, progress, labelers, labels = found
        self.query_one("#title", Line).show(
            [(f" {clean(self._project.name)} ", "bold primary"), (f" {self._project.state} ", "bold accent")],
            [(f"{clean(self.desk.account.name)} ({self._role}) ", "secondary")],
        )
        colors = self.app.theme_variables
        self.query_one("#facts", Static).update(
            facts(self._project, progress, labelers, labels, self._labels, colors, self.size.width)
        )

    async def action_pause(self) -> None:
        """Pause a running project, or let a paused one run again."""
        if not allowed(self._role, Action.CHANGE_PROJECT):
            self.say("Only an admin pauses or resumes a project.")
            return
        running = self._project.state is ProjectState.RUNNING
        wanted = ProjectState.PAUSED if running else ProjectState.RUNNING
        if await self.ask(self.desk.set_state(self._project.id, wanted)) is not None:
            await self._refresh()


def facts(
    project: Project,
    progress: Progress,
    labelers: Sequence[LabelerCount],
    labels: Mapping[LabelId, int],
    classes: LabelSet,
    colors: Mapping[str, str],
    width: int,
) -> Text:
    """All that the page says, as text. Pure."""
    wide = max(10, min(BAR_CELLS, width - 40))
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f"{project.task_type}   {clean(project.datastore)}   {clean(project.pattern)}\n\n", colors["secondary"])
    if project.state is ProjectState.INITIALIZING:
        text.append("Loading files  ", "bold")
        _bar(text, project.import_done, project.import_total, colors["accent"], colors["panel"], wide)
        text.append(f"  {project.import_done:,} of {project.import_total:,}\n\n")
    text.append("Images  ", "bold").append(
        f"{progress.done_fraction:.0%} done, {progress.in_hand:,} in hand\n", colors["secondary"]
    )
    for word, count, color in _states(progress, colors):
        text.append(f"  {word:<13}{count:>9,}  ")
        _bar(text, count, progress.total, color, colors["panel"], wide)
        text.append("\n")
    text.append("\nLabels\n", "bold")
    most = max(labels.values(), default=0)
    ranked = sorted(classes, key=lambda label: (-labels.get(label.id, 0), label.position))
    for label in ranked[:TOP]:
        name = clean(label.path)
        text.append(f"  {name[:18]:<18}{labels.get(label.id, 0):>9,}  ")
        _bar(text, labels.get(label.id, 0), most, label.color, colors["panel"], max(5, wide - 5))
        text.append("\n")
    if len(ranked) > TOP:
        text.append(f"  and {len(ranked) - TOP} more\n", colors["secondary"])
    text.append("\nLabelers\n", "bold")
    for labeler in labelers:
        text.append(
            f"  {clean(labeler.name):<18}{labeler.done:>9,} labeled {labeler.skipped:>6,} skipped  {pace(labeler)}\n"
        )
    if not labelers:
        text.append("  nobody has submitted anything yet\n", colors["secondary"])
    return text


def _states(progress: Progress, colors: Mapping[str, str]) -> Iterator[tuple[str, int, str]]:
    yield "labeled", progress.labeled, colors["success"]
    yield "to do", progress.todo, colors["primary"]
    yield "skipped", progress.skipped, colors["warning"]
    yield "needs review", progress.needs_review, colors["accent"]
    yield "unreadable", progress.unreadable, colors["error"]
    yield "missing", progress.missing, colors["error"]


def _bar(text: Text, part: int, whole: int, color: str, rest: str, cells: int) -> None:
    filled = min(cells, round(cells * part / whole)) if whole else 0
    filled = max(filled, 1) if part else filled
    text.append("\N{BOX DRAWINGS HEAVY HORIZONTAL}" * filled, color)
    text.append("\N{BOX DRAWINGS HEAVY HORIZONTAL}" * (cells - filled), rest)


def pace(labeler: LabelerCount) -> str:
    """How long an image takes this labeler, in words."""
    if not labeler.done or not labeler.active_ms:
        return ""
    return f"{labeler.active_ms / labeler.done / 1000:.1f} s an image"
