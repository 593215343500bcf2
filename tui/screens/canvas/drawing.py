"""The hand: which tool it holds, where it points by letters and arrows, and the shapes that it draws or changes."""

from __future__ import annotations

from core.annotation import Region
from core.geometry import Box, Point, Polygon
from core.region_edits import Add, Choose, Reshape
from tui.canvas import pointing, tools
from tui.canvas.overlay import Outline, Path
from tui.canvas.pointing import Pointer
from tui.canvas.tools import Hand, Tool
from tui.canvas.viewport import Viewport
from tui.desk import LabelingDesk
from tui.screens.canvas.regions import RegionScreen

TOOLS = {
    "r": Tool.RECTANGLE, "t": Tool.TEMPLATE, "k": Tool.EXTREME, "p": Tool.POLYGON, "P": Tool.ROUND,
    "m": Tool.MOVE, "u": Tool.POINTS,
}  # fmt: skip


class DrawingScreen(RegionScreen):
    """A tool in hand; a pointer while it wants points."""

    def __init__(self, desk: LabelingDesk) -> None:
        super().__init__(desk)
        self._hand = Hand()
        self._pointer: Pointer | None = None

    # What a subclass does.

    def _add_from_extremes(self, points: tuple[Point, ...]) -> None:
        """Draw the polygon that the pixels show between four extreme points."""
        raise NotImplementedError

    @property
    def _is_drawing(self) -> bool:
        return bool(self._hand.points)

    def _begin_image(self) -> None:
        self._hand, self._pointer = self._hand.emptied(), None

    # Tools.

    def action_tool(self, name: str) -> None:
        """Take a tool in hand."""
        if (reason := self._refuses_tool(TOOLS[name])) is not None:
            self._tell(reason)
            return
        self._hand = self._hand.taking(TOOLS[name])
        self._point()
        self._draw()

    def _refuses_tool(self, tool: Tool) -> str | None:
        """Why a tool can do nothing here; None when it can."""
        region = self._regions.chosen_region
        if tool.is_polygon and not self._takes_polygons:
            return "this project takes boxes: r draws one"
        if tool in (Tool.MOVE, Tool.POINTS) and region is None:
            return self._none_chosen
        if tool is Tool.POINTS and region is not None and not isinstance(region.shape, Polygon):
            return "boxes have no points: m moves their edges and corners"
        return None

    @property
    def _none_chosen(self) -> str:
        letters = "h shows letters" if self._pointer is None else "or Esc, then h, shows letters"
        return f"no region is chosen: Tab chooses the next, {letters}"

    # Pointing.

    def _point(self) -> None:
        """Lay the grid over the picture while a tool wants a point."""
        if self._viewport is None or not self._hand.tool.wants_points:
            self._pointer = None
            return
        at = None if self._pointer is None else self._pointer.at
        self._pointer = pointing.begin(self._area(), at)

    def _area(self) -> Box:
        """Where the next point may be, view px: for a second corner what is left from the first."""
        assert self._viewport is not None
        whole = self._viewport.image_in_view
        if self._hand.tool is not Tool.RECTANGLE or not self._hand.points:
            return whole
        x, y = self._viewport.to_view(self._hand.points[0])
        rest = Box(max(whole.x0, x), max(whole.y0, y), whole.x1, whole.y1)
        return rest if rest.x1 - rest.x0 > 1 and rest.y1 - rest.y0 > 1 else whole

    def _view_moved(self, before: Viewport | None = None) -> None:
        """The grid anew, the crosshair on its image point where that is seen."""
        if self._pointer is None or self._viewport is None:
            self._point()
            return
        at = self._pointer.at if before is None else self._viewport.to_view(before.to_image(self._pointer.at))
        self._pointer = pointing.moved_to(pointing.begin(self._area()), at, self._visible())

    def _visible(self) -> Box:
        assert self._viewport is not None
        return self._viewport.image_in_view

    def _crosshair_xy(self) -> Point | None:
        """Where a point would be put, image px."""
        if self._pointer is None or self._viewport is None:
            return None
        return self._viewport.clamped(self._viewport.to_image(self._pointer.at))

    def _focus_xy(self) -> Point:
        """The crosshair, the chosen region, or the middle."""
        assert self._viewport is not None
        if self._pointer is not None:
            return self._viewport.to_image(self._pointer.at)
        if (region := self._regions.chosen_region) is not None:
            box = region.shape.bounds
            return (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
        return self._viewport.center_xy

    def _aim(self, pointer: Pointer, letter: str) -> None:
        """A letter more; where none is wanted any more it does nothing, so that a slip never skips or deletes."""
        if pointer.grid is None:
            self._tell("Space puts the point here, arrows nudge it, Backspace widens the grid")
            return
        self._pointer = pointing.typed(pointer, letter)
        self._draw()

    # Points put down and taken back.

    def action_place(self) -> None:
        """Space: put a point down, or one more into the polygon."""
        region, at = self._regions.chosen_region, self._crosshair_xy()
        if self._hand.tool is Tool.POINTS and region is not None and isinstance(region.shape, Polygon):
            self._reshape_points(*tools.with_point(self._hand, region.shape))
        elif at is not None and self._image is not None:
            self._place(at)

    def action_clear(self) -> None:
        """Backspace: the last letter, then the last point; a point of the polygon."""
        region, pointer = self._regions.chosen_region, self._pointer
        if self._hand.tool is Tool.POINTS and region is not None and isinstance(region.shape, Polygon):
            self._reshape_points(*tools.without_point(self._hand, region.shape))
        elif pointer is not None and (pointer.column is not None or len(pointer.boxes) > 1):
            self._pointer = pointing.widened(pointer)
        elif self._hand.points:
            self._hand = tools.taken_back(self._hand)
            self._point()
        self._draw()

    def _reshape_points(self, hand: Hand, polygon: Polygon) -> None:
        if self._edit(Reshape(polygon)):
            self._hand = hand
            self._draw()

    def _place(self, at: Point) -> None:
        assert self._image is not None
        at = (round(at[0], 2), round(at[1], 2))
        points = (*self._hand.points, at)
        self._hand, shape = tools.place(self._hand, at, self._image.image_wh)
        if shape is not None and self._hand.tool is Tool.EXTREME and self._takes_polygons:
            self._hand = self._hand.drawn(shape)
            self._add_from_extremes(points)
        elif shape is not None:
            self._finish(shape)
        self._point()
        self._draw()

    def _finish(self, shape: Box | Polygon) -> None:
        """Draw it; refused, the points placed before the last are kept."""
        stored = tools.fitted(shape, as_polygon=self._takes_polygons)
        if self._edit(Add(Region(self._next_label, stored))):
            self._hand = self._hand.drawn(stored)
        elif not self._hand.tool.is_polygon:
            self._hand = self._hand.emptied()

    def action_submit(self) -> None:
        """Enter: close the polygon that is being drawn, else hand the image in."""
        polygon = None if self._image is None else tools.closed(self._hand, self._image.image_wh)
        if polygon is None:
            super().action_submit()
            return
        self._finish(polygon)
        self._point()
        self._draw()

    async def action_back(self) -> None:
        """Esc: the points, the tool, the choice, then the screen."""
        if self._hand.points:
            self._hand = self._hand.emptied()
            self._point()
        elif self._hand.tool is not Tool.CHOOSE:
            self._hand, self._pointer = self._hand.taking(Tool.CHOOSE), None
        elif self._regions.chosen is not None:
            self._edit(Choose(None))
        else:
            await super().action_back()
            return
        self._draw()

    def _in_progress(self) -> tuple[Outline | Path, ...]:
        """What the next point would make."""
        at = self._crosshair_xy()
        if at is None or self._image is None:
            return ()
        shown = tools.preview(self._hand, at, self._image.image_wh)
        color = self._desk.labels.by_id(self._next_label).color
        if isinstance(shown, tuple):
            return (Path(shown, color),)
        placed = self._hand.points if self._hand.tool is Tool.ROUND else ()
        return () if shown is None else (Outline(shown, color, handles=placed),)
