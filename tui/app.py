"""The Textual app of one session: a stack of screens, a theme, and what happens when the session ends."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from textual.app import App

from core.errors import TaglineError
from tui.desk import Desk
from tui.picture.stage import Stage
from tui.terminal import Terminal
from tui.theme import DARK, LIGHT, theme_for

log = logging.getLogger("tagline.app")

ENABLED_CHECK_S = 5.0


class TaglineApp(App[None]):
    """One user's Tagline."""

    TITLE = "Tagline"
    ENABLE_COMMAND_PALETTE = False
    CSS = "Toast { background: $panel; }"

    def __init__(self, desk: Desk, terminal: Terminal, stage: Stage) -> None:
        super().__init__()
        self.desk, self.terminal, self.stage = desk, terminal, stage
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = theme_for(terminal.is_dark).name

    def on_mount(self) -> None:
        """Begin at the project list."""
        from tui.screens.projects import ProjectsScreen

        self.push_screen(ProjectsScreen())
        self.set_interval(ENABLED_CHECK_S, self._check_enabled)

    async def _check_enabled(self) -> None:
        try:
            enabled = await self.desk.is_enabled()
        except TaglineError:
            return
        if not enabled:
            self.exit(message="Your account was disabled.")

    async def session_ended(self) -> None:
        """Save what is in progress on every screen; called once when the session is over, however it ended."""
        for screen in reversed(self.screen_stack or ()):
            finish = getattr(screen, "save_work", None)
            if finish is not None:
                await finish()

    async def _process_messages(self, *args: Any, **kwargs: Any) -> None:
        # On Python 3.12+ App.run_async has just put an eager task factory on the whole loop; asyncssh hangs under it.
        asyncio.get_running_loop().set_task_factory(None)
        await super()._process_messages(*args, **kwargs)

    def _fatal_error(self) -> None:
        # The base class would print a traceback with local variables to the server's terminal.
        log.error("the app of %s crashed", self.desk.account.name, exc_info=self._exception)
        self._return_code = 1
        self._close_messages_no_wait()

    def _print_error_renderables(self) -> None:
        self._exit_renderables.clear()
