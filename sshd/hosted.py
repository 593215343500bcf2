"""What a Textual app must not do when it shares the server's process with others."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from textual.app import App

log = logging.getLogger("tagline.session")


class HostedApp(App[None]):
    """Comes first among the bases of a served app and takes from it everything that is global to the process."""

    is_starved = False
    """True when a frame was composed while the link was congested, so a repaint is owed."""

    def _display(self, screen: Any, renderable: Any) -> None:
        if renderable is not None and getattr(self._driver, "is_holding", False):
            self.is_starved = True
        super()._display(screen, renderable)

    async def _process_messages(self, *args: Any, **kwargs: Any) -> None:
        # On Python 3.12+ App.run_async has just set an eager task factory for the whole loop; asyncssh hangs under it.
        asyncio.get_running_loop().set_task_factory(None)
        await super()._process_messages(*args, **kwargs)

    def _fatal_error(self) -> None:
        # The base class prints a traceback with local variables (passwords, labels) to the server's stderr.
        error = self._exception
        log.error("the app crashed", exc_info=error if isinstance(error, Exception) else None)
        self._close_messages_no_wait()

    def _print_error_renderables(self) -> None:
        self._exit_renderables.clear()


def hosted(kind: type[App[Any]]) -> type[App[Any]]:
    """The same app class, fit to share a process; style sheets are still found beside the original."""
    return type(
        kind.__name__,
        (HostedApp, kind),
        {"__module__": kind.__module__, "__doc__": kind.__doc__},
    )
