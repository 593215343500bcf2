"""Images of a project as a model sees them: read, decoded, brought to its input size; unreadable ones are set aside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from assist.ticket import Ticket, now_ms
from core.assist.learning import Seen, Subject
from core.ids import ItemId, ItemState
from core.labeling.skipping import mark_unreadable
from storage.base import NoSuchFile, Store, UnreadableImage
from storage.images import decode

RGB = NDArray[np.uint8]


@dataclass
class DecodedImages:
    """A few images, with the items that they are of.

    Attributes:
        unreadable: items still to do that proved so, and why.
        absent: how many files are gone.
    """

    items: list[Seen] = field(default_factory=list)
    images: list[RGB] = field(default_factory=list)
    unreadable: dict[ItemId, str] = field(default_factory=dict)
    absent: int = 0


def decode_images(
    store: Store, items: Sequence[Seen], resized: Callable[[RGB, Seen], RGB], *, fit_wh: tuple[int, int]
) -> DecodedImages:
    """Read, decode at hardly more than `fit_wh` where a format can, and resize; the others are left out. Raises StorageError."""
    found = DecodedImages()
    for seen in items:
        try:
            image = decode(store.get(seen.path), path=seen.path, fit_wh=fit_wh)
        except UnreadableImage as error:
            if seen.state is ItemState.TODO:
                found.unreadable[seen.item] = str(error)
            continue
        except NoSuchFile:
            found.absent += 1
            continue
        found.items.append(seen)
        found.images.append(resized(image, seen))
    return found


async def set_aside(ticket: Ticket, subject: Subject, unreadable: Mapping[ItemId, str]) -> None:
    """Take items that cannot be read out of the queue, each with its reason. Raises JobLost."""
    for item, reason in unreadable.items():
        await ticket.write(mark_unreadable, subject.project, None, item, reason, now_ms=now_ms())
