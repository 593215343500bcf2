"""labelme in: a JSON file an image. Flags that are set are labels of the image.

Source: the files that labelme 4 and 5 write.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from exporters.importers.entries import (
    Entries,
    Entry,
    Found,
    fail,
    list_of,
    numbers,
    size_of,
    table_of,
    text_of,
)
from exporters.importers.files import LabelFile, with_ending
from exporters.importers.names import clean_name

CIRCLE_POINTS = 32
KNOWN = ("polygon", "rectangle", "circle")


def read_labelme(files: Sequence[LabelFile]) -> Entries:
    """An entry a file. Raises BadFile."""
    found = with_ending(files, ".json")
    if not found:
        fail("labelme", "there is no .json file")
    for file in found:
        yield _entry(file, table_of(file.json(), file.name))


def _entry(file: LabelFile, body: dict[str, Any]) -> Entry:
    shapes = [
        table_of(one, f"{file.name}, shapes[{n}]")
        for n, one in enumerate(list_of(body.get("shapes"), f"{file.name}, shapes"))
    ]
    name = body.get("imagePath")
    given = clean_name(name) if isinstance(name, str) and name else ""
    beside = file.name.rpartition("/")[0]
    names = (f"{beside}/{given}" if beside else given, given) if given else (file.name.removesuffix(".json"),)
    size = size_of(body.get("imageWidth"), body.get("imageHeight"), f"{file.name}, imageWidth and imageHeight")
    flags = body.get("flags") or {}
    labels = tuple(flag for flag, on in table_of(flags, f"{file.name}, flags").items() if on is True)
    kinds = [str(shape.get("shape_type") or "polygon") for shape in shapes]
    regions = tuple(
        _region(shape, kind, f"{file.name}, shapes[{n}]")
        for n, (shape, kind) in enumerate(zip(shapes, kinds, strict=True))
        if kind in KNOWN
    )
    others = tuple(kind for kind in kinds if kind not in KNOWN)
    return Entry(tuple(dict.fromkeys(names)), file.name, labels, regions, size, left_out=others, is_stem=not given)


def _region(shape: dict[str, Any], kind: str, where: str) -> Found:
    label = text_of(shape.get("label"), f"{where}.label")
    points = [
        numbers(one, f"{where}.points[{n}]", 2) for n, one in enumerate(list_of(shape.get("points"), f"{where}.points"))
    ]
    if len(points) != 2 if kind != "polygon" else len(points) < 3:
        fail(f"{where}.points", f"{len(points)} points make no {kind}")
    if kind == "rectangle":
        (ax, ay), (bx, by) = points
        return Found(label, (min(ax, bx), min(ay, by), max(ax, bx), max(ay, by)))
    if kind == "circle":
        points = _circle(points[0], math.dist(points[0], points[1]))
    ring = tuple(value for point in points for value in point)
    return Found(label, rings=(ring,))


def _circle(centre: Sequence[float], radius: float) -> list[tuple[float, ...]]:
    turns = (2 * math.pi * n / CIRCLE_POINTS for n in range(CIRCLE_POINTS))
    return [(centre[0] + radius * math.cos(turn), centre[1] + radius * math.sin(turn)) for turn in turns]
