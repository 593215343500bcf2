"""Images of a project as a detector sees them: read, decoded, letterboxed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from assist.detection.letterbox import RGB, Letterbox, input_scale, letterboxed
from core.ids import ItemId, ItemState
from core.learning import Seen
from storage.base import NoSuchFile, Store, UnreadableImage
from storage.images import decode


@dataclass
class DecodedImages:
    """A few letterboxed images, with the items that they are of; `unreadable` are items that proved so, and why."""

    items: list[Seen] = field(default_factory=list)
    images: list[RGB] = field(default_factory=list)
    unreadable: dict[ItemId, str] = field(default_factory=dict)

    def letterboxes(self, hw: tuple[int, int]) -> list[Letterbox]:
        """Where each image lies in the input."""
        return [Letterbox(input_scale(seen.size_wh, hw), seen.size_wh) for seen in self.items]


def decode_images(store: Store, items: Sequence[Seen], hw: tuple[int, int]) -> DecodedImages:
    """Read and decode; files that are gone or cannot be read are left out. Raises StorageError."""
    found = DecodedImages()
    for seen in items:
        try:
            image = decode(store.get(seen.path), path=seen.path, fit_wh=(2 * hw[1], 2 * hw[0]))
        except UnreadableImage as error:
            if seen.state is ItemState.TODO:
                found.unreadable[seen.item] = str(error)
            continue
        except NoSuchFile:
            continue
        found.items.append(seen)
        found.images.append(letterboxed(image, seen.size_wh, hw))
    return found
