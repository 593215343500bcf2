"""A widget that draws its own lines, in a style that is found once."""

from __future__ import annotations

from rich.style import Style
from textual.widget import Widget


class SteadyWidget(Widget):
    """Its style is kept until the theme or a rule changes: Textual works it out anew, up to the screen, for each line."""

    _found: tuple[str, Style] | None = None

    @property
    def rich_style(self) -> Style:
        """The style of its text, on the background that shows through."""
        theme = self.app.theme
        if self._found is None or self._found[0] != theme:
            self._found = (theme, super().rich_style)
        return self._found[1]

    def notify_style_update(self) -> None:
        """A rule changed."""
        self._found = None
        super().notify_style_update()
