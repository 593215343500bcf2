"""Images of a project as a detector sees them: letterboxed to its one input size."""

from __future__ import annotations

from collections.abc import Sequence

from assist.detection.letterbox import Letterbox, input_scale, letterboxed
from assist.images import DecodedImages, decode_images
from core.assist.learning import Seen
from storage.base import Store


def decode_letterboxed(store: Store, items: Sequence[Seen], hw: tuple[int, int]) -> DecodedImages:
    """Images of these items as inputs; files that are gone or cannot be read are left out. Raises StorageError."""
    twice_wh = (2 * hw[1], 2 * hw[0])
    return decode_images(store, items, lambda image, seen: letterboxed(image, seen.size_wh, hw), fit_wh=twice_wh)


def letterboxes_of(items: Sequence[Seen], hw: tuple[int, int]) -> list[Letterbox]:
    """Where the image of each item lies in the input."""
    return [Letterbox(input_scale(seen.size_wh, hw), seen.size_wh) for seen in items]
