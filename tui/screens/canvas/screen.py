"""The screen for boxes and polygons: its widgets, the order of its keys, and all that lies over the picture at once."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from core.errors import TaglineError
from tui.canvas import tools
from tui.canvas.footer import words_now
from tui.canvas.overlay import Outline, Overlay
from tui.canvas.render import Look
from tui.canvas.view import CanvasView
from tui.desk import LabelingDesk
from tui.keymap import Scope, bindings, footer, keys_of
from tui.screens.base import hints
from tui.screens.canvas.mouse import MouseScreen
from tui.screens.canvas.shown import chosen_outline
from tui.text import clean
from tui.widgets.line import Line, Part
from tui.widgets.region_list import RegionList


class CanvasScreen(MouseScreen):
    """One labeler in a project of boxes or polygons."""

    SCOPES = MouseScreen.SCOPES
    DEFAULT_CSS = """
    CanvasScreen { background: $background; }
    CanvasScreen #header, CanvasScreen #keys { background: $panel; }
    CanvasScreen Horizontal { height: 1fr; background: $background; }
    CanvasScreen CanvasView { width: 1fr; height: 1fr; background: $background; }
    CanvasScreen RegionList { background: $surface; }
    CanvasScreen #message { height: 1fr; content-align: center middle; text-align: center; display: none; }
    CanvasScreen #labels { background: $surface; }
    """

    def __init__(self, desk: LabelingDesk) -> None:
        super().__init__(desk)
        self._actions = {binding.key: binding.action for binding in bindings(*self.SCOPES)}
        self._is_overlay_shown = True

    def compose(self) -> ComposeResult:
        """Header, canvas and regions, labels, keys."""
        yield Line(id="header")
        yield Static(id="sent-back", markup=False)
        with Horizontal(id="work"):
            yield CanvasView(self.tagline.stage)
            yield RegionList()
        yield Static(id="message", markup=False)
        yield Line(id="labels")
        yield Line(id="keys")

    async def on_mount(self) -> None:
        """Sit down."""
        self.canvas.on_trouble = lambda error: self.say(str(error), severity="error")
        self._fit_list()
        await self._sit_down()

    async def on_key(self, event: events.Key) -> None:
        """All keys, in the order in which they were typed: letters name places or regions while those are asked for.

        Textual would run bindings only after the keys that follow have been here; who types ahead would draw elsewhere.
        """
        if self._takes_letter(event.character or ""):
            action = None
        elif (action := self._actions.get(event.key)) is None:
            return
        event.stop()
        event.prevent_default()
        if action is not None:
            await self.run_action(action)

    def action_overlay(self) -> None:
        """Regions on or off."""
        self._is_overlay_shown = not self._is_overlay_shown
        self._draw()

    # What is shown.

    def _draw(self) -> None:
        if not self.is_attached:
            return
        self._show_work()
        self.query_one("#work").display = True
        self._follow()
        self._show_header()
        self.show_footer(self.query_one("#keys", Line))
        rows = self._shown.rows(self._desk.labels, self._regions)
        self.query_one(RegionList).show(rows, hidden=not self._is_overlay_shown)
        if self._image is not None and self._viewport is not None and self.page.items:
            self.canvas.display_image(self._image, self._viewport, self._look, self._overlay(), self._make)

    def show_footer(self, line: Line) -> None:
        """The keys that matter while the hand is as it is; the window first, over an image that has one."""
        if self._is_idle:
            super().show_footer(line)
            return
        region = self._regions.chosen_region
        words = words_now(
            self._hand,
            None if region is None else region.shape,
            is_leveling=self._leveling is not None,
            has_letters=bool(self._hints or self._proposed),
            is_pointing=self._pointer is not None,
            takes_polygons=self._takes_polygons,
        )
        window = footer(self.window_keys()) if self._pointer is None and self._leveling is None else ()
        line.show(hints((*window, *words)), hints(footer(keys_of(Scope.EVERYWHERE))), group=2)

    def _show_levels(self) -> None:
        super()._show_levels()
        self.show_footer(self.query_one("#keys", Line))

    def _overlay(self) -> Overlay:
        at = None if self._pointer is None or self._viewport is None else self._viewport.to_image(self._pointer.at)
        if not self._is_overlay_shown:
            return Overlay(crosshair_xy=at)
        letters = self._shown_hints()
        grid = None if self._pointer is None or letters else self._pointer.shown_grid
        return Overlay(
            self._shown.still(self._desk.labels, self._regions),
            (*self._shown_proposals(), *self._chosen_outline(), *self._in_progress()),
            at,
            magnifier=self._pointer is not None and self._pointer.shown_grid is None,
            grid=grid,
            hints=letters,
        )

    def _chosen_outline(self) -> tuple[Outline, ...]:
        region = self._regions.chosen_region
        handles = () if region is None else tools.parts(self._hand, region.shape)
        marked = tools.marked_part(self._hand) if handles else None
        return chosen_outline(self._desk.labels, self._regions, handles, marked)

    def _parts(self) -> list[Part]:
        parts: list[Part] = [(f"{self._hand.tool} ", "bold success")]
        if self._hand.tool.wants_points or self._names_next:
            parts.append((f"{clean(self._desk.labels.by_id(self._next_label).name)} ", "foreground"))
        count = len(self._regions.regions)
        if count and not self.query_one(RegionList).display:
            hidden = "" if self._is_overlay_shown else "hidden "
            parts.append((f"{count} region{'' if count == 1 else 's'} {hidden}", "secondary"))
        if self._viewport is not None:
            parts.append((f"{self._viewport.scale:.0%} ", "secondary"))
        if self._item is not None and self._item.frames > 1:
            parts.append((f"page {self._frame + 1} of {self._item.frames} ", "secondary"))
        if self._look != Look():
            parts.append((f"{self._look} ", "secondary"))
        if self._pointer is not None and self._viewport is not None:
            x, y = self._viewport.to_image(self._pointer.at)
            parts.append((f"{x:.0f},{y:.0f} ", "secondary"))
        return parts

    async def save_work(self) -> None:
        """Save what is in progress."""
        try:
            await super().save_work()
        except TaglineError as error:
            self.say(str(error), severity="error")
