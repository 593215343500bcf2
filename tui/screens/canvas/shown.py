"""The regions of a draft as rows of the list and outlines over the picture, made once for each draft."""

from __future__ import annotations

from core.geometry import Point
from core.labels import LabelSet
from core.region_edits import RegionDraft
from tui.canvas.overlay import Outline
from tui.text import clean
from tui.widgets.region_list import Row


class Shown:
    """The same tuples while nothing changes, so that the crosshair moves over a thousand regions as over one."""

    def __init__(self) -> None:
        self._rows: tuple[object, object, tuple[Row, ...]] = (None, None, ())
        self._still: tuple[object, object, tuple[Outline, ...]] = (None, None, ())

    def rows(self, labels: LabelSet, draft: RegionDraft) -> tuple[Row, ...]:
        """One row a region."""
        if self._rows[0] is not labels or self._rows[1] is not draft:
            rows = tuple(_row(labels, draft, n) for n in range(len(draft.regions)))
            self._rows = (labels, draft, rows)
        return self._rows[2]

    def still(self, labels: LabelSet, draft: RegionDraft) -> tuple[Outline, ...]:
        """The outlines of all but the chosen region."""
        if self._still[0] is not labels or self._still[1] is not draft:
            others = (n for n in range(len(draft.regions)) if n != draft.chosen)
            self._still = (labels, draft, tuple(_outline(labels, draft, n) for n in others))
        return self._still[2]


def chosen_outline(
    labels: LabelSet, draft: RegionDraft, handles: tuple[Point, ...], marked: int | None
) -> tuple[Outline, ...]:
    """The chosen region with the handles of the tool in hand; nothing where none is chosen."""
    region = draft.chosen_region
    if region is None:
        return ()
    label = labels.by_id(region.label)
    return (Outline(region.shape, label.color, clean(label.name), "chosen", handles, marked),)


def _row(labels: LabelSet, draft: RegionDraft, n: int) -> Row:
    region = draft.regions[n]
    label, bounds = labels.by_id(region.label), region.shape.bounds
    size = (round(bounds.x1 - bounds.x0), round(bounds.y1 - bounds.y0))
    return Row(clean(label.name), label.color, size, n in draft.locked, n == draft.chosen)


def _outline(labels: LabelSet, draft: RegionDraft, n: int) -> Outline:
    region = draft.regions[n]
    label = labels.by_id(region.label)
    return Outline(region.shape, label.color, clean(label.name), "dashed" if n in draft.locked else "plain")
