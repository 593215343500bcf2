"""COCO in: standard files in pixels, and the retired service's in fractions, told apart by the boxes themselves.

Source: the data format page of cocodataset.org. A group marked `iscrowd` is no single thing and is left out, said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import orjson

from exporters.importers.documents import Part, walk
from exporters.importers.entries import (
    Entries,
    Entry,
    Found,
    bounds,
    fail,
    list_of,
    numbers,
    ring,
    size_of,
    table_of,
    text_of,
)
from exporters.importers.files import LabelFile, the_one
from exporters.importers.names import clean_name, url_names
from exporters.importers.pieces import Piece, Pieces
from exporters.importers.rle import outlines

Box = tuple[float, float, float, float]
CLOSE = 1e-6
LABELED = "labeled"
TAKEN = ("categories", "images", "annotations")


def read_coco(files: Sequence[LabelFile]) -> Entries:
    """An entry an image, in the file's order. The file is read twice, the second time image by image. Raises BadFile."""
    file = the_one(files, ".json")
    with file.stream() as opened:
        outline = _outlined(opened, file.name)
        for n in range(len(outline.images)):
            where = f"{file.name}, images[{n}]"
            image = orjson.loads(outline.images.at(n).read(opened))
            rows = [(piece.number, orjson.loads(piece.read(opened))) for piece in outline.annotations.of(image["id"])]
            yield _entry(file.name, image, where, rows, outline)


@dataclass
class _Outline:
    """What is kept of a file: its categories, and where its images and annotations are."""

    categories: dict[object, str] = field(default_factory=dict)
    images: Pieces = field(default_factory=Pieces)
    annotations: Pieces = field(default_factory=Pieces)
    boxes: int = 0
    small_boxes: int = 0

    @property
    def fractions(self) -> bool:
        """True where every box lies between 0 and 1: no file in pixels has only boxes smaller than a pixel."""
        return 0 < self.boxes == self.small_boxes


def _outlined(opened: BinaryIO, name: str) -> _Outline:
    outline, seen = _Outline(), set[str]()
    for part in walk(opened, name):
        seen.add(part.field)
        if part.field in TAKEN:
            _take(outline, part, name)
        elif not part.field:
            fail(name, "an object with fields is needed, not a list")
    for field_ in ("categories", "images"):
        if field_ not in seen:
            fail(name, f"there is no list {field_}")
    outline.images.sort()
    outline.annotations.sort()
    if (double := outline.images.first_double()) is not None:
        fail(f"{name}, images[{double.number}].id", "an image before it has the same id")
    if (stray := outline.annotations.first_outside(outline.images)) is not None:
        fail(f"{name}, annotations[{stray.number}].image_id", "there is no image with this id")
    return outline


def _take(outline: _Outline, part: Part, name: str) -> None:
    if part.number is None:
        list_of(part.value, f"{name}, {part.field}")
        return
    where = f"{name}, {part.field}[{part.number}]"
    row, piece = table_of(part.value, where), Piece(part.number, part.start, part.length)
    if part.field == "images":
        outline.images.add(_key(row.get("id"), f"{where}.id"), piece)
    elif part.field == "categories":
        outline.categories[_key(row.get("id"), f"{where}.id")] = text_of(row.get("name"), f"{where}.name")
    else:
        outline.annotations.add(_key(row.get("image_id"), f"{where}.image_id"), piece)
        if isinstance(box := row.get("bbox"), list) and box:
            outline.boxes += 1
            outline.small_boxes += all(isinstance(v, (int, float)) and -CLOSE <= v <= 1 + CLOSE for v in box)


def _key(value: object, where: str) -> object:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        fail(where, "an id is needed, a number or a text")
    return value


def _entry(
    name: str,
    image: dict[str, Any],
    where: str,
    annotations: list[tuple[int, dict[str, Any]]],
    outline: _Outline,
) -> Entry:
    called = [clean_name(text_of(image.get("file_name"), f"{where}.file_name"))]
    if isinstance(url := image.get("coco_url"), str) and url.startswith("AmlDatastore://"):
        called += url_names(url)
    labels: list[str] = []
    regions: list[Found] = []
    left_out: list[str] = []
    for n, row in annotations:
        here = f"{name}, annotations[{n}]"
        category = _key(row.get("category_id"), f"{here}.category_id")
        if category not in outline.categories:
            fail(f"{here}.category_id", f"there is no category with the id {category}")
        if row.get("iscrowd") == 1:
            left_out.append("iscrowd")
        elif not row.get("bbox") and not row.get("segmentation"):
            labels.append(outline.categories[category])
        else:
            regions.append(_region(row, here, outline.categories[category], outline.fractions))
    size = size_of(image.get("width"), image.get("height"), f"{where}.width and height")
    answered = image.get("state", LABELED) == LABELED
    return Entry(tuple(dict.fromkeys(called)), where, tuple(labels), tuple(regions), size, answered, tuple(left_out))


def _region(row: dict[str, Any], where: str, label: str, fractions: bool) -> Found:
    rings = tuple(_rings(row.get("segmentation"), f"{where}.segmentation"))
    score = row.get("score")
    box = None
    if row.get("bbox"):
        x, y, width, height = numbers(row["bbox"], f"{where}.bbox", 4)
        box = _exact((x, y, x + width, y + height), rings)
    return Found(label, box, rings, fractions, score if isinstance(score, float) else None)


def _rings(given: object, where: str) -> Iterator[tuple[float, ...]]:
    if isinstance(given, dict):
        yield from outlines(given, where)
    elif given is not None:
        for n, one in enumerate(list_of(given, where)):
            yield ring(one, f"{where}[{n}]")


def _exact(box: Box, rings: Sequence[tuple[float, ...]]) -> Box:
    """The corners themselves where the outline is the box: from a width they come back only nearly."""
    if len(rings) != 1 or len(rings[0]) != 8:
        return box
    x0, y0, x1, y1 = bounds(rings)
    near = all(abs(a - b) <= CLOSE * max(1.0, abs(a)) for a, b in zip(box, (x0, y0, x1, y1), strict=True))
    return (x0, y0, x1, y1) if near and rings[0] == (x0, y0, x1, y0, x1, y1, x0, y1) else box
