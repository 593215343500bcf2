"""COCO in: standard files in pixels, and the retired service's in fractions, told apart by the boxes themselves.

Source: the data format page of cocodataset.org. A group marked `iscrowd` is no single thing and is left out, said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

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
from exporters.importers.rle import outlines

Box = tuple[float, float, float, float]
CLOSE = 1e-6
LABELED = "labeled"


def read_coco(files: Sequence[LabelFile]) -> Entries:
    """An entry an image, in the file's order. Raises BadFile."""
    file = the_one(files, ".json")
    body = table_of(file.json(), file.name)
    names = _categories(body, file.name)
    images, annotations = list_of(body.get("images"), f"{file.name}, images"), body.get("annotations", [])
    by_image = _grouped(list_of(annotations, f"{file.name}, annotations"), file.name)
    fractions = _in_fractions(annotations)
    known: set[object] = set()
    for n, given in enumerate(images):
        where = f"{file.name}, images[{n}]"
        image = table_of(given, where)
        key = _key(image.get("id"), f"{where}.id")
        if key in known:
            fail(f"{where}.id", f"there are two images with the id {key}")
        known.add(key)
        yield _entry(file.name, image, where, by_image.pop(key, []), names, fractions)
    for strays in by_image.values():
        fail(f"{file.name}, annotations[{strays[0][0]}].image_id", "there is no image with this id")


def _categories(body: dict[str, Any], name: str) -> dict[object, str]:
    found: dict[object, str] = {}
    for n, given in enumerate(list_of(body.get("categories"), f"{name}, categories")):
        where = f"{name}, categories[{n}]"
        row = table_of(given, where)
        found[_key(row.get("id"), f"{where}.id")] = text_of(row.get("name"), f"{where}.name")
    return found


def _key(value: object, where: str) -> object:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        fail(where, "an id is needed, a number or a text")
    return value


def _grouped(annotations: list[Any], name: str) -> dict[object, list[tuple[int, dict[str, Any]]]]:
    found: dict[object, list[tuple[int, dict[str, Any]]]] = {}
    for n, given in enumerate(annotations):
        where = f"{name}, annotations[{n}]"
        row = table_of(given, where)
        found.setdefault(_key(row.get("image_id"), f"{where}.image_id"), []).append((n, row))
    return found


def _in_fractions(annotations: list[Any]) -> bool:
    """True where every box lies between 0 and 1: no file in pixels has only boxes smaller than a pixel."""
    boxes = [box for one in annotations if isinstance(box := one.get("bbox"), list) and box]
    return bool(boxes) and all(isinstance(v, (int, float)) and -CLOSE <= v <= 1 + CLOSE for box in boxes for v in box)


def _entry(
    name: str,
    image: dict[str, Any],
    where: str,
    annotations: list[tuple[int, dict[str, Any]]],
    names: dict[object, str],
    fractions: bool,
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
        if category not in names:
            fail(f"{here}.category_id", f"there is no category with the id {category}")
        if row.get("iscrowd") == 1:
            left_out.append("iscrowd")
        elif not row.get("bbox") and not row.get("segmentation"):
            labels.append(names[category])
        else:
            regions.append(_region(row, here, names[category], fractions))
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
