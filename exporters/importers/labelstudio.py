"""Label Studio's JSON in: a list of tasks. Coordinates are percents of the image.

Of several annotations of one task the first that was not cancelled is taken. Source: "Label Studio JSON format".
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from exporters.importers.documents import walk
from exporters.importers.entries import (
    Entries,
    Entry,
    Found,
    bounds,
    fail,
    list_of,
    number,
    numbers,
    ring,
    size_of,
    table_of,
    text_of,
)
from exporters.importers.files import LabelFile, the_one
from exporters.importers.names import label_studio_names

IMAGE_FIELDS = ("image", "img", "image_url", "url", "ocr")
LABELS = {"rectanglelabels": "rectanglelabels", "polygonlabels": "polygonlabels"}


def read_label_studio(files: Sequence[LabelFile]) -> Entries:
    """An entry a task. Raises BadFile."""
    file = the_one(files, ".json")
    with file.stream() as opened:
        for part in walk(opened, file.name):
            if part.field:
                fail(file.name, "a list of tasks is needed, not an object with fields")
            if part.number is not None:
                where = f"{file.name}, [{part.number}]"
                yield _entry(table_of(part.value, where), where)


def _entry(task: dict[str, Any], where: str) -> Entry:
    names = label_studio_names(_image(table_of(task.get("data"), f"{where}.data"), f"{where}.data"))
    kind = "annotations" if task.get("annotations") else "predictions"
    given = task.get(kind) or []
    for n, one in enumerate(list_of(given, f"{where}.{kind}")):
        here = f"{where}.{kind}[{n}]"
        if not (annotation := table_of(one, here)).get("was_cancelled"):
            return _answer(names, list_of(annotation.get("result"), f"{here}.result"), here, annotation.get("score"))
    return Entry(names, where, answered=False)


def _image(data: dict[str, Any], where: str) -> str:
    for name in IMAGE_FIELDS:
        if isinstance(value := data.get(name), str) and value:
            return value
    texts = [value for value in data.values() if isinstance(value, str) and "/" in value]
    if len(texts) != 1:
        fail(where, f"no field names the image; {', '.join(IMAGE_FIELDS)} are looked for")
    return texts[0]


def _answer(names: tuple[str, ...], results: list[Any], where: str, score: object) -> Entry:
    labels: list[str] = []
    regions: list[Found] = []
    others: list[str] = []
    size = None
    for n, given in enumerate(results):
        here = f"{where}.result[{n}]"
        result = table_of(given, here)
        kind = text_of(result.get("type"), f"{here}.type")
        size = size_of(result.get("original_width"), result.get("original_height"), here) or size
        value = table_of(result.get("value"), f"{here}.value")
        if kind == "choices":
            labels += [
                text_of(one, f"{here}.value.choices") for one in list_of(value.get(kind), f"{here}.value.{kind}")
            ]
        elif kind in LABELS:
            regions += _regions(kind, value, size, f"{here}.value", score)
        else:
            others.append(kind)
    return Entry(names, where, tuple(labels), tuple(regions), size, left_out=tuple(others))


def _regions(
    kind: str, value: dict[str, Any], size: tuple[int, int] | None, where: str, score: object
) -> Iterator[Found]:
    sure = score if isinstance(score, float) else None
    for label in list_of(value.get(kind), f"{where}.{kind}"):
        text_of(label, f"{where}.{kind}")
        if kind == "polygonlabels":
            points = list_of(value.get("points"), f"{where}.points")
            flat = [v / 100 for n, one in enumerate(points) for v in numbers(one, f"{where}.points[{n}]", 2)]
            outline = ring(flat, f"{where}.points")
        else:
            outline = _rectangle(value, size, where)
        straight = kind == "rectanglelabels" and not value.get("rotation")
        yield Found(label, bounds([outline]) if straight else None, () if straight else (outline,), True, sure)


def _rectangle(value: dict[str, Any], size: tuple[int, int] | None, where: str) -> tuple[float, ...]:
    """The four corners; a turned one is turned about its upper left corner, in pixels and not in percents."""
    x, y, width, height = (number(value.get(name), f"{where}.{name}") / 100 for name in ("x", "y", "width", "height"))
    turn = number(value.get("rotation") or 0, f"{where}.rotation")
    if turn and size is None:
        fail(f"{where}.rotation", "a turned box needs original_width and original_height")
    across, down = size or (1, 1)
    cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    flat: list[float] = []
    for dx, dy in ((0.0, 0.0), (width, 0.0), (width, height), (0.0, height)):
        px, py = dx * across, dy * down
        flat += [x + (px * cos - py * sin) / across, y + (px * sin + py * cos) / down]
    return tuple(flat)
