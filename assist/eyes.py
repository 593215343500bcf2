"""Pictures of a project as a detector sees them: read, decoded, on the canvas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from assist import canvas
from assist.canvas import RGB
from assist.found import Frame
from core.ids import ItemId, ItemState
from core.learning import Seen
from storage.base import NoSuchFile, Store, UnreadableImage
from storage.images import decode


@dataclass
class Looked:
    """A few pictures on the canvas, with the items that they are of; `broken` are items that proved unreadable, and why."""

    items: list[Seen] = field(default_factory=list)
    images: list[RGB] = field(default_factory=list)
    broken: dict[ItemId, str] = field(default_factory=dict)

    def frames(self, hw: tuple[int, int]) -> list[Frame]:
        """Where each picture lies on the canvas."""
        return [Frame(canvas.fit(seen.size_wh, hw), seen.size_wh) for seen in self.items]


def look_at(store: Store, items: Sequence[Seen], hw: tuple[int, int]) -> Looked:
    """Read and decode; files that are gone or cannot be read are left out. Raises StorageError."""
    found = Looked()
    for seen in items:
        try:
            image = decode(store.get(seen.path), path=seen.path, fit_wh=(2 * hw[1], 2 * hw[0]))
        except UnreadableImage as error:
            if seen.state is ItemState.TODO:
                found.broken[seen.item] = str(error)
            continue
        except NoSuchFile:
            continue
        found.items.append(seen)
        found.images.append(canvas.placed(image, seen.size_wh, hw))
    return found
