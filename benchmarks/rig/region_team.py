"""A labeler of boxes who knows the truth, and counts every key that the canvas wants: letters, tools, digits, Space, Enter.

Points are aimed by the shortest letters that reach a good box (see `benchmarks.rig.planner`); nothing is ever mistyped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchmarks.drawing import CELL, SIZE_CELLS
from benchmarks.rig.planner import GOOD_BOX, by_corners, cheapest
from benchmarks.rig.truth import LabeledPhoto
from core.annotation import Answer, Cursor, HeldItem, Region, SubmittedItem
from core.assist import suggestions
from core.consensus import match
from core.db.database import Database
from core.geometry import Box, box_iou
from core.ids import AccountId, ItemKind, LabelId, ProjectId
from core.labeling.queue import claim_page
from core.labeling.submissions import submit
from core.pixels.proposals import propose
from tui.canvas.hints import hint_texts
from tui.canvas.offers import offers
from tui.canvas.viewport import Viewport

GOOD_ENOUGH = 0.7
RIGHT = 0.5
OFFERED = 26
TO_TAKE_AWAY = 2  # `h` before the letters and `x` after them


@dataclass
class BoxLabeler:
    """One person's seat.

    Attributes:
        truth: the regions of each path.
        typed: keys that draw each region of each path, from the tool in hand.
        seen: what stands out on each picture by its pixels alone.
        shown, right: boxes of prelabeled pictures as they came, and those of them that were right.
    """

    db: Database
    project: ProjectId
    account: AccountId
    truth: Mapping[str, Answer]
    typed: Mapping[str, Sequence[int]]
    seen: Mapping[str, Sequence[Box]]
    keys: Counter[str] = field(default_factory=Counter)
    images: Counter[str] = field(default_factory=Counter)
    by_hand: int = 0
    by_pixels: int = 0
    shown: Counter[LabelId] = field(default_factory=Counter)
    right: Counter[LabelId] = field(default_factory=Counter)
    ious: list[float] = field(default_factory=list)
    whole: int = 0
    cursor: Cursor = field(default_factory=dict)
    label: LabelId | None = None

    async def work(self, now_ms: int) -> int:
        """Label one picture; returns 0 when nothing is left."""
        page = await self.db.write(claim_page, self.project, self.account, 1, now_ms=now_ms, after=self.cursor)
        self.cursor = page.cursor
        if not page.items:
            return 0
        held = page.items[0]
        likely = await self.db.read(suggestions.proposed, self.account, held.item)
        kind, before = held.kind.name.lower(), self.label
        self._judge(held)
        drawn = held.draft.answer.regions if held.kind is ItemKind.PRELABELED else ()
        answer, keys = self._labeled(held.path, drawn, likely, letters=True)
        self.keys[kind] += keys
        self.images[kind] += 1
        after, self.label = self.label, before
        ious, self.ious = self.ious, []
        self.by_pixels += self._labeled(held.path, (), (), letters=True)[1]
        self.label = before
        self.by_hand += self._labeled(held.path, (), (), letters=False)[1]
        self.label, self.ious = after, ious
        receipt = await self.db.write(
            submit, self.project, self.account, [SubmittedItem(held.item, held.token, answer, 1000)], now_ms=now_ms
        )
        assert not receipt.refused, receipt.refused
        return 1

    def _judge(self, held: HeldItem) -> None:
        """Boxes as they came, before the labeler touched anything."""
        if held.kind is not ItemKind.PRELABELED:
            return
        found, truth = held.draft.answer.regions, self.truth[held.path].regions
        hits = match(found, truth, RIGHT)
        self.shown.update(region.label for region in found)
        self.right.update(found[mine].label for mine, _, _ in hits)
        self.whole += len(hits) == len(found) == len(truth)

    def _labeled(
        self, path: str, drawn: Sequence[Region], likely: Sequence[Region], *, letters: bool
    ) -> tuple[Answer, int]:
        """The picture done, and the keys that it took: wrong boxes away, letters of offers, the rest by points, Enter."""
        truth = self.truth[path].regions
        kept = match(drawn, truth, GOOD_ENOUGH)
        self.ious += [iou for _, _, iou in kept]
        wrong = len(drawn) - len(kept)
        keys = wrong * (TO_TAKE_AWAY + len(hint_texts(max(1, len(drawn)))[0]))
        regions = [drawn[mine] for mine, _, _ in kept]
        left = sorted(set(range(len(truth))) - {theirs for _, theirs, _ in kept})
        if letters and left:
            taken, typed = self._by_letters(path, truth, left, likely, regions)
            regions += taken.values()
            keys += typed
            left = [n for n in left if n not in taken]
        if left:
            keys += 1  # the tool
        for n in sorted(left, key=lambda n: truth[n].label):
            keys += self.typed[path][n] + self._digit(truth[n].label)
            regions.append(truth[n])
        return Answer(regions=tuple(regions)), keys + 1

    def _by_letters(
        self, path: str, truth: Sequence[Region], left: Sequence[int], likely: Sequence[Region], drawn: Sequence[Region]
    ) -> tuple[dict[int, Region], int]:
        """Offers that are good enough, each by its letter; `H` before and Esc after them."""
        taken: dict[int, Region] = {}
        keys = 0
        for offer in offers(likely, self.seen[path], drawn, OFFERED):
            fits = [
                (box_iou(offer.shape.bounds, truth[n].shape.bounds), n)
                for n in left
                if n not in taken and offer.label in (None, truth[n].label)
            ]
            iou, n = max(fits, default=(0.0, -1))
            if iou >= GOOD_ENOUGH:
                keys += 1 + (self._digit(truth[n].label) if offer.label is None else 0)
                taken[n] = Region(truth[n].label, offer.shape)
                self.ious.append(iou)
        return taken, keys + 2 if taken else 1

    def _digit(self, label: LabelId) -> int:
        """The key that changes the label in hand."""
        changed, self.label = self.label != label, label
        return int(changed)


def keys_to_draw(photo: LabeledPhoto) -> list[int]:
    """Keys of each box of a picture that is fitted into the usual screen, with the tool in hand."""
    size_wh = photo.rgb.shape[1], photo.rgb.shape[0]
    view = Viewport.fitting(size_wh, ((SIZE_CELLS[0] - 26) * CELL[0], (SIZE_CELLS[1] - 3) * CELL[1]))
    return [len(cheapest(by_corners(truth, view, photo.rgb), GOOD_BOX, "r").keys) for truth in photo.truths]


def standing_out(rgb: NDArray[np.uint8]) -> list[Box]:
    """What `H` offers on a picture without a model."""
    return [found.box for found in propose(rgb, OFFERED)]
