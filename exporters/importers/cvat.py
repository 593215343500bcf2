"""CVAT for images 1.1 in: one XML with an `image` element for each. Video tracks are another format and are refused.

Source: "CVAT for image: annotations" in CVAT's format pages.
"""

from __future__ import annotations

from collections.abc import Sequence

from exporters.importers.entries import Entries, Entry, Found, fail, number, ring, size_of
from exporters.importers.files import LabelFile, the_one
from exporters.importers.xml import Node, elements

CORNERS = ("xtl", "ytl", "xbr", "ybr")


def read_cvat(files: Sequence[LabelFile]) -> Entries:
    """An entry an image. One without any shape is taken as not annotated. Raises BadFile."""
    file = the_one(files, ".xml")
    found = elements(file)
    root = next(found)
    if root.tag != "annotations":
        fail(f"{file.name}, line {root.line}", f"a CVAT file begins with <annotations>, not <{root.tag}>")
    for one in found:
        if one.tag == "track":
            fail(f"{file.name}, line {one.line}, track", "this is CVAT for video; export it as CVAT for images 1.1")
        if one.tag == "image":
            yield _entry(file.name, one)


def _entry(file: str, image: Node) -> Entry:
    where = f"{file}, line {image.line}, image"
    name = _attribute(image, "name", where)
    labels = tuple(_attribute(tag, "label", f"{file}, line {tag.line}, tag") for tag in image.all("tag"))
    shapes = [child for child in image.children if child.tag in ("box", "polygon")]
    others = tuple(child.tag for child in image.children if child.tag not in ("box", "polygon", "tag"))
    size = size_of(image.attributes.get("width"), image.attributes.get("height"), where)
    regions = tuple(_region(file, shape) for shape in shapes)
    return Entry((name,), where, labels, regions, size, bool(labels or regions), others)


def _region(file: str, node: Node) -> Found:
    where = f"{file}, line {node.line}, {node.tag}"
    label = _attribute(node, "label", where)
    if node.tag == "box":
        x0, y0, x1, y1 = (number(_attribute(node, corner, where), f"{where}.{corner}") for corner in CORNERS)
        return Found(label, (x0, y0, x1, y1))
    pairs = [pair.split(",") for pair in _attribute(node, "points", where).split(";")]
    points = ring([value for pair in pairs for value in pair], f"{where}.points")
    return Found(label, rings=(points,))


def _attribute(node: Node, name: str, where: str) -> str:
    value = node.attributes.get(name, "").strip()
    if not value:
        fail(where, f"it has no {name}")
    return value
