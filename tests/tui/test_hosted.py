"""What Tagline changes in Textual, on the Textual that is installed: covered screens rest, control characters are not drawn, styles are kept."""

from __future__ import annotations

import asyncio
from typing import Any

from rich.style import Style
from textual.app import ComposeResult
from textual.containers import Container
from textual.screen import ModalScreen, Screen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input

from tui.hosted import HostedApp
from tui.steady import SteadyWidget
from tui.theme import DARK, LIGHT


class Counting(SteadyWidget):
    """Counts how often its only line is drawn."""

    DEFAULT_CSS = "Counting { height: 1; } Counting.loud { text-style: bold; color: red; }"
    drawn = 0

    def render_line(self, y: int) -> Strip:
        """Its line."""
        self.drawn += 1
        return Strip.blank(self.size.width, self.rich_style)


class Below(Screen[None]):
    """A screen with such a widget in a coloured container."""

    DEFAULT_CSS = (
        "Below { background: $background; } Below Container { background: $panel; } Below .lit { background: green; }"
    )

    def compose(self) -> ComposeResult:
        """The widget."""
        with Container():
            yield Counting()


class Opaque(Screen[None]):
    """Hides whatever is under it."""

    DEFAULT_CSS = "Opaque { background: $background; }"


class SeeThrough(ModalScreen[None]):
    """Hides nothing."""

    DEFAULT_CSS = "SeeThrough { background: $background 50%; }"


class SmallHosted(HostedApp):
    """The least that runs."""

    def on_mount(self) -> None:
        """Both themes; dark first."""
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = DARK.name


def test_a_screen_under_an_opaque_one_rests() -> None:
    """It is not current, not drawn and not laid out until it is seen again; then it has the window's new size."""

    async def act() -> None:
        app, below = SmallHosted(), Below()
        async with app.run_test(size=(60, 20)) as pilot:
            await app.push_screen(below)
            await pilot.pause()
            widget = below.query_one(Counting)
            await app.push_screen(Opaque())
            await pilot.pause()
            drawn = widget.drawn
            widget.refresh()
            await pilot.resize_terminal(90, 30)
            await pilot.pause()
            assert not below.is_current
            assert (widget.drawn, widget.size.width) == (drawn, 60)
            app.pop_screen()
            await pilot.pause()
            assert below.is_current
            assert widget.drawn > drawn
            assert widget.size.width == 90

    asyncio.run(act())


def test_a_screen_under_one_that_is_seen_through_goes_on() -> None:
    """Behind a dialog that lets it through, what changes is drawn."""

    async def act() -> None:
        app, below = SmallHosted(), Below()
        async with app.run_test(size=(60, 20)) as pilot:
            await app.push_screen(below)
            await app.push_screen(SeeThrough())
            await pilot.pause()
            widget = below.query_one(Counting)
            drawn = widget.drawn
            widget.refresh()
            await pilot.pause()
            assert below.is_current
            assert widget.drawn > drawn

    asyncio.run(act())


def test_no_widget_draws_control_characters() -> None:
    """A line that is edited keeps what it holds, and shows it without what a terminal would obey."""

    async def act() -> None:
        app = SmallHosted()
        async with app.run_test(size=(60, 20)) as pilot:
            line = Input("a\x1b[31mb\x9b\x07c", compact=True)
            await app.mount(line)
            await pilot.pause()
            drawn = "".join(strip.text for strip in line.render_lines(line.size.region))
            assert drawn.startswith("a[31mbc")
            assert line.value == "a\x1b[31mb\x9b\x07c"

    asyncio.run(act())


def test_a_kept_style_follows_every_change() -> None:
    """Another theme, also while it is covered, a class of its own or of what is around it: the style is what Textual would find."""

    async def act() -> None:
        app, below = SmallHosted(), Below()
        async with app.run_test(size=(60, 20)) as pilot:
            await app.push_screen(below)
            await pilot.pause()
            widget, around = below.query_one(Counting), below.query_one(Container)
            changes: tuple[Any, ...] = (
                lambda: setattr(app, "theme", LIGHT.name),
                lambda: widget.add_class("loud"),
                lambda: around.add_class("lit"),
                lambda: widget.remove_class("loud"),
                lambda: around.remove_class("lit"),
                lambda: setattr(app, "theme", DARK.name),
            )
            for change in changes:
                before = widget.rich_style
                change()
                await pilot.pause()
                assert widget.rich_style == found_anew(widget) != before
            before = widget.rich_style
            await app.push_screen(Opaque())
            app.theme = LIGHT.name
            await pilot.pause()
            app.pop_screen()
            assert widget.rich_style == found_anew(widget) != before

    asyncio.run(act())


def found_anew(widget: Widget) -> Style:
    """The style as Textual works it out."""
    style: Style = super(SteadyWidget, widget).rich_style  # type: ignore[misc]
    return style
