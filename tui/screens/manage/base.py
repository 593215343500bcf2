"""What the screens of leads and admins share: a title, a body, the keys, and their door to core."""

from __future__ import annotations

from collections.abc import Sequence

from core.project.projects import Project
from tui.manager import Manager
from tui.office import Office
from tui.screens.base import TaglineScreen
from tui.text import clean
from tui.widgets.line import Line, Part

FRAME_CSS = """
    background: $background;
    & #title, & #keys { background: $panel; }
    & #note { background: $surface; }
"""


class ManageScreen(TaglineScreen):
    """A screen with `#title` above and `#keys` below."""

    @property
    def manager(self) -> Manager:
        """The door to what leads and admins see and change."""
        return Manager(self.desk)

    @property
    def office(self) -> Office:
        """The door to users and the log."""
        return Office(self.desk)

    def head(self, what: str, parts: Sequence[Part] = ()) -> None:
        """Say what the screen shows, and who looks at it."""
        who = f"{clean(self.desk.account.name)} ({self.desk.account.role}) "
        self.query_one("#title", Line).show([(f" {clean(what)} ", "bold primary"), *parts], [(who, "secondary")])

    def note(self, text: str, *, is_wrong: bool = False) -> None:
        """Say something about what is in focus, on the line above the keys."""
        self.query_one("#note", Line).show([(f" {text}", "bold error" if is_wrong else "secondary")])

    def head_project(self, project: Project, what: str) -> None:
        """Say which project, its state, and which page of it."""
        color = "bold success" if project.state == "running" else "bold accent"
        self.head(project.name, [(f" {project.state} ", color), (f" {what}", "secondary")])
