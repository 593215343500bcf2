"""`e`: the chosen region to the object's edges, by a segmenter whose outline is shown before it is taken, or by the pixels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from core.annotation import Region
from core.edits import PageDraft
from core.errors import Unavailable
from core.geometry import Box, Polygon, is_inside
from core.pixels.prompted import Prompt
from core.pixels.snap import box_to_polygon, snap_box
from core.region_edits import Add, RegionDraft, Reshape
from storage.pyramid import Pyramid
from tui.canvas.overlay import Outline
from tui.desk import LabelingDesk
from tui.screens.canvas.aids import PROPOSED_COLOR, AidedScreen


@dataclass(frozen=True)
class Seen:
    """An outline that waits to be taken: for a region to come, or for the chosen one of `draft`."""

    shape: Box | Polygon
    draft: RegionDraft
    is_new: bool


class SnappingScreen(AidedScreen):
    """What a segmenter saw is dropped when the regions, the tool or the image change: it is never taken unasked."""

    def __init__(self, desk: LabelingDesk) -> None:
        super().__init__(desk)
        self._seen: Seen | None = None
        self._is_told = False

    def _begin_image(self) -> None:
        super()._begin_image()
        self._seen = None

    def _follow(self) -> None:
        super()._follow()
        if self._seen is not None and self._seen.draft is not self._regions:
            self._seen = None

    def action_tool(self, name: str) -> None:
        """Take a tool in hand; an outline that waits goes."""
        self._seen = None
        super().action_tool(name)

    async def action_back(self) -> None:
        """Esc: an outline that waits first."""
        if self._seen is None:
            await super().action_back()
            return
        self._seen = None
        self._tell("the outline is dropped")
        self._draw()

    def _refuses_submit(self, page: PageDraft) -> bool:
        if self._seen is not None:
            self._tell(f"the dashed outline waits: {self._snap_key} takes it, Esc drops it")
            return True
        return super()._refuses_submit(page)

    @property
    def _snap_key(self) -> str:
        """While a tool points, small letters name cells of the grid."""
        return "e" if self._pointer is None else "E"

    def _shown_proposals(self) -> tuple[Outline, ...]:
        seen = () if self._seen is None else (Outline(self._seen.shape, PROPOSED_COLOR, "", "dashed"),)
        return (*super()._shown_proposals(), *seen)

    async def action_snap(self) -> None:
        """Take the outline that waits; else look for one, or tighten the chosen region where the image shows a clear edge."""
        image, prompt = self._image, self._prompt()
        if self._seen is not None:
            self._take(self._seen)
        elif image is not None and prompt is not None and self._desk.desk.pictures.segmenter is not None:
            self._tell("the segmenter looks")
            self.run_worker(partial(self._preview, image, prompt), group="segment", exclusive=True)  # type: ignore[arg-type]
        else:
            await self._snap_by_edges()

    def _prompt(self) -> Prompt | None:
        """Where the crosshair was moved to, unless that is in the chosen region; then that region's box."""
        region, at, pointer = self._regions.chosen_region, self._crosshair_xy(), self._pointer
        is_aimed = pointer is not None and (pointer.is_by_hand or len(pointer.boxes) > 1)
        if at is not None and is_aimed and (region is None or not is_inside(region.shape.bounds, at)):
            return at
        return None if region is None else region.shape.bounds

    async def _preview(self, image: Pyramid, prompt: Prompt) -> None:
        draft = self._regions
        try:
            found = await self._desk.desk.pictures.outline(image, prompt)
        except Unavailable as error:
            self._tell_once(str(error))
            await self._snap_by_edges()
            return
        if self._regions is not draft or self._image is not image:
            return  # changed meanwhile: what was seen is of something else
        if found is None:
            self._tell("no object is found there: everything stays as it is")
            return
        shape = found if self._takes_polygons else found.bounds
        self._seen = Seen(shape, draft, is_new=not isinstance(prompt, Box))
        self._tell(f"dashed: {self._snap_key} takes this outline, Esc drops it")
        self._draw()

    def _tell_once(self, why: str) -> None:
        if not self._is_told:
            self._is_told = True
            self.say(why, severity="warning")

    def _take(self, seen: Seen) -> None:
        self._seen = None
        self._edit(Add(Region(self._next_label, seen.shape)) if seen.is_new else Reshape(seen.shape))
        self._draw()

    async def _snap_by_edges(self) -> None:
        """The chosen region tight around the object, where the image shows a clear edge."""
        region, image = self._regions.chosen_region, self._image
        if region is None or image is None:
            self._tell(self._none_chosen)
            return
        draft, see = self._regions, box_to_polygon if self._takes_polygons else snap_box
        found = await self._desk.desk.pictures.look(lambda: see(image.levels[0], region.shape.bounds))
        if self._regions is not draft:
            return  # changed meanwhile: what was seen is of something else
        if found is None:
            self._tell("no clear edge there: the region stays as it is")
        else:
            self._edit(Reshape(found))
