"""Makes one process fit for many Textual apps: undoes what Textual and Rich do to, or read from, the whole process.

`scrub_environment` must run before textual is imported anywhere, `patch_textual` before the first App is made.
"""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Mapping
from typing import Any

# What Textual and Rich read describes the admin's terminal, never the labeler's.
_FOREIGN = (
    "NO_COLOR", "COLORTERM", "TERM_PROGRAM", "LC_TERMINAL", "COLUMNS", "LINES", "TEXTUAL", "TEXTUAL_DRIVER",
    "TEXTUAL_PRESS", "TEXTUAL_SCREENSHOT", "TEXTUAL_LOG", "TEXTUAL_DEBUG", "TEXTUAL_SHOW_RETURN", "FORCE_COLOR",
    "TTY_COMPATIBLE", "TTY_INTERACTIVE",
)  # fmt: skip


def scrubbed(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment with what Textual reads at import: true colour (each driver converts), 240 fps, a short Esc delay."""
    kept = {name: value for name, value in environment.items() if name not in _FOREIGN}
    ours = {"TERM": "xterm-256color", "TEXTUAL_COLOR_SYSTEM": "truecolor", "TEXTUAL_FPS": "240"}
    return {"ESCDELAY": "40", **kept, **ours}


def scrub_environment() -> None:
    """Make this process's own environment such a one; before textual is imported anywhere."""
    clean = scrubbed(os.environ)
    os.environ.clear()
    os.environ.update(clean)


class _KeepStandardStreams(contextlib.AbstractContextManager[None]):
    """Stands in for contextlib.redirect_stdout, which is process-global and is not undone in order by several apps."""

    def __init__(self, _target: Any) -> None:
        pass

    def __exit__(self, *_exc: object) -> None:
        return None


def patch_textual() -> None:
    """Keep apps from redirecting the process's standard streams."""
    import textual.app

    textual.app.redirect_stdout = _KeepStandardStreams  # type: ignore[attr-defined, assignment]
    textual.app.redirect_stderr = _KeepStandardStreams  # type: ignore[attr-defined, assignment]


def tune_garbage_collection() -> None:
    """Keep collections short while labelers type: freeze what imports made, and collect the old seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 5, 10_000)
