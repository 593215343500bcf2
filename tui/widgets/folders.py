"""Suggests the folders of the server below those that admins may use, as one types a path."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from textual.suggester import Suggester

from storage.survey import is_within


class FolderSuggester(Suggester):
    """The first folder whose path begins with what is typed; the right arrow takes it."""

    def __init__(self, sources: Sequence[str]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._sources = sources

    async def get_suggestion(self, value: str) -> str | None:
        """A longer path, or None."""
        return await asyncio.to_thread(suggest, value, self._sources)


def suggest(typed: str, sources: Sequence[str]) -> str | None:
    """The first source or folder below one that begins with this path."""
    for source in sources:
        shown = source.removeprefix("local:")
        if shown.startswith(typed) and shown != typed:
            return shown
    folder, _, begun = typed.rpartition("/")
    if not typed.startswith("/") or not is_within(f"local:{folder or '/'}", sources):
        return None
    try:
        names = sorted(
            entry.name for entry in os.scandir(folder or "/") if entry.is_dir() and not entry.name.startswith(".")
        )
    except OSError:
        return None
    found = next((name for name in names if name.startswith(begun) and name != begun), None)
    return None if found is None else str(Path(folder or "/") / found)
