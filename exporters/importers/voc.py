"""Pascal VOC in: an XML file an image, from any tool. Coordinates are taken as px from the upper left corner, as they stand.

Source: the PASCAL VOC development kit; polygons as LabelMe-style tools and `exporters.boxes` write them.
"""

from __future__ import annotations

from collections.abc import Sequence

from exporters.importers.entries import Entries, Entry, Found, fail, number, ring, size_of
from exporters.importers.files import LabelFile, with_ending
from exporters.importers.names import clean_name
from exporters.importers.xml import Node, read_xml

CORNERS = ("xmin", "ymin", "xmax", "ymax")


def read_voc(files: Sequence[LabelFile]) -> Entries:
    """An entry a file. Raises BadFile."""
    found = with_ending(files, ".xml")
    if not found:
        fail("Pascal VOC", "there is no .xml file")
    for file in found:
        yield _entry(file, read_xml(file))


def _entry(file: LabelFile, root: Node) -> Entry:
    if root.tag != "annotation":
        fail(f"{file.name}, line {root.line}", f"a Pascal VOC file begins with <annotation>, not <{root.tag}>")
    path, name, folder = root.exactly("path"), root.exactly("filename"), root.said("folder")
    called = (path, path.strip(), f"{folder}/{name}" if name else "", name, name.strip())
    names = tuple(dict.fromkeys(clean_name(one) for one in called if one.strip()))
    stem = file.name.removesuffix(".xml").removeprefix("Annotations/")
    size = root.first("size")
    size_wh = None
    if size is not None:
        size_wh = size_of(size.said("width"), size.said("height"), f"{file.name}, line {size.line}, size")
    regions = tuple(_region(file, one) for one in root.all("object"))
    return Entry(names or (stem,), file.name, regions=regions, size_wh=size_wh, is_stem=not names)


def _region(file: LabelFile, node: Node) -> Found:
    where = f"{file.name}, line {node.line}, object"
    label = node.said("name")
    if not label:
        fail(where, "it has no name")
    rings = tuple(_ring(one, f"{file.name}, line {one.line}, polygon") for one in node.all("polygon"))
    box = node.first("bndbox")
    if box is None:
        if not rings:
            fail(where, "it has no bndbox")
        return Found(label, rings=rings)
    x0, y0, x1, y1 = (number(box.said(tag), f"{file.name}, line {box.line}, bndbox.{tag}") for tag in CORNERS)
    return Found(label, (x0, y0, x1, y1), rings)


def _ring(node: Node, where: str) -> tuple[float, ...]:
    """x1, y1, x2, y2 …, or a list of `pt` with x and y."""
    points = list(node.all("pt"))
    if points:
        return ring([point.said(axis) for point in points for axis in "xy"], where)
    return ring([child.text.strip() for child in node.children if child.tag[:1] in ("x", "y")], where)
