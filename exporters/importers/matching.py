"""Which item a file's image is: by its path, or by a tail of it that only one item has."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

import numpy as np

from core.ids import ItemId
from exporters.importers.entries import Entry

UNKNOWN = "no item has this path or name"
AMBIGUOUS = "several items end in this name"
Place = int
"""Where an item stands in the catalog, from 0."""


class Catalog:
    """A project's items by what files may call them.

    Of each item its id and hashes of its path, its tails and those without its ending are kept, of 64 bits, which nobody can
    foresee: tens of bytes, whatever the paths are. `add` every item, then `sort`.
    """

    def __init__(self) -> None:
        self._items = array("q")
        self._paths, self._tails = _Index(), _Index()
        self._stems, self._stem_tails = _Index(), _Index()

    def __len__(self) -> int:
        return len(self._items)

    def add(self, items: Iterable[tuple[ItemId, str]]) -> None:
        """More items with their paths."""
        for item, path in items:
            place, bare = len(self._items), stem(path)
            self._items.append(item)
            self._paths.add(path, place)
            self._stems.add(bare, place)
            for tail in tails(path):
                self._tails.add(tail, place)
            for tail in tails(bare):
                self._stem_tails.add(tail, place)

    def sort(self) -> None:
        """Nothing is added any more."""
        for index in (self._paths, self._tails, self._stems, self._stem_tails):
            index.sort()

    def item(self, place: Place) -> ItemId:
        """The item there."""
        return ItemId(self._items[place])

    def whole(self, entry: Entry) -> Place | None:
        """The item of exactly the path that is listed, or of one that a name happens to be."""
        for name in (entry.listed, *entry.names):
            if found := self._paths.of(name):
                return found[0]
        return None

    def find(self, entry: Entry) -> Place | str:
        """The item that the entry is about, or why there is none."""
        if (exact := self.whole(entry)) is not None:
            return exact
        return _only(entry.names, self._paths, self._tails)

    def find_stem(self, entry: Entry, taken: bytes) -> Place | str:
        """The same for names without an ending; places that are 1 in `taken`, by their whole names, are not meant."""
        return _only(entry.names, self._stems, self._stem_tails, taken)


class _Index:
    """Places by the hashes of names."""

    def __init__(self) -> None:
        self._hashes, self._places = array("q"), array("I")

    def add(self, name: str, place: Place) -> None:
        self._hashes.append(hash(name))
        self._places.append(place)

    def sort(self) -> None:
        hashes, places = np.array(self._hashes, np.int64), np.array(self._places, np.uint32)
        order = np.argsort(hashes, kind="stable")
        self._hashes, self._places = array("q", hashes[order].tobytes()), array("I", places[order].tobytes())

    def of(self, name: str) -> Sequence[Place]:
        wanted = hash(name)
        first = bisect_left(self._hashes, wanted)
        return self._places[first : bisect_right(self._hashes, wanted, first)]


def stem(path: str) -> str:
    """A path without its ending."""
    return path.removesuffix(PurePosixPath(path).suffix)


def tails(path: str) -> Iterator[str]:
    """What follows each of a path's slashes."""
    while "/" in path:
        path = path.partition("/")[2]
        yield path


def _only(names: Sequence[str], whole: _Index, ends: _Index, taken: bytes | None = None) -> Place | str:
    """The one item of which a name is the tail, or that is a tail of a name: files know items by shorter and longer paths."""
    why = UNKNOWN
    for name in names:
        found = _free(whole.of(name), taken) or _free(_near(name, whole, ends), taken)
        if len(found) == 1:
            return found.pop()
        if found:
            why = AMBIGUOUS
    return why


def _near(name: str, whole: _Index, ends: _Index) -> Iterator[Place]:
    yield from ends.of(name)
    for tail in tails(name):
        yield from whole.of(tail)


def _free(places: Iterable[Place], taken: bytes | None) -> set[Place]:
    return {place for place in places if taken is None or not taken[place]}
