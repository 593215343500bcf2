"""Boxes and polygons on one image: keys to tools, tools to regions, regions to the canvas. The desk is asked behind them."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from core.annotation import Answer, HeldItem, Region
from core.edits import History, PageDraft
from core.errors import BadInput, TaglineError
from core.geometry import Box, Point, Polygon, distance_to_edge, is_inside
from core.ids import ItemId, LabelId, TaskType
from core.pixels.proposals import propose
from core.pixels.snap import box_to_polygon, extremes_to_polygon, snap_box
from core.region_edits import (
    Add,
    Choose,
    Delete,
    DeleteAll,
    Duplicate,
    Lock,
    RegionDraft,
    RegionEdit,
    Relabel,
    Reshape,
    apply,
)
from storage.base import StorageError, UnreadableImage
from storage.pyramid import RGB, Pyramid
from tui.canvas import hints, pointing, tools
from tui.canvas.overlay import Hint, Outline, Overlay, Path
from tui.canvas.pointing import Pointer
from tui.canvas.render import Look
from tui.canvas.tools import Hand, Tool
from tui.canvas.view import CanvasView
from tui.canvas.viewport import Viewport
from tui.desk import LabelingDesk
from tui.keymap import Scope, bindings
from tui.picture.prepare import Prepared
from tui.screens.dialogs import Confirm, LabelSearch
from tui.screens.work import WorkScreen
from tui.text import clean
from tui.widgets.line import Line, Part
from tui.widgets.region_list import RegionList, Row

ARROWS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
TOOLS = {
    "r": Tool.RECTANGLE, "t": Tool.TEMPLATE, "k": Tool.EXTREME, "p": Tool.POLYGON, "m": Tool.MOVE, "u": Tool.POINTS,
}  # fmt: skip
ZOOM = 1.5
PAN_PX, FAR_PAN_PX = 64, 256
LIST_FROM_COLUMNS = 100
CLICK_PX = 6
PROPOSED = 26
PROPOSED_COLOR = "#ffca57"
REMEMBERED = 40


class CanvasScreen(WorkScreen):
    """One labeler in a project of boxes or polygons."""

    SCOPES = (Scope.EVERYWHERE, Scope.LABELING, Scope.REGIONS, Scope.PICTURE)
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
        super().__init__(desk, 1)
        self._regions = RegionDraft()
        self._actions = {binding.key: binding.action for binding in bindings(*self.SCOPES)}
        self._hand = Hand()
        self._pointer: Pointer | None = None
        self._hints: dict[str, int] = {}
        self._hint_typed = ""
        self._proposed: dict[str, Box] = {}
        self._last_boxes: tuple[Box, ...] = ()
        self._image: Pyramid | None = None
        self._frame = 0
        self._viewport: Viewport | None = None
        self._look = Look()
        self._is_overlay_shown = True
        self._label: LabelId | None = None
        self._names_next = False
        self._agrees_empty: object = None
        self._ahead: tuple[object, Viewport, Prepared] | None = None
        self._pressed_at: Point | None = None
        self._still: tuple[object, tuple[Outline, ...]] = (None, ())
        self._listed: tuple[object, object, tuple[Row, ...]] = (None, None, ())
        self._drawn_on: ItemId | None = None

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

    @property
    def canvas(self) -> CanvasView:
        """The picture."""
        return self.query_one(CanvasView)

    @property
    def _item(self) -> HeldItem | None:
        return self.page.items[0] if self.page.items else None

    @property
    def _takes_polygons(self) -> bool:
        return self._desk.project.task_type is TaskType.INSTANCE_SEGMENTATION

    @property
    def _next_label(self) -> LabelId:
        return self._label if self._label is not None else self._desk.labels.classes[0].id

    # The picture.

    def _load_pictures(self) -> None:
        """Open the page's image; what was zoomed and placed belongs to the image before."""
        self.workers.cancel_group(self, "pictures")
        item = self._item
        if item is None:
            self.canvas.clear()
            return
        self._frame, self._image, self._viewport = 0, None, None
        self.run_worker(partial(self._open, item), group="pictures")  # type: ignore[arg-type]

    async def _open(self, item: HeldItem) -> None:
        try:
            image = await self._desk.desk.pictures.image(self._desk.project.datastore, item, self._frame)
        except UnreadableImage as error:
            await self._drop_unreadable(item, str(error))
            return
        except StorageError as error:
            self.say(str(error), severity="error")
            return
        self._image = image
        if self._viewport is None:
            self._viewport = Viewport.fitting(image.image_wh, self.canvas.view_wh_px)
            if self._hand.tool.wants_points:
                self._point()
        self._draw()

    async def _prepare_ahead(self) -> None:
        """Open the next image and make its first picture while this one is labeled."""
        if not self._holding.waiting or not self.canvas.size.width:
            return
        item = self._holding.waiting[0]
        image = await self._desk.desk.pictures.image(self._desk.project.datastore, item)
        viewport = Viewport.fitting(image.image_wh, self.canvas.view_wh_px)
        size = (self.canvas.size.width, self.canvas.size.height)
        self._ahead = (image, viewport, await self._make_view(image, viewport, Look(), size))

    async def _make_view(self, image: Pyramid, viewport: Viewport, look: Look, size: tuple[int, int]) -> Prepared:
        background = self.app.theme_variables["background"]
        color = (int(background[1:3], 16), int(background[3:5], 16), int(background[5:7], 16))
        return await self._desk.desk.pictures.view(image, viewport, look, self.terminal, size, color)

    async def _make(self, viewport: Viewport, look: Look, size: tuple[int, int]) -> Prepared:
        image = self._image
        assert image is not None
        if self._ahead is not None and self._ahead[:2] == (image, viewport) and look == Look():
            ready = self._ahead[2]
            if ready.fits(self.terminal, size):
                return ready
        return await self._make_view(image, viewport, look, size)

    def on_resize(self) -> None:
        """Another size: the same part of the image, and room for other words."""
        self._fit_list()
        self._show_labels()
        self._refit()

    def _refit(self) -> None:
        self.call_after_refresh(self._resized)

    def _resized(self) -> None:
        if self._viewport is not None:
            self._viewport = self._viewport.resized(self.canvas.view_wh_px)
            self._repoint()
            self._draw()

    def _fit_list(self) -> None:
        self.query_one(RegionList).display = self.size.width >= LIST_FROM_COLUMNS

    def _hide_work(self) -> None:
        self.query_one("#work").display = False

    # Drawing.

    def _draw(self) -> None:
        self.query_one("#message", Static).display = False
        self.query_one("#work").display = True
        page = self.page
        if page.items:
            self._follow(page.items[0].item, page.answers[0].regions)
        self._show_header()
        self.query_one(RegionList).show(self._rows(), hidden=not self._is_overlay_shown)
        if self._image is not None and self._viewport is not None and page.items:
            self.canvas.display_image(self._image, self._viewport, self._look, self._overlay(), self._make)

    def _follow(self, item: ItemId, regions: tuple[Region, ...]) -> None:
        """The regions as an undo left them; on another image nothing is chosen, locked or placed yet."""
        if item != self._drawn_on:
            self._drawn_on, self._regions = item, RegionDraft(regions)
            self._hand, self._pointer = self._hand.emptied(), None
            self._hints, self._proposed = {}, {}
        elif self._regions.regions != regions:
            self._regions = self._regions.holding(regions)
        if len(self._hints) != len(regions):
            self._hints = {}  # regions came or went under their letters

    def _rows(self) -> tuple[Row, ...]:
        """The list's rows; the same tuple while nothing changes, so that the crosshair moves over a thousand as over one."""
        labels, draft = self._desk.labels, self._regions
        if self._listed[0] is labels and self._listed[1] is draft:
            return self._listed[2]
        rows = []
        for n, region in enumerate(draft.regions):
            label, bounds = labels.by_id(region.label), region.shape.bounds
            size = (round(bounds.x1 - bounds.x0), round(bounds.y1 - bounds.y0))
            rows.append(Row(clean(label.name), label.color, size, n in draft.locked, n == draft.chosen))
        self._listed = (labels, draft, tuple(rows))
        return self._listed[2]

    def _overlay(self) -> Overlay:
        at = None if self._pointer is None or self._viewport is None else self._viewport.to_image(self._pointer.at)
        if not self._is_overlay_shown:
            return Overlay(crosshair_xy=at)
        return Overlay(
            self._still_outlines(),
            (
                *(Outline(box, PROPOSED_COLOR, "", "dashed") for box in self._proposed.values()),
                *self._chosen_outline(),
                *self._in_progress(),
            ),
            at,
            magnifier=self._pointer is not None and self._pointer.shown_grid is None,
            grid=None if self._pointer is None else self._pointer.shown_grid,
            hints=self._shown_hints(),
        )

    def _still_outlines(self) -> tuple[Outline, ...]:
        """All but the chosen one; the same tuple while nothing changes, so that nothing is drawn anew."""
        key = self._regions
        if self._still[0] is not key:
            chosen = key.chosen
            self._still = (key, tuple(self._outline(n) for n in range(len(key.regions)) if n != chosen))
        return self._still[1]

    def _outline(self, n: int) -> Outline:
        region = self._regions.regions[n]
        label = self._desk.labels.by_id(region.label)
        line = "dashed" if n in self._regions.locked else "plain"
        return Outline(region.shape, label.color, clean(label.name), line)  # type: ignore[arg-type]

    def _chosen_outline(self) -> tuple[Outline, ...]:
        region = self._regions.chosen_region
        if region is None:
            return ()
        label = self._desk.labels.by_id(region.label)
        handles = tools.parts(self._hand, region.shape)
        marked = tools.marked_part(self._hand) if handles else None
        return (Outline(region.shape, label.color, clean(label.name), "chosen", handles, marked),)

    def _in_progress(self) -> tuple[Outline | Path, ...]:
        if self._pointer is None or self._viewport is None or self._image is None:
            return ()
        at = self._viewport.clamped(self._viewport.to_image(self._pointer.at))
        shown = tools.preview(self._hand, at, self._image.image_wh)
        color = self._desk.labels.by_id(self._next_label).color
        if isinstance(shown, tuple):
            return (Path(shown, color),)
        return () if shown is None else (Outline(shown, color),)

    def _shown_hints(self) -> tuple[Hint, ...]:
        named = {text: self._regions.regions[n].shape.bounds for text, n in self._hints.items()} | self._proposed
        return tuple(
            Hint(text, ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2), len(self._hint_typed))
            for text, box in named.items()
            if text.startswith(self._hint_typed)
        )

    def _parts(self) -> list[Part]:
        parts: list[Part] = [(f"{self._hand.tool} ", "bold success")]
        if self._hand.tool.wants_points or self._names_next:
            parts.append((f"{clean(self._desk.labels.by_id(self._next_label).name)} ", "foreground"))
        if self._viewport is not None:
            parts.append((f"{self._viewport.scale:.0%} ", "secondary"))
        if self._pointer is not None and self._viewport is not None:
            x, y = self._viewport.to_image(self._pointer.at)
            parts.append((f"{x:.0f},{y:.0f} ", "secondary"))
        return parts

    # Regions.

    def _edit(self, edit: RegionEdit) -> bool:
        """Do it, or say why not."""
        self._touched_at = time.monotonic()
        item = self._item
        if item is None or self._image is None:
            return False
        try:
            self._regions = apply(self._regions, edit, item.size_wh if item.size_wh[0] else self._image.image_wh)
        except BadInput as error:
            self._tell(str(error))
            return False
        self._status = ""
        answer = Answer((), self._regions.regions)
        self._history = self._history.changed(PageDraft(self.page.items, (answer,)))
        self._draw()
        self._save_soon()
        return True

    def _refuses_submit(self, page: PageDraft) -> bool:
        if self._hand.points:
            self._tell("finish the region, or Esc to drop it")
            return True
        if page.answers[0].regions or self._agrees_empty == page.items[0].item:
            return False
        self._agrees_empty = page.items[0].item
        self._tell("no region on this image: Enter again says that there is nothing to mark")
        return True

    def action_digit(self, name: str) -> None:
        """Relabel the chosen region; the next one gets that label, too."""
        label = self._desk.labels.by_number(int(name))
        if label is None:
            self._tell(f"no label has the key {name}")
        else:
            self._take_label(label.id)

    def _take_label(self, label: LabelId) -> None:
        self._label = label
        chosen, self._names_next = self._regions.chosen if not self._names_next else None, False
        if chosen is None or self._hand.points or not self._edit(Relabel(label)):
            self._draw()

    def action_search(self) -> None:
        """Label by name."""

        def chosen(label: LabelId | None) -> None:
            if label is not None:
                self._take_label(label)

        self.app.push_screen(LabelSearch(self._desk.labels), chosen)

    def action_name_next(self) -> None:
        """The next digit names the region to come and leaves the chosen one alone."""
        self._names_next = True
        self._tell("a digit, or /, names the next region")

    def action_delete(self) -> None:
        """The chosen region."""
        self._edit(Delete())

    def action_delete_all(self) -> None:
        """Every region that is not locked, if that is meant."""
        count = len(self._regions.regions) - len(self._regions.locked)
        if not count:
            self._tell("there is no region to delete")
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self._edit(DeleteAll())

        self.app.push_screen(
            Confirm(f"Delete {count} region{'s' if count > 1 else ''}? Ctrl+Z brings them back."), answered
        )

    def action_duplicate(self) -> None:
        """The chosen region once more."""
        self._edit(Duplicate())

    def action_lock(self) -> None:
        """Lock what is there, or free it."""
        self._edit(Lock())

    # Tools.

    def action_tool(self, name: str) -> None:
        """Take a tool in hand."""
        tool, shape = TOOLS[name], self._regions.chosen_region
        if tool is Tool.POLYGON and not self._takes_polygons:
            self._tell("this project takes boxes: r draws one")
            return
        if tool in (Tool.MOVE, Tool.POINTS) and shape is None:
            self._tell("no region is chosen: Tab chooses the next, h shows letters")
            return
        if tool is Tool.POINTS and shape is not None and not isinstance(shape.shape, Polygon):
            self._tell("boxes have no points: m moves their edges and corners")
            return
        self._hand, self._hints = self._hand.taking(tool), {}
        self._point()
        self._draw()

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

    def _repoint(self) -> None:
        """After the view moved: the grid anew, the crosshair on its image point where that is seen."""
        if self._pointer is not None:
            self._pointer = pointing.moved_to(pointing.begin(self._area()), self._pointer.at, self._visible())

    def _visible(self) -> Box:
        assert self._viewport is not None
        return self._viewport.image_in_view

    def action_place(self) -> None:
        """Space: put a point down, or one more into the polygon."""
        shape = self._regions.chosen_region
        if self._hand.tool is Tool.POINTS and shape is not None and isinstance(shape.shape, Polygon):
            hand, polygon = tools.with_point(self._hand, shape.shape)
            if self._edit(Reshape(polygon)):
                self._hand = hand
                self._draw()
        elif self._pointer is not None and self._viewport is not None and self._image is not None:
            self._place(self._viewport.clamped(self._viewport.to_image(self._pointer.at)))

    def _place(self, at: Point) -> None:
        assert self._image is not None
        at = (round(at[0], 2), round(at[1], 2))
        points = (*self._hand.points, at)
        self._hand, shape = tools.place(self._hand, at, self._image.image_wh)
        if shape is not None and self._hand.tool is Tool.EXTREME and self._takes_polygons:
            self._hand = self._hand.drawn(shape)
            self._add_outline(lambda rgb: extremes_to_polygon(rgb, points))
        elif shape is not None:
            self._finish(shape)
        self._point()
        self._draw()

    def _finish(self, shape: Box | Polygon) -> None:
        """Draw it; refused, the points placed before the last are kept."""
        stored = tools.fitted(shape, as_polygon=self._takes_polygons)
        if self._edit(Add(Region(self._next_label, stored))):
            self._hand = self._hand.drawn(stored)
        elif self._hand.tool is not Tool.POLYGON:
            self._hand = self._hand.emptied()

    def action_clear(self) -> None:
        """Backspace: the last letter, then the last point; a point of the polygon."""
        region = self._regions.chosen_region
        if self._hand.tool is Tool.POINTS and region is not None and isinstance(region.shape, Polygon):
            hand, polygon = tools.without_point(self._hand, region.shape)
            if self._edit(Reshape(polygon)):
                self._hand = hand
        elif self._pointer is not None and (self._pointer.column is not None or len(self._pointer.boxes) > 1):
            self._pointer = pointing.widened(self._pointer)
        elif self._hand.points:
            self._hand = tools.taken_back(self._hand)
            self._point()
        self._draw()

    def action_submit(self) -> None:
        """Enter: close the polygon that is being drawn, else hand the image in."""
        if (polygon := tools.closed(self._hand)) is not None:
            self._finish(polygon)
            self._point()
            self._draw()
        else:
            super().action_submit()

    async def action_back(self) -> None:
        """Esc: the hints, the points, the tool, then the screen."""
        if self._hints or self._proposed:
            self._hints, self._proposed = {}, {}
        elif self._hand.points:
            self._hand = self._hand.emptied()
            self._point()
        elif self._hand.tool is not Tool.CHOOSE:
            self._hand, self._pointer = self._hand.taking(Tool.CHOOSE), None
        elif self._regions.chosen is not None:
            self._edit(Choose(None))
        else:
            await super().action_back()
            return
        if self.is_attached:
            self._draw()

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

    def _takes_letter(self, letter: str) -> bool:
        """Use a letter for what is pointed at; False when nothing asks for letters now."""
        if len(letter) == 1 and "a" <= letter <= "z":
            if self._proposed:
                self._accept_by(letter)
                return True
            if self._hints:
                self._choose_by(letter)
                return True
            if self._pointer is not None:
                self._aim(self._pointer, letter)
                return True
        return False

    def _aim(self, pointer: Pointer, letter: str) -> None:
        """A letter more; where none is wanted any more it does nothing, so that a slip never skips or deletes."""
        if pointer.grid is None:
            self._tell("Space puts the point here, arrows nudge it, Backspace widens the grid")
            return
        self._pointer = pointing.typed(pointer, letter)
        self._draw()

    def action_hints(self) -> None:
        """A letter or two on each region; on none, if there is none."""
        self._hint_typed = ""
        count = len(self._regions.regions)
        self._hints = dict(zip(hints.hint_texts(count), range(count), strict=False))
        if not count:
            self._tell("there is no region yet: r draws a box")
        self._draw()

    def _choose_by(self, letter: str) -> None:
        self._hint_typed += letter
        if (n := self._hints.get(self._hint_typed)) is not None:
            self._hints = {}
            self._edit(Choose(n))
        elif not any(text.startswith(self._hint_typed) for text in self._hints):
            self._hints = {}
        self._draw()

    # What the pixels say.

    async def action_snap(self) -> None:
        """The chosen region tight around the object, where the image shows a clear edge."""
        region, image = self._regions.chosen_region, self._image
        if region is None or image is None:
            self._tell("no region is chosen: Tab chooses the next, h shows letters")
            return
        draft, see = self._regions, snap_polygon if self._takes_polygons else snap_box
        found = await self._desk.desk.pictures.look(lambda: see(image.levels[0], region.shape.bounds))
        if self._regions is not draft:
            return  # changed meanwhile: what was seen is of something else
        if found is None:
            self._tell("no clear edge there: the region stays as it is")
        else:
            self._edit(Reshape(found))

    async def action_proposals(self) -> None:
        """Letters on places that look like objects; each one typed becomes a region of the next label."""
        image = self._image
        if image is None:
            return
        here = tuple(region.shape.bounds for region in self._regions.regions if region.label == self._next_label)
        seen = await self._desk.desk.pictures.look(
            lambda: propose(image.levels[0], PROPOSED, (*here, *(() if here else self._last_boxes)))
        )
        if image is not self._image:
            return
        self._hints, self._hint_typed = {}, ""
        self._proposed = dict(zip(hints.hint_texts(len(seen)), (found.box for found in seen), strict=True))
        if not seen:
            self._tell("nothing stands out on this image")
        self._draw()

    def _accept_by(self, letter: str) -> None:
        self._hint_typed += letter
        box = self._proposed.pop(self._hint_typed, None)
        if box is not None or not any(text.startswith(self._hint_typed) for text in self._proposed):
            self._hint_typed = ""
        if box is not None and self._takes_polygons:
            self._add_outline(lambda rgb: box_to_polygon(rgb, box))
        elif box is not None:
            self._edit(Add(Region(self._next_label, box)))
        self._draw()

    def _add_outline(self, see: Callable[[RGB], Polygon]) -> None:
        """Draw what a function sees in the pixels, once it has looked."""
        self.run_worker(partial(self._see_and_add, see, self._next_label), group="outline")  # type: ignore[arg-type]

    async def _see_and_add(self, see: Callable[[RGB], Polygon], label: LabelId) -> None:
        image = self._image
        assert image is not None
        shape = await self._desk.desk.pictures.look(lambda: see(image.levels[0]))
        if image is self._image:
            self._edit(Add(Region(label, shape)))

    # Arrows and Tab.

    def action_move(self, name: str) -> None:
        """An arrow."""
        self._arrow(ARROWS[name], far=False)

    def action_extend(self, name: str) -> None:
        """Shift and an arrow."""
        self._arrow(ARROWS[name.removeprefix("shift+")], far=True)

    def _arrow(self, direction: tuple[int, int], *, far: bool) -> None:
        self._touched_at = time.monotonic()
        region = self._regions.chosen_region
        if self._viewport is None or self._image is None:
            return
        if self._pointer is not None:
            self._pointer = pointing.nudged(self._pointer, direction, self._visible(), time.monotonic(), far=far)
            self._draw()
        elif self._hand.tool in (Tool.MOVE, Tool.POINTS) and region is not None:
            self._push(region, direction, far=far)
        else:
            step = FAR_PAN_PX if far else PAN_PX
            self._see(self._viewport.panned(direction[0] * step, direction[1] * step))

    def _push(self, region: Region, direction: tuple[int, int], *, far: bool) -> None:
        assert self._viewport is not None
        assert self._image is not None
        origin = self._viewport.to_image((0.0, 0.0))
        step = 8.0 if far else 1.0
        ahead = self._viewport.to_image((direction[0] * 100.0, direction[1] * 100.0))
        dx, dy = ((b - a) / 100 * self._viewport.scale * step for a, b in zip(origin, ahead, strict=True))
        self._edit(Reshape(tools.pushed(self._hand, region.shape, dx, dy, self._image.image_wh)))

    def action_next(self) -> None:
        """Tab: the next handle or point, else the next region."""
        self._step(1)

    def action_previous(self) -> None:
        """Shift+Tab."""
        self._step(-1)

    def _step(self, step: int) -> None:
        region, count = self._regions.chosen_region, len(self._regions.regions)
        if region is not None and self._hand.tool in (Tool.MOVE, Tool.POINTS):
            self._hand = tools.next_part(self._hand, region.shape, step)
        elif count:
            at = self._regions.chosen
            self._edit(Choose((step - 1) // 2 % count if at is None else (at + step) % count))
        self._draw()

    # Looking.

    def _see(self, viewport: Viewport) -> None:
        self._viewport = viewport
        self._repoint()
        self._draw()

    def _focus_xy(self) -> Point:
        """The image point that zooming keeps in place: the crosshair, the chosen region, or the middle."""
        assert self._viewport is not None
        if self._pointer is not None:
            return self._viewport.to_image(self._pointer.at)
        if (region := self._regions.chosen_region) is not None:
            box = region.shape.bounds
            return (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
        return self._viewport.center_xy

    def action_zoom(self, name: str) -> None:
        """Nearer, farther, all of it, or px for px."""
        if self._viewport is None:
            return
        about = self._focus_xy()
        match name:
            case "plus":
                self._see(self._viewport.zoomed(ZOOM, about))
            case "minus":
                self._see(self._viewport.zoomed(1 / ZOOM, about))
            case "0":
                self._see(self._viewport.fit())
            case _:
                self._see(self._viewport.at_100(about))

    def action_look(self, name: str) -> None:
        """Brighter, darker, more or less contrast; the file stays as it is."""
        steps = {"less_than_sign": (-1, 0), "greater_than_sign": (1, 0), "left_parenthesis": (0, -1)}
        brightness, contrast = steps.get(name, (0, 1))
        self._look = self._look.changed(brightness=brightness, contrast=contrast)
        self._draw()

    def action_rotate(self) -> None:
        """A quarter turn of the view; regions stay where they are on the image."""
        if self._viewport is not None:
            self._see(self._viewport.rotated())

    def action_overlay(self) -> None:
        """Regions on or off."""
        self._is_overlay_shown = not self._is_overlay_shown
        self._draw()

    def action_page(self, name: str) -> None:
        """Another page of a file of several."""
        item = self._item
        if item is None or item.frames < 2:
            self._tell("this file has one page")
            return
        self._frame = (self._frame + (1 if name == "right_square_bracket" else -1)) % item.frames
        self._tell(f"page {self._frame + 1} of {item.frames}")
        self.run_worker(partial(self._open, item), group="pictures", exclusive=True)  # type: ignore[arg-type]

    # The mouse does the same.

    def _in_view(self, event: events.MouseEvent) -> Point | None:
        """Where on the canvas it points, view px; None elsewhere."""
        x, y = event.screen_x - self.canvas.origin[0], event.screen_y - self.canvas.origin[1]
        if not (0 <= x < self.canvas.size.width and 0 <= y < self.canvas.size.height):
            return None
        wide, high = self.canvas.cell_wh_px
        return (x + 0.5) * wide, (y + 0.5) * high

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """A press: the beginning of a click or a drag."""
        self._pressed_at = self._in_view(event)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """The crosshair follows while a point is wanted."""
        at = self._in_view(event)
        if at is not None and self._pointer is not None and self._viewport is not None:
            self._pointer = pointing.moved_to(self._pointer, at, self._visible())
            if self._pressed_at is not None and self._hand.tool is Tool.RECTANGLE and not self._hand.points:
                self._hand, _ = tools.place(self._hand, self._on_image(self._pressed_at), (0, 0))
            self._draw()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """A click is pointing and Space; a drag draws; a click without a tool chooses."""
        at, pressed, self._pressed_at = self._in_view(event), self._pressed_at, None
        if at is None or pressed is None or self._viewport is None or self._image is None:
            return
        if self._pointer is None:
            self._edit(Choose(self._under(self._on_image(at))))
            return
        is_drag = max(abs(at[0] - pressed[0]), abs(at[1] - pressed[1])) > CLICK_PX
        if is_drag and self._hand.tool is Tool.RECTANGLE and not self._hand.points:
            self._place(self._on_image(pressed))
        self._place(self._on_image(at))

    def on_click(self, event: events.Click) -> None:
        """A double click closes the polygon."""
        if event.chain == 2 and self._hand.tool is Tool.POLYGON:
            self._hand = tools.taken_back(self._hand)
            self.action_submit()

    def _on_image(self, at: Point) -> Point:
        assert self._viewport is not None
        return self._viewport.clamped(self._viewport.to_image(at))

    def _under(self, xy: Point) -> int | None:
        """The region whose outline is nearest among those that hold the point."""
        inside = [n for n, region in enumerate(self._regions.regions) if is_inside(region.shape, xy)]
        return min(inside, key=lambda n: distance_to_edge(self._regions.regions[n].shape, xy), default=None)

    async def save_work(self) -> None:
        """Save what is in progress."""
        try:
            await super().save_work()
        except TaglineError as error:
            self.say(str(error), severity="error")

    def _next_page(self) -> None:
        drawn = [region for region in self._regions.regions if region.label == self._next_label]
        self._last_boxes = tuple(region.shape.bounds for region in drawn[:REMEMBERED]) or self._last_boxes
        self._regions, self._hints, self._proposed, self._hand = RegionDraft(), {}, {}, self._hand.emptied()
        self._pointer = None
        self._history = History() if not self.page.items else self._history
        super()._next_page()


def snap_polygon(rgb: RGB, box_px: Box) -> Polygon | None:
    """The outline of the object in a box."""
    return box_to_polygon(rgb, box_px)
