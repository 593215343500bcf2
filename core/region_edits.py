"""What the region tools do to one image's regions: pure values in, pure values out, or a refusal with its reason."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.annotation import Region
from core.errors import BadInput
from core.geometry import Box, Polygon, invalid_reason, moved
from core.ids import LabelId

Shape = Box | Polygon


@dataclass(frozen=True)
class RegionDraft:
    """The regions of one image; `chosen` is the index of the one that keys act on, `locked` of those that none changes."""

    regions: tuple[Region, ...] = ()
    chosen: int | None = None
    locked: frozenset[int] = frozenset()

    @property
    def chosen_region(self) -> Region | None:
        """The one that keys act on, if any."""
        return None if self.chosen is None else self.regions[self.chosen]

    def holding(self, regions: tuple[Region, ...]) -> RegionDraft:
        """The regions as they were before or after one edit: the same ones are chosen and locked, wherever they are now."""
        if len(regions) == len(self.regions):
            return replace(self, regions=regions)
        places = _places(self.regions, regions)
        chosen = None if self.chosen is None else places.get(self.chosen)
        return RegionDraft(regions, chosen, frozenset(places[n] for n in self.locked if n in places))


@dataclass(frozen=True)
class Add:
    """Draw a region; it is the chosen one then."""

    region: Region


@dataclass(frozen=True)
class Reshape:
    """Give the chosen region another shape."""

    shape: Shape


@dataclass(frozen=True)
class Relabel:
    """Give the chosen region another label."""

    label: LabelId


@dataclass(frozen=True)
class Duplicate:
    """Draw the chosen region once more, a little aside."""

    by_px: tuple[float, float] = (8.0, 8.0)


@dataclass(frozen=True)
class Delete:
    """Take the chosen region away."""


@dataclass(frozen=True)
class DeleteAll:
    """Take every region away that is not locked."""


@dataclass(frozen=True)
class Choose:
    """Act on this region from now on; None for none."""

    index: int | None


@dataclass(frozen=True)
class Lock:
    """Lock every region that is there, or free all where all are locked."""


def _places(before: tuple[Region, ...], after: tuple[Region, ...]) -> dict[int, int]:
    """Where each region is after some came or went; an edit never changes the order of those that stay."""
    fewer, more = sorted((before, after), key=len)
    found: dict[int, int] = {}
    at = 0
    for n, region in enumerate(more):
        if at < len(fewer) and region == fewer[at]:
            found[n], at = at, at + 1
    return found if more is before else {there: n for n, there in found.items()}


RegionEdit = Add | Reshape | Relabel | Duplicate | Delete | DeleteAll | Choose | Lock


def apply(draft: RegionDraft, edit: RegionEdit, size_wh: tuple[int, int]) -> RegionDraft:
    """The draft after an edit.

    Raises:
        BadInput: the region would be impossible, is locked, or none is chosen; nothing changed.
    """
    match edit:
        case Add(region):
            return _added(draft, region, size_wh)
        case Choose(index):
            return replace(draft, chosen=index if index is not None and 0 <= index < len(draft.regions) else None)
        case Lock():
            every = frozenset(range(len(draft.regions)))
            return replace(draft, locked=frozenset() if draft.locked == every else every)
        case DeleteAll():
            return RegionDraft(
                tuple(region for n, region in enumerate(draft.regions) if n in draft.locked),
                None,
                frozenset(range(len(draft.locked))),
            )
        case Delete():
            return _without(draft, _changeable(draft))
        case Duplicate(by_px):
            region = draft.regions[_chosen(draft)]
            return _added(draft, replace(region, shape=moved(region.shape, *by_px, size_wh)), size_wh)
        case Reshape(shape):
            region = replace(draft.regions[_changeable(draft)], shape=shape)
        case Relabel(label):
            region = replace(draft.regions[_changeable(draft)], label=label)
    return _replaced(draft, region, size_wh)


def _added(draft: RegionDraft, region: Region, size_wh: tuple[int, int]) -> RegionDraft:
    _check(region, size_wh)
    return replace(draft, regions=(*draft.regions, region), chosen=len(draft.regions))


def _replaced(draft: RegionDraft, region: Region, size_wh: tuple[int, int]) -> RegionDraft:
    _check(region, size_wh)
    index = _chosen(draft)
    return replace(draft, regions=(*draft.regions[:index], region, *draft.regions[index + 1 :]))


def _check(region: Region, size_wh: tuple[int, int]) -> None:
    if reason := invalid_reason(region.shape, size_wh):
        raise BadInput(f"Not drawn: {reason}.")


def _chosen(draft: RegionDraft) -> int:
    if draft.chosen is None:
        raise BadInput("No region is chosen: Tab chooses the next, h shows letters.")
    return draft.chosen


def _changeable(draft: RegionDraft) -> int:
    index = _chosen(draft)
    if index in draft.locked:
        raise BadInput("This region is locked; l unlocks all.")
    return index


def _without(draft: RegionDraft, index: int) -> RegionDraft:
    regions = (*draft.regions[:index], *draft.regions[index + 1 :])
    locked = frozenset(n - (n > index) for n in draft.locked if n != index)
    return RegionDraft(regions, min(index, len(regions) - 1) if regions else None, locked)
