"""What saves pointing: letters on regions and on proposed ones, and shapes that the pixels say."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from core.annotation import Region
from core.geometry import Box, Point, Polygon
from core.ids import LabelId
from core.pixels.proposals import propose
from core.pixels.snap import box_to_polygon, extremes_to_polygon
from core.region_edits import Add, Choose
from storage.pyramid import RGB
from tui.canvas import hints
from tui.canvas.offers import Offer, offers
from tui.canvas.overlay import Hint, Outline
from tui.desk import LabelingDesk
from tui.screens.canvas.moving import MovingScreen

PROPOSED = 26
PROPOSED_COLOR = "#ffca57"


class AidedScreen(MovingScreen):
    """Letters that wait to be typed; a look at the pixels happens beside the keys and is dropped if the image went."""

    def __init__(self, desk: LabelingDesk) -> None:
        super().__init__(desk)
        self._hints: dict[str, int] = {}
        self._hint_typed = ""
        self._proposed: dict[str, Offer] = {}

    def _begin_image(self) -> None:
        super()._begin_image()
        self._hints, self._proposed = {}, {}

    def _follow(self) -> None:
        super()._follow()
        if len(self._hints) != len(self._regions.regions):
            self._hints = {}  # regions came or went under their letters

    def action_tool(self, name: str) -> None:
        """Take a tool in hand; letters on regions go."""
        self._hints = {}
        super().action_tool(name)

    async def action_back(self) -> None:
        """Esc: the letters first."""
        if not self._hints and not self._proposed:
            await super().action_back()
            return
        self._hints, self._proposed = {}, {}
        self._draw()

    # Letters.

    def _takes_letter(self, letter: str) -> bool:
        """Use a letter for what is pointed at; False when nothing asks for letters now."""
        if len(letter) != 1 or not "a" <= letter <= "z":
            return False
        if self._proposed:
            self._accept_by(letter)
        elif self._hints:
            self._choose_by(letter)
        elif self._pointer is not None:
            self._aim(self._pointer, letter)
        else:
            return False
        return True

    def action_hints(self) -> None:
        """A letter or two on each region; on none, if there is none."""
        self._hint_typed = ""
        count = len(self._regions.regions)
        self._hints = dict(zip(hints.hint_texts(count), range(count), strict=False))
        if not count:
            self._tell(f"there is no region yet: {'p draws a polygon' if self._takes_polygons else 'r draws a box'}")
        self._draw()

    def _choose_by(self, letter: str) -> None:
        self._hint_typed += letter
        if (n := self._hints.get(self._hint_typed)) is not None:
            self._hints = {}
            self._edit(Choose(n))
        elif not any(text.startswith(self._hint_typed) for text in self._hints):
            self._hints = {}
        self._draw()

    async def action_proposals(self) -> None:
        """Letters on what a model finds likely, in its labels, and on places that look like objects, for the next label."""
        image, items = self._image, self.page.items
        if image is None or not items:
            return
        likely = await self._desk.proposed(items[0])
        here = tuple(region.shape.bounds for region in self._regions.regions if region.label == self._next_label)
        seen = await self._desk.desk.pictures.look(
            lambda: propose(image.levels[0], PROPOSED, (*here, *(() if here else self._last_boxes)))
        )
        if image is not self._image:
            return
        self._hints, self._hint_typed = {}, ""
        found = offers(likely, [one.box for one in seen], self._regions.regions, PROPOSED)
        self._proposed = dict(zip(hints.hint_texts(len(found)), found, strict=True))
        if not found:
            self._tell("nothing stands out on this image")
        self._draw()

    def _accept_by(self, letter: str) -> None:
        self._hint_typed += letter
        offer = self._proposed.pop(self._hint_typed, None)
        if offer is not None or not any(text.startswith(self._hint_typed) for text in self._proposed):
            self._hint_typed = ""
        if offer is not None and self._takes_polygons and isinstance(offer.shape, Box):
            box = offer.shape
            self._add_outline(lambda rgb: box_to_polygon(rgb, box))
        elif offer is not None:
            self._edit(Add(Region(offer.label or self._next_label, offer.shape)))
        self._draw()

    def _shown_hints(self) -> tuple[Hint, ...]:
        named = {text: self._regions.regions[n].shape.bounds for text, n in self._hints.items()}
        named |= {text: offer.shape.bounds for text, offer in self._proposed.items()}
        return tuple(
            Hint(text, ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2), len(self._hint_typed))
            for text, box in named.items()
            if text.startswith(self._hint_typed)
        )

    def _shown_proposals(self) -> tuple[Outline, ...]:
        return tuple(self._offered(offer) for offer in self._proposed.values())

    def _offered(self, offer: Offer) -> Outline:
        """A model's offer in the colour of its label, any other in one of its own."""
        color = PROPOSED_COLOR if offer.label is None else self._desk.labels.by_id(offer.label).color
        return Outline(offer.shape, color, "", "dashed")

    # What the pixels say.

    def _add_from_extremes(self, points: tuple[Point, ...]) -> None:
        self._add_outline(lambda rgb: extremes_to_polygon(rgb, points))

    def _add_outline(self, see: Callable[[RGB], Polygon]) -> None:
        """Draw what a function sees in the pixels, once it has looked."""
        self.run_worker(partial(self._see_and_add, see, self._next_label), group="outline")  # type: ignore[arg-type]

    async def _see_and_add(self, see: Callable[[RGB], Polygon], label: LabelId) -> None:
        image = self._image
        assert image is not None
        shape = await self._desk.desk.pictures.look(lambda: see(image.levels[0]))
        if image is self._image:
            self._edit(Add(Region(label, shape)))
