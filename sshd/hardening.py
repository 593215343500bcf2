"""Make a process safe for many Textual apps at once. `scrub_environment` must run before anything imports textual."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
from collections.abc import Iterator
from typing import Any

# Textual and Rich read these at import as the user's; here they would be those of whoever started the server.
_NOT_THE_USERS = (
    *("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "COLORTERM", "TERM_PROGRAM", "LC_TERMINAL", "COLUMNS", "LINES"),
    *("TTY_COMPATIBLE", "TTY_INTERACTIVE", "TEXTUAL", "TEXTUAL_DRIVER", "TEXTUAL_PRESS", "TEXTUAL_SCREENSHOT"),
    *("TEXTUAL_LOG", "TEXTUAL_DEBUG", "TEXTUAL_SHOW_RETURN", "TEXTUAL_ANIMATIONS", "TEXTUAL_SMOOTH_SCROLL"),
)
GC_THRESHOLDS = (5_000, 5, 10_000)
GC_PERIOD_S = 30.0


def scrub_environment() -> None:
    """Forget the starter's terminal. Colours are truecolor here and are reduced per session by the driver."""
    for name in _NOT_THE_USERS:
        os.environ.pop(name, None)
    os.environ["TERM"] = "xterm-256color"
    os.environ["TEXTUAL_COLOR_SYSTEM"] = "truecolor"
    os.environ.setdefault("ESCDELAY", "40")
    os.environ.setdefault("TEXTUAL_FPS", "240")


def share_process() -> None:
    """Stop Textual from redirecting the process's stdout: with several apps it is not restored in order."""
    import textual.app

    textual.app.redirect_stdout = textual.app.redirect_stderr = _no_redirect  # type: ignore[assignment]


@contextlib.contextmanager
def _no_redirect(_target: Any) -> Iterator[None]:
    yield


async def collect_garbage_seldom() -> None:
    """Keep full collections out of the way of keys: freeze what is imported, then collect the young now and then."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    rounds = 0
    while True:
        await asyncio.sleep(GC_PERIOD_S)
        rounds += 1
        gc.collect(2 if rounds % 20 == 0 else 1)
