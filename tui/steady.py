"""A widget that draws its own lines, in a style that is found once."""

from __future__ import annotations

from rich.style import Style
from textual.widget import Widget


class SteadyWidget(Widget):
    """Its style is kept until rules are applied anew, as another theme or class does: Textual works it out, up to the screen, for each line.

    Colours that code sets on the `styles` of what is around it are not noticed.
    """

    _found: Style | None = None

    @property
    def rich_style(self) -> Style:
        """The style of its text, on the background that shows through."""
        if self._found is None:
            self._found = super().rich_style
        return self._found

    def notify_style_update(self) -> None:
        """Rules were applied, to it or to what is around it."""
        self._found = None
        super().notify_style_update()
