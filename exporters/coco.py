"""COCO, streamed: one image entry an item, ids from 1, counts equal to the database's or the export fails.

Source: the data format page of cocodataset.org. An image label becomes an annotation whose box is the whole image.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from core.annotation import Region
from core.database import Database
from core.errors import TaglineError
from core.geometry import Box
from core.ids import LabelId
from core.labels import LabelClass, LabelSet
from exporters.items import Labeled, StoredItem, labeled_items, open_export

FLUSH_BYTES = 64 * 1024

Write = Callable[[bytes], Awaitable[None]]


class ExportMismatch(TaglineError):
    """What was written does not add up to what the database holds; the file must not be used."""


@dataclass
class Manifest:
    """What an export wrote."""

    project: str
    images: int = 0
    annotations: int = 0
    categories: int = 0
    bytes: int = 0
    sha256: str = ""


@dataclass
class _Sink:
    """Collects pieces into larger writes, and counts and hashes them."""

    write: Write
    manifest: Manifest
    _digest: Any = field(default_factory=hashlib.sha256)
    _buffer: bytearray = field(default_factory=bytearray)

    async def put(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) >= FLUSH_BYTES:
            await self.flush()

    async def flush(self) -> None:
        data, self._buffer = bytes(self._buffer), bytearray()
        self._digest.update(data)
        self.manifest.bytes += len(data)
        self.manifest.sha256 = self._digest.hexdigest()
        await self.write(data)


async def export_coco(db: Database, name: str, write: Write, *, all_items: bool = False, now_ms: int) -> Manifest:
    """Write a project as COCO, piece by piece, in memory that does not grow with the project.

    Args:
        write: takes the next bytes; a file, a pipe or an SSH channel.
        all_items: unlabeled items too, as images without annotations.

    Raises:
        NotFound: there is no such project.
        ExportMismatch: items came or went while it was written.
    """
    begun = await db.read(open_export, name, all_items=all_items)
    categories = {label.id: number for number, label in enumerate(begun.labels, start=1)}
    sink = _Sink(write, Manifest(name, categories=len(categories)))
    await sink.put(_head(begun, now_ms))
    await sink.put(b'"images":[')
    await _put_all(sink, _images(db, begun, all_items))
    await sink.put(b'\n],"annotations":[')
    await _put_all(sink, _annotations(db, begun, all_items, categories))
    await sink.put(b"\n]}\n")
    await sink.flush()
    if sink.manifest.images != begun.items:
        raise ExportMismatch(
            f"The export holds {sink.manifest.images} images, the database {begun.items}: labels changed while it was "
            "written. Nothing was lost; export once more, or pause the project first."
        )
    return sink.manifest


def _head(begun: Labeled, now_ms: int) -> bytes:
    made = datetime.fromtimestamp(now_ms / 1000, UTC)
    info = {
        "description": begun.project.name, "version": "1.0", "year": made.year, "contributor": "Tagline",
        "date_created": made.isoformat(timespec="seconds"),
    }  # fmt: skip
    head = orjson.dumps({"info": info, "licenses": [], "categories": list(_categories(begun.labels))})
    return head[:-1] + b","


def _categories(labels: LabelSet) -> Iterator[dict[str, Any]]:
    for number, label in enumerate(labels, start=1):
        yield {"id": number, "name": label.path, "supercategory": _parent_path(label, labels)}


def _parent_path(label: LabelClass, labels: LabelSet) -> str:
    return "" if label.parent is None or label.parent not in labels else labels.by_id(label.parent).path


async def _put_all(sink: _Sink, rows: AsyncIterator[tuple[str, dict[str, Any]]]) -> None:
    first = True
    async for counted, row in rows:
        await sink.put((b"\n" if first else b",\n") + orjson.dumps(row))
        setattr(sink.manifest, counted, getattr(sink.manifest, counted) + 1)
        first = False


async def _images(db: Database, begun: Labeled, all_items: bool) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    number = 0
    async for item in labeled_items(db, begun.project.id, all_items=all_items):
        number += 1
        width, height = item.size_wh
        yield "images", {"id": number, "file_name": item.path, "width": width, "height": height}


async def _annotations(
    db: Database, begun: Labeled, all_items: bool, categories: dict[LabelId, int]
) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    image = number = 0
    async for item in labeled_items(db, begun.project.id, all_items=all_items):
        image += 1
        for annotation in annotations_of(item, categories):
            number += 1
            yield "annotations", {"id": number, "image_id": image, **annotation}


def annotations_of(item: StoredItem, categories: dict[LabelId, int]) -> Iterator[dict[str, Any]]:
    """The COCO annotations of one item, without ids: absolute pixels of the upright image."""
    width, height = item.size_wh
    for label in item.answer.labels:
        yield {
            "category_id": categories[label], "bbox": [0, 0, width, height], "area": width * height,
            "segmentation": [], "iscrowd": 0,
        }  # fmt: skip
    for region in item.answer.regions:
        yield _region(region, categories)


def _region(region: Region, categories: dict[LabelId, int]) -> dict[str, Any]:
    shape = region.shape
    bounds = shape.bounds
    if isinstance(shape, Box):
        ring = [shape.x0, shape.y0, shape.x1, shape.y0, shape.x1, shape.y1, shape.x0, shape.y1]
    else:
        ring = [value for point in shape.points for value in point]
    return {
        "category_id": categories[region.label],
        "bbox": [bounds.x0, bounds.y0, bounds.x1 - bounds.x0, bounds.y1 - bounds.y0],
        "area": shape.area,
        "segmentation": [ring],
        "iscrowd": 0,
    }
