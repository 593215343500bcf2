"""Which item a file's image is: by its path, or by a tail of it that only one item has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import PurePosixPath

from core.imported import Target
from exporters.importers.entries import Entry

UNKNOWN = "no item has this path or name"
AMBIGUOUS = "several items end in this name"


class Catalog:
    """A project's items by what files may call them."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self.targets = targets

    @cached_property
    def _paths(self) -> dict[str, Target]:
        return {target.path: target for target in self.targets}

    @cached_property
    def _tails(self) -> dict[str, list[Target]]:
        return _grouped(self.targets, lambda path: path.rpartition("/")[2])

    @cached_property
    def _stems(self) -> dict[str, list[Target]]:
        return _grouped(self.targets, lambda path: PurePosixPath(path).stem)

    def find(self, entry: Entry) -> Target | str:
        """The item that the entry is about, or why there is none."""
        if (exact := self.whole(entry)) is not None:
            return exact
        if entry.is_stem:
            return self.find_stem(entry, frozenset())
        return _only(entry.names, self._tails, lambda path: path)

    def find_stem(self, entry: Entry, taken: frozenset[str]) -> Target | str:
        """The same for names without an ending; items that are `taken` by their whole names are not meant."""
        open_ = {key: [one for one in found if one.path not in taken] for key, found in self._near(entry.names)}
        return _only(entry.names, open_, stem)

    def _near(self, names: Iterable[str]) -> Iterable[tuple[str, list[Target]]]:
        tails = {name.rpartition("/")[2] for name in names}
        return ((tail, self._stems.get(tail, [])) for tail in tails)

    def whole(self, entry: Entry) -> Target | None:
        """The item of exactly the path that is listed, or of one that a name happens to be."""
        names = (entry.listed, *entry.names)
        return next((found for name in names if (found := self._paths.get(name)) is not None), None)


def stem(path: str) -> str:
    """A path without its ending."""
    return path.removesuffix(PurePosixPath(path).suffix)


def _grouped(targets: Iterable[Target], key: Callable[[str], str]) -> dict[str, list[Target]]:
    found: defaultdict[str, list[Target]] = defaultdict(list)
    for target in targets:
        found[key(target.path)].append(target)
    return found


def _only(names: Sequence[str], near: dict[str, list[Target]], key: Callable[[str], str]) -> Target | str:
    """The one item of which a name is the tail, or that is a tail of a name: files know items by shorter and longer paths."""
    why = UNKNOWN
    for name in names:
        candidates = near.get(name.rpartition("/")[2], [])
        same = [one for one in candidates if key(one.path) == name]
        found = same or [one for one in candidates if _is_tail(key(one.path), name)]
        if len(found) == 1:
            return found[0]
        if found:
            why = AMBIGUOUS
    return why


def _is_tail(a: str, b: str) -> bool:
    return f"/{a}".endswith(f"/{b}") or f"/{b}".endswith(f"/{a}")
