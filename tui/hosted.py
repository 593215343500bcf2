"""An app that shares its process with others: takes from Textual's App what is global, and saves work before it ends."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Sequence
from typing import Any

from rich.segment import Segment
from textual.app import App
from textual.color import Color
from textual.filter import LineFilter
from textual.screen import Screen

log = logging.getLogger("tagline.app")

SAVE_TIMEOUT_S = 10.0
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class _Harmless(LineFilter):
    """Takes control characters, which have no width, out of what is drawn."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        if not any(_CONTROLS.search(segment.text) for segment in segments):
            return segments
        return [
            segment if segment.control else Segment(_CONTROLS.sub("", segment.text), segment.style)
            for segment in segments
        ]


_HARMLESS = _Harmless()


class HostedApp(App[None]):
    """Base of the apps that the SSH server runs."""

    async def session_ended(self) -> None:
        """Save what is in progress. Called once, screens still in place, however the session ends: left, cut off, crashed."""

    def terminal_learned(self) -> None:
        """The terminal has said only now what it can do; a resize follows."""

    async def _shutdown(self) -> None:
        try:
            async with asyncio.timeout(SAVE_TIMEOUT_S):
                await self.session_ended()
        except Exception:
            log.exception("work in progress could not be saved")
        await super()._shutdown()

    async def _process_messages(self, *args: Any, **kwargs: Any) -> None:
        # On Python 3.12+ App.run_async has just put an eager task factory on the whole loop; asyncssh hangs under it.
        asyncio.get_running_loop().set_task_factory(None)
        await super()._process_messages(*args, **kwargs)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """The last look at every line that any widget draws: a line that is edited shows what is stored, as it is."""
        return [*super().get_line_filters(), _HARMLESS]

    @property
    def _background_screens(self) -> list[Screen[Any]]:
        # The base class counts the screen under the top one as seen even where the top one is opaque: it would be kept
        # fresh from the database, laid out and drawn, and each of its changes would draw the top one again.
        return [] if self.screen.styles.background.a == 1 else super()._background_screens

    def _fatal_error(self) -> None:
        # The base class would print a traceback with local variables to the server's terminal.
        error = self._exception
        log.error("the app crashed", exc_info=error if isinstance(error, Exception) else None)
        self._return_code = 1
        self._close_messages_no_wait()

    def _print_error_renderables(self) -> None:
        self._exit_renderables.clear()
