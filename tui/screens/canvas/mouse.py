"""The mouse does what the keys do, where the terminal reports one: press, drag, double-click to close."""

from __future__ import annotations

from dataclasses import replace

from textual import events

from core.geometry import Point, distance_to_edge, is_inside
from core.region_edits import Choose, Reshape
from tui.canvas import pointing, tools
from tui.canvas.overlay import Outline, Path
from tui.canvas.tools import Shape, Tool
from tui.desk import LabelingDesk
from tui.screens.canvas.levels import LevelsScreen

CLICK_PX = 6
REACH = 0.6  # of a cell's longer side: where most terminals say only the cell


class MouseScreen(LevelsScreen):
    """A click is pointing and Space."""

    def __init__(self, desk: LabelingDesk) -> None:
        super().__init__(desk)
        self._pressed_at: Point | None = None
        self._grip_xy: Point | None = None
        self._pulled: Shape | None = None

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """A press: the beginning of a click or a drag; on a handle or a point, it takes that."""
        self._pressed_at = self._in_view(event)
        self._grip_xy, self._pulled = self._take_part(self._pressed_at), None

    def _take_part(self, at: Point | None) -> Point | None:
        """Mark the part of the chosen region under the pointer; returns the image point, None where there is none."""
        region = self._regions.chosen_region
        if at is None or self._pointer is not None or region is None or self._viewport is None:
            return None
        xy, reach = self._on_image(at), REACH * max(self.canvas.cell_wh_px) / self._viewport.scale
        part = tools.part_at(self._hand, region.shape, xy, reach)
        if part is None:
            return None
        self._hand = replace(self._hand, part=part)
        self._draw()
        return xy

    def _pull(self, at: Point | None) -> None:
        """What the part in hand would make of the region, were it let go here; nothing beside the picture."""
        region, grip, self._pulled = self._regions.chosen_region, self._grip_xy, None
        if at is not None and grip is not None and region is not None and self._image is not None:
            dx, dy = (round(b - a, 2) for a, b in zip(grip, self._on_image(at), strict=True))
            if dx or dy:
                self._pulled = tools.pushed(self._hand, region.shape, dx, dy, self._image.image_wh)

    def _let_go(self, at: Point | None) -> bool:
        """The region as the part was pulled: one edit, however long the way was; False where this was but a click inside."""
        self._pull(at)
        pulled, self._grip_xy, self._pulled = self._pulled, None, None
        if pulled is not None:
            self._edit(Reshape(pulled))
        self._draw()
        return pulled is not None or at is None or tools.marked_part(self._hand) is not None

    def _in_progress(self) -> tuple[Outline | Path, ...]:
        if self._pulled is None or (region := self._regions.chosen_region) is None:
            return super()._in_progress()
        return (Outline(self._pulled, self._desk.labels.by_id(region.label).color),)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """The crosshair follows while a point is wanted, and so does a part in hand."""
        at = self._in_view(event)
        if self._grip_xy is not None:
            self._pull(at)
            self._draw()
            return
        if at is None or self._pointer is None or self._viewport is None or self._image is None:
            return
        self._pointer = pointing.moved_to(self._pointer, at, self._visible())
        if self._pressed_at is not None and self._hand.tool is Tool.RECTANGLE and not self._hand.points:
            self._hand, _ = tools.place(self._hand, self._on_image(self._pressed_at), self._image.image_wh)
        self._draw()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """A click is pointing and Space; a drag draws; a click without a tool chooses."""
        at, pressed, self._pressed_at = self._in_view(event), self._pressed_at, None
        if self._grip_xy is not None and self._let_go(at):
            return
        if pressed is None or self._viewport is None or self._image is None:
            return
        if at is None:
            self._drop_drag(pressed)
            return
        if self._pointer is None:
            self._edit(Choose(self._under(self._on_image(at))))
            return
        is_drag = max(abs(at[0] - pressed[0]), abs(at[1] - pressed[1])) > CLICK_PX
        if is_drag and self._hand.tool is Tool.RECTANGLE and not self._hand.points:
            self._place(self._on_image(pressed))
        self._place(self._on_image(at))

    def _drop_drag(self, pressed: Point) -> None:
        """Let go beside the picture: what this drag began is not meant."""
        if self._hand.tool is Tool.RECTANGLE and self._hand.points == (self._on_image(pressed),):
            self._hand = self._hand.emptied()
            self._point()
            self._draw()

    def on_click(self, event: events.Click) -> None:
        """A double click closes the polygon."""
        if event.chain == 2 and self._hand.tool.is_polygon:
            self._hand = tools.taken_back(self._hand)
            self.action_submit()

    def _in_view(self, event: events.MouseEvent) -> Point | None:
        """Where on the canvas it points, view px; None elsewhere."""
        x, y = event.screen_x - self.canvas.origin[0], event.screen_y - self.canvas.origin[1]
        if not (0 <= x < self.canvas.size.width and 0 <= y < self.canvas.size.height):
            return None
        wide, high = self.canvas.cell_wh_px
        return (x + 0.5) * wide, (y + 0.5) * high

    def _on_image(self, at: Point) -> Point:
        assert self._viewport is not None
        return self._viewport.clamped(self._viewport.to_image(at))

    def _under(self, xy: Point) -> int | None:
        """The region whose outline is nearest among those that hold the point."""
        inside = [n for n, region in enumerate(self._regions.regions) if is_inside(region.shape, xy)]
        return min(inside, key=lambda n: distance_to_edge(self._regions.regions[n].shape, xy), default=None)
