"""COCO: one image entry an item, ids from 1, boxes in absolute pixels; and the retired service's profile of it.

Images go straight into the file while annotations wait in a temporary one, so that the project is read once and memory does
not grow with it. The profile has boxes and polygons as fractions of the image, `area` 0 and AmlDatastore URLs.

Source: the data format page of cocodataset.org. An image label becomes an annotation whose box is the whole image.
"""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack
from tempfile import TemporaryFile
from typing import Any

import orjson

from core.db.database import Database
from core.geometry import Box, Polygon
from core.ids import ItemState, LabelId
from core.labels import LabelClass, LabelSet
from exporters.items import Labeled, StoredItem
from exporters.manifest import ExportMismatch, Manifest, made_at
from exporters.output import Output
from exporters.writer import Writer, fraction, state_name, store_url

FILE = "labels.json"
Write = Callable[[bytes], Awaitable[None]]

__all__ = ["CocoWriter", "ExportMismatch", "Manifest", "RetiredServiceWriter", "annotations_of", "export_coco"]


class CocoWriter(Writer):
    """Standard COCO."""

    def __init__(self, begun: Labeled, output: Output) -> None:
        super().__init__(begun, output)
        self._categories = {label.id: number for number, label in enumerate(begun.labels, start=1)}
        self._stack = ExitStack()
        self._file = self._stack.enter_context(output.open(FILE))
        self._waiting = self._stack.enter_context(TemporaryFile())  # noqa: SIM115 - the stack closes it
        self._file.write(_head(begun) + b'"images":[')

    def add(self, items: Sequence[StoredItem]) -> None:
        """Write the images, and put their annotations by."""
        # An item at a time becomes bytes: thousands of small objects at once would wake the garbage collector.
        images: list[bytes] = []
        annotations: list[bytes] = []
        before = self.written
        for item in items:
            self.images += 1
            images.append(orjson.dumps(self.image(item)))
            body = item.body
            if body is not None and (found := self.annotations(body, item.width, item.height)):
                annotations.append(orjson.dumps(found)[1:-1])
        self._file.write(_joined(images, first=self.images == len(items)))
        if annotations:
            # Annotations hold numbers only, so that this never meets the inside of a text.
            rows = b",".join(annotations).replace(b"},{", b"},\n{")
            self._waiting.write(_joined([rows], first=not before))

    def finish(self) -> None:
        """Write the annotations after the images."""
        self._file.write(b'\n],"annotations":[')
        self._waiting.seek(0)
        shutil.copyfileobj(self._waiting, self._file, 1 << 20)
        self._file.write(b"\n]}\n")
        self._stack.close()

    def close(self) -> None:
        """Let go of the files, finished or not."""
        self._stack.close()

    def image(self, item: StoredItem) -> dict[str, Any]:
        """The image entry; one that is not labeled says so, since an image without annotations may be labeled empty."""
        entry = {"id": self.images, "file_name": item.path, "width": item.width, "height": item.height}
        return entry if item.state == ItemState.LABELED else entry | {"state": state_name(item)}

    def annotations(self, body: dict[str, Any], width: int, height: int) -> list[dict[str, Any]]:
        """The annotations of the image just written, from the stored form of its answer."""
        begin = self.written + 1
        found = list(_absolute(body, width, height, self._categories, self.images, begin))
        self.written += len(found)
        return found


class RetiredServiceWriter(CocoWriter):
    """COCO as the retired labeling service wrote it."""

    def image(self, item: StoredItem) -> dict[str, Any]:
        """With the URL that the service gave."""
        return super().image(item) | {"coco_url": store_url(self.begun.project.datastore) + item.path}

    def annotations(self, body: dict[str, Any], width: int, height: int) -> list[dict[str, Any]]:
        """In fractions of the image."""
        return [_fractions(annotation, (width, height)) for annotation in super().annotations(body, width, height)]


def _fractions(annotation: dict[str, Any], size_wh: tuple[int, int]) -> dict[str, Any]:
    x, y, width, height = annotation["bbox"]
    x0, y0 = fraction(x, size_wh[0]), fraction(y, size_wh[1])
    x1, y1 = fraction(x + width, size_wh[0]), fraction(y + height, size_wh[1])
    rings = [[fraction(v, size_wh[n % 2]) for n, v in enumerate(ring)] for ring in annotation["segmentation"]]
    box = [x0, y0, round(x1 - x0, 10), round(y1 - y0, 10)]
    return annotation | {"bbox": box, "area": 0.0, "segmentation": rings}


def _joined(rows: list[bytes], *, first: bool) -> bytes:
    return (b"\n" if first else b",\n") + b",\n".join(rows)


def _head(begun: Labeled) -> bytes:
    made = made_at(begun.made_ms)
    info = {
        "description": begun.project.name, "version": "1.0", "year": int(made[:4]), "contributor": "Tagline",
        "date_created": made,
    }  # fmt: skip
    head = orjson.dumps({"info": info, "licenses": [], "categories": list(_categories(begun.labels))})
    return head[:-1] + b","


def _categories(labels: LabelSet) -> Iterator[dict[str, Any]]:
    for number, label in enumerate(labels, start=1):
        yield {"id": number, "name": label.path, "supercategory": _parent_path(label, labels)}


def _parent_path(label: LabelClass, labels: LabelSet) -> str:
    return "" if label.parent is None or label.parent not in labels else labels.by_id(label.parent).path


def _absolute(
    body: dict[str, Any], width: int, height: int, categories: dict[Any, int], image: int, number: int
) -> Iterator[dict[str, Any]]:
    """Annotations numbered from `number`, straight from the stored form: there may be millions."""
    labels, regions = body["labels"], body["regions"]
    for n, label in enumerate(labels, start=number):
        yield {
            "id": n, "image_id": image, "category_id": categories[label], "bbox": [0, 0, width, height],
            "area": width * height, "segmentation": [], "iscrowd": 0,
        }  # fmt: skip
    for n, region in enumerate(regions, start=number + len(labels)):
        shape = region["shape"]
        if "box" in shape:
            x0, y0, x1, y1 = shape["box"]
            ring, area = [x0, y0, x1, y0, x1, y1, x0, y1], (x1 - x0) * (y1 - y0)
        else:
            polygon = Polygon(tuple((x, y) for x, y in shape["polygon"]))
            (x0, y0, x1, y1), area = _corners(polygon.bounds), polygon.area
            ring = [value for point in polygon.points for value in point]
        yield {
            "id": n, "image_id": image, "category_id": categories[region["label"]],
            "bbox": [x0, y0, x1 - x0, y1 - y0], "area": area, "segmentation": [ring], "iscrowd": 0,
        }  # fmt: skip


def _corners(box: Box) -> tuple[float, float, float, float]:
    return box.x0, box.y0, box.x1, box.y1


def annotations_of(item: StoredItem, categories: dict[LabelId, int]) -> Iterator[dict[str, Any]]:
    """The COCO annotations of one item, without ids: absolute pixels of the upright image."""
    for annotation in _absolute(item.answer.to_json(), item.width, item.height, categories, 0, 1):
        yield {name: value for name, value in annotation.items() if name not in ("id", "image_id")}


async def export_coco(db: Database, name: str, write: Write, *, all_items: bool = False, now_ms: int) -> Manifest:
    """Write a project as COCO to a pipe, once it is known to be whole.

    Args:
        write: takes the next bytes; a file, a pipe or an SSH channel.
        all_items: unlabeled items too, as images without annotations.

    Raises:
        NotFound: there is no such project.
        ExportMismatch: what would be written does not add up; nothing was.
    """
    from exporters.formats import FORMATS
    from exporters.run import export_to_pipe

    return await export_to_pipe(db, name, FORMATS["coco"], write, all_items=all_items, now_ms=now_ms)
