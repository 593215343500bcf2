"""Embeds the pictures of a project that have none yet: read, decode, embed, keep; a few at a time, so that a kill loses little."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assist.backbones import Backbone, squared
from assist.classification.embeddings import EmbeddingStore, content_key
from assist.images import DecodedImages, decode_images, set_aside
from assist.ticket import Ticket
from core.assist.learning import Seen, Subject
from storage import open_store
from storage.base import Store

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
        decoded = await asyncio.to_thread(_decoded, store, wanted[at : at + BATCH], backbone.size_px, figures)
        await asyncio.to_thread(_embed, subject, decoded, embeddings, backbone, figures)
        await set_aside(ticket, subject, decoded.unreadable)
    return figures


def _decoded(store: Store, batch: Sequence[Seen], size_px: int, figures: Figures) -> DecodedImages:
    started = time.perf_counter()
    found = decode_images(store, batch, lambda image, _: squared(image, size_px), fit_wh=(2 * size_px, 2 * size_px))
    figures.decode_s += time.perf_counter() - started
    figures.unreadable += len(found.unreadable)
    figures.absent += found.absent
    return found


def _embed(
    subject: Subject, decoded: DecodedImages, embeddings: EmbeddingStore, backbone: Backbone, figures: Figures
) -> None:
    started = time.perf_counter()
    embeddings.append(keys_of(subject, decoded.items), backbone.embed(decoded.images))
    figures.embed_s += time.perf_counter() - started
    figures.embedded += len(decoded.items)
