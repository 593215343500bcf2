"""Embeds the pictures of a project that have none yet: read, decode, embed, keep; a few at a time, so that a kill loses little."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assist.backbones import Backbone, squared
from assist.classification.embeddings import EmbeddingStore, content_key
from assist.ticket import Ticket, now_ms
from core.ids import ItemId, ItemState
from core.learning import Seen, Subject
from core.skipping import mark_unreadable
from storage import open_store
from storage.base import NoSuchFile, Store, UnreadableImage
from storage.images import decode

BATCH = 32


@dataclass
class Figures:
    """What embedding took: `decode_s` is for reading and decoding, `embed_s` for the backbone."""

    embedded: int = 0
    unreadable: int = 0
    absent: int = 0
    decode_s: float = 0.0
    embed_s: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """For a run's row."""
        spent = self.decode_s + self.embed_s
        rate = round(self.embedded / spent, 1) if spent else None
        shares = {"decode_s": round(self.decode_s, 2), "embed_s": round(self.embed_s, 2), "images_per_s": rate}
        return {"embedded": self.embedded, "unreadable": self.unreadable, "absent": self.absent, **shares}


@dataclass
class Decoded:
    """One batch as it came from the datastore."""

    items: list[Seen] = field(default_factory=list)
    images: list[NDArray[np.uint8]] = field(default_factory=list)
    broken: dict[ItemId, str] = field(default_factory=dict)
    absent: int = 0


def keys_of(subject: Subject, items: Sequence[Seen]) -> list[bytes]:
    """Under which keys the embeddings of these items are kept."""
    return [content_key(subject.datastore, seen.path, seen.etag) for seen in items]


async def embed_missing(
    ticket: Ticket,
    subject: Subject,
    items: Sequence[Seen],
    embeddings: EmbeddingStore,
    backbone: Backbone,
    *,
    until: float,
) -> Figures:
    """Embed what has no embedding yet; progress goes up to `until`. Unreadable files are set aside with the reason.

    Raises:
        StorageError: the datastore cannot be read at all.
        DiskFull: what was embedded before is kept.
        JobLost, Stopping: likewise.
    """
    wanted = [seen for seen, key in zip(items, keys_of(subject, items), strict=True) if key not in embeddings]
    figures = Figures()
    if not wanted:
        return figures
    store = await asyncio.to_thread(open_store, subject.datastore)
    for at in range(0, len(wanted), BATCH):
        ticket.step(until * at / len(wanted))
        decoded = await asyncio.to_thread(_decode, store, wanted[at : at + BATCH], backbone.size_px, figures)
        await asyncio.to_thread(_embed, subject, decoded, embeddings, backbone, figures)
        for item, reason in decoded.broken.items():
            await ticket.write(mark_unreadable, subject.project, None, item, reason, now_ms=now_ms())
    return figures


def _decode(store: Store, batch: Sequence[Seen], size_px: int, figures: Figures) -> Decoded:
    started = time.perf_counter()
    found = Decoded()
    for seen in batch:
        try:
            image = decode(store.get(seen.path), path=seen.path, fit_wh=(2 * size_px, 2 * size_px))
        except UnreadableImage as error:
            if seen.state is ItemState.TODO:
                found.broken[seen.item] = str(error)
            continue
        except NoSuchFile:
            found.absent += 1
            continue
        found.items.append(seen)
        found.images.append(squared(image, size_px))
    figures.decode_s += time.perf_counter() - started
    figures.unreadable += len(found.broken)
    figures.absent += found.absent
    return found


def _embed(
    subject: Subject, decoded: Decoded, embeddings: EmbeddingStore, backbone: Backbone, figures: Figures
) -> None:
    started = time.perf_counter()
    embeddings.append(keys_of(subject, decoded.items), backbone.embed(decoded.images))
    figures.embed_s += time.perf_counter() - started
    figures.embedded += len(decoded.items)
