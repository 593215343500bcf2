"""Label classes: a tree up to six levels, any level of which can be chosen, with number keys. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from core.errors import BadInput, NotFound
from core.ids import LabelId

MAX_DEPTH = 6
NUMBER_KEYS = 9

# Okabe and Ito's colour-blind-safe set, then Paul Tol's muted set.
COLORS = (
    "#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#d55e00", "#0072b2", "#88ccee", "#ddcc77",
    "#117733", "#aa4499", "#44aa99", "#999933", "#cc6677", "#882255", "#332288",
)  # fmt: skip


@dataclass(frozen=True)
class LabelClass:
    """One label; `path` is the names from the root joined by '/'."""

    id: LabelId
    name: str
    path: str
    position: int
    color: str
    parent: LabelId | None = None


@dataclass(frozen=True)
class LabelSet:
    """A project's labels in their order; the first nine have the number keys 1 to 9.

    Attributes:
        retired: labels that can no longer be chosen; an answer that was given before may hold them, so ids find them.
    """

    classes: tuple[LabelClass, ...]
    retired: tuple[LabelClass, ...] = ()
    _by_id: dict[LabelId, LabelClass] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_id", {label.id: label for label in (*self.retired, *self.classes)})

    def __iter__(self) -> Iterator[LabelClass]:
        return iter(self.classes)

    def __len__(self) -> int:
        return len(self.classes)

    def __contains__(self, label: LabelId) -> bool:
        return label in self._by_id

    def by_id(self, label: LabelId) -> LabelClass:
        """The label with this id. Raises NotFound."""
        try:
            return self._by_id[label]
        except KeyError:
            raise NotFound(f"This project has no label with the id {label}.") from None

    def by_number(self, digit: int) -> LabelClass | None:
        """The label on a number key 1 to 9, or None where the key is free."""
        return self.classes[digit - 1] if 1 <= digit <= min(NUMBER_KEYS, len(self.classes)) else None

    def number_of(self, label: LabelId) -> int | None:
        """The number key of a label, or None beyond the ninth."""
        position = self._positions.get(label, NUMBER_KEYS)
        return position + 1 if position < NUMBER_KEYS else None

    @cached_property
    def _positions(self) -> dict[LabelId, int]:
        return {label.id: n for n, label in enumerate(self.classes)}

    def by_path(self, path: str) -> LabelClass:
        """The label with this path. Raises NotFound naming what there is."""
        for label in self.classes:
            if label.path == path:
                return label
        known = ", ".join(label.path for label in self.classes[:12])
        raise NotFound(f"There is no label {path!r}; this project has: {known}.")

    def search(self, text: str) -> tuple[LabelClass, ...]:
        """Labels whose path holds the text, any case: names that start with it first, then paths, in label order."""
        needle = text.casefold().strip()
        hits = [label for label in self.classes if needle in label.path.casefold()]
        return tuple(sorted(hits, key=lambda label: not label.name.casefold().startswith(needle)))


def expand_paths(paths: Iterable[str]) -> tuple[str, ...]:
    """Paths with every missing ancestor put before its first child; order kept, repeats dropped.

    Raises:
        BadInput: an empty name, too many levels, or a name with control characters.
    """
    seen: dict[str, None] = {}
    for path in paths:
        names = [name.strip() for name in path.split("/")]
        check_names(path, names)
        for depth in range(1, len(names) + 1):
            seen.setdefault("/".join(names[:depth]))
    return tuple(seen)


def check_names(path: str, names: list[str]) -> None:
    """Refuse a label path that cannot be. Raises BadInput."""
    if not all(names):
        raise BadInput(f"The label {path!r} has an empty name; write names joined by '/', such as Animal/Cat.")
    if len(names) > MAX_DEPTH:
        raise BadInput(f"The label {path!r} is {len(names)} levels deep; {MAX_DEPTH} is the most.")
    if any(len(name) > 128 or not name.isprintable() for name in names):
        raise BadInput(f"The label {path!r} has a name over 128 characters or with control characters.")
