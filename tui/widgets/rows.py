"""A list of lines with a mark that stays on the same thing when the list is filled anew."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.widgets import OptionList
from textual.widgets.option_list import Option


class Rows(OptionList):
    """Lines by id; arrows move the mark, Enter selects."""

    DEFAULT_CSS = """
    Rows { height: 1fr; border: none; background: $background; padding: 0 1; scrollbar-size: 1 1; text-wrap: nowrap; text-overflow: ellipsis; }
    Rows:focus { border: none; background: $background; background-tint: $background 0%; }
    Rows > .option-list--option { padding: 0 1; }
    Rows > .option-list--option-highlighted, Rows:focus > .option-list--option-highlighted {
        background: $panel; color: $foreground; text-style: none;
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._shown: tuple[tuple[str, Text], ...] = ()

    def fill(self, rows: Sequence[tuple[str, Text]]) -> None:
        """Show these lines; nothing is drawn where they are the same as before."""
        now = tuple(rows)
        if [(key, text.plain, text.spans) for key, text in now] == [(k, t.plain, t.spans) for k, t in self._shown]:
            return
        marked, place = self.marked, self.highlighted or 0
        self._shown = now
        self.clear_options()
        self.add_options([Option(text, id=key) for key, text in now])
        keys = [key for key, _ in now]
        if keys:
            self.highlighted = keys.index(marked) if marked in keys else min(place, len(keys) - 1)

    @property
    def marked(self) -> str | None:
        """The id of the marked line."""
        if self.highlighted is None or self.highlighted >= self.option_count:
            return None
        return self.get_option_at_index(self.highlighted).id

    def mark(self, key: str) -> None:
        """Put the mark on this line, if it is there."""
        keys = [key for key, _ in self._shown]
        if key in keys:
            self.highlighted = keys.index(key)
