"""The Textual app of one session: a stack of screens, a theme, and what happens when the session ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tui.desk import Desk
from tui.hosted import HostedApp
from tui.picture.stage import Stage
from tui.screens.base import TaglineScreen
from tui.terminal import Terminal
from tui.theme import DARK, LIGHT, theme_for


class TaglineApp(HostedApp):
    """One user's Tagline; `sources` are the datastores from which admins may make projects."""

    TITLE = "Tagline"
    ENABLE_COMMAND_PALETTE = False
    CSS = "Toast { background: $panel; }"

    def __init__(self, desk: Desk, terminal: Terminal, stage: Stage, sources: Sequence[str] = ()) -> None:
        super().__init__()
        self.sources = tuple(sources)
        self.desk, self.terminal, self.stage = desk, terminal, stage
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = theme_for(terminal.is_dark).name

    def push_screen(self, screen: Any, *args: Any, **kwargs: Any) -> Any:
        """Open a screen; what was said on the page before is not left lying over another page."""
        if isinstance(screen, TaglineScreen):
            self.clear_notifications()
        return super().push_screen(screen, *args, **kwargs)

    def terminal_learned(self) -> None:
        """Its background may be light."""
        self.theme = theme_for(self.terminal.is_dark).name

    def on_mount(self) -> None:
        """Begin at the project list."""
        from tui.screens.projects import ProjectsScreen

        self.push_screen(ProjectsScreen())

    async def session_ended(self) -> None:
        """Save what is in progress on every screen; called once when the session is over, however it ended."""
        for screen in reversed(self.screen_stack or ()):
            finish = getattr(screen, "save_work", None)
            if finish is not None:
                await finish()
