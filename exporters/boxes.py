"""Formats of a file an image: YOLO and Pascal VOC. Of labeled images of one stem, later ones keep their whole names."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import PurePosixPath
from xml.etree import ElementTree as ET

import orjson

from core.annotation import Answer
from core.errors import BadInput
from core.geometry import Box
from core.ids import ItemState
from exporters.items import Labeled, StoredItem
from exporters.output import Output
from exporters.writer import Writer, flat, fraction, needs_regions

Element = ET.Element


class _Stems:
    """Names for label files: the image's without its ending, or with it where another labeled image has the same."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def name(self, path: str) -> str:
        """A name that no other file has. Raises BadInput where both are taken."""
        name = path if (stem := _stem(path)) in self._taken else stem
        if name in self._taken:
            raise BadInput(
                f"The labels of {path!r} and of another image would be one file. Export as coco or jsonl instead."
            )
        self._taken.add(name)
        return name


def _stem(path: str) -> str:
    return path.removesuffix(PurePosixPath(path).suffix)


class _FileAnImage(Writer):
    """A label file for each labeled image; the paths of the others stand in `unlabeled.txt`.

    A label file without objects says to those who train on it that nothing is on the image, so that there is none for an
    image that nobody has labeled.
    """

    def __init__(self, begun: Labeled, output: Output) -> None:
        super().__init__(begun, output)
        self._stems = _Stems()
        self._unlabeled: list[str] = []

    def add(self, items: Sequence[StoredItem]) -> None:
        """Write the files."""
        for item, answer in self.counted(items):
            if item.state == ItemState.LABELED:
                self.output.put(*self.file(self._stems.name(item.path), item, answer))
            else:
                self._unlabeled.append(item.path)

    @abstractmethod
    def file(self, name: str, item: StoredItem, answer: Answer) -> tuple[str, bytes]:
        """The name and content of one image's file."""

    def finish(self) -> None:
        """Write the list of images that are not labeled, where there are any."""
        if self._unlabeled:
            self.output.put("unlabeled.txt", "".join(f"{path}\n" for path in self._unlabeled).encode())


class YoloWriter(_FileAnImage):
    """`labels/….txt` beside `data.yaml`: class and centre box, or class and polygon, as fractions of the image.

    Source: the dataset format of YOLOv5 and later. Class numbers are those of `names` in data.yaml, from 0. `train.txt` lists
    the labeled images: in a whole folder YOLO would take those without a file as empty, and give images of one stem one file.
    An image whose file keeps its whole name is not in the list, as YOLO would give it the other's labels.
    """

    def __init__(self, begun: Labeled, output: Output) -> None:
        super().__init__(begun, output)
        needs_regions(begun, "YOLO")
        self._images: list[str] = []
        self._classes = {label.id: n for n, label in enumerate(begun.labels)}
        names = "".join(f"  {n}: {orjson.dumps(label.path).decode()}\n" for n, label in enumerate(begun.labels))
        output.put("data.yaml", f"path: .\ntrain: train.txt\nval: train.txt\nnames:\n{names}".encode())

    def file(self, name: str, item: StoredItem, answer: Answer) -> tuple[str, bytes]:
        """A line a region."""
        if name == _stem(item.path):
            self._images.append(item.path)
        return f"labels/{name}.txt", self._lines(answer, item.size_wh).encode()

    def finish(self) -> None:
        """Write the list of labeled images."""
        super().finish()
        self.output.put("train.txt", "".join(f"./images/{path}\n" for path in self._images).encode())

    def _lines(self, answer: Answer, size_wh: tuple[int, int]) -> str:
        return "".join(
            f"{self._classes[region.label]} {' '.join(_number(v) for v in _yolo(region.shape, size_wh))}\n"
            for region in answer.regions
        )


def _yolo(shape: object, size_wh: tuple[int, int]) -> list[float]:
    numbers = [fraction(v, size_wh[n % 2]) for n, v in enumerate(flat(shape))]  # type: ignore[arg-type]
    if not isinstance(shape, Box):
        return numbers
    x0, y0, x1, y1 = numbers
    return [(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0]


def _number(value: float) -> str:
    return f"{value:.10f}".rstrip("0").rstrip(".")


class VocWriter(_FileAnImage):
    """`Annotations/….xml`; `path` is the datastore path. A polygon stands beside its bndbox as x1, y1, x2, y2 …

    Source: the PASCAL VOC development kit. Coordinates are px from the image's upper left corner, far edges exclusive.
    """

    def file(self, name: str, item: StoredItem, answer: Answer) -> tuple[str, bytes]:
        """An object a region, or a label of the image."""
        tree = self._tree(item, answer)
        ET.indent(tree)
        return f"Annotations/{name}.xml", ET.tostring(tree, encoding="utf-8") + b"\n"

    def _tree(self, item: StoredItem, answer: Answer) -> Element:
        path = PurePosixPath(item.path)
        root = Element("annotation")
        _texts(root, folder=str(path.parent), filename=path.name, path=item.path)
        _texts(ET.SubElement(root, "source"), database=self.begun.project.name)
        _texts(ET.SubElement(root, "size"), width=item.width, height=item.height, depth=3)
        _texts(root, segmented=int(any(not isinstance(region.shape, Box) for region in answer.regions)))
        for label in answer.labels:
            self._object(root, self.paths[label], Box(0, 0, item.width, item.height), ())
        for region in answer.regions:
            points = () if isinstance(region.shape, Box) else tuple(flat(region.shape))
            self._object(root, self.paths[region.label], region.shape.bounds, points)
        return root

    def _object(self, root: Element, name: str, box: Box, points: Sequence[float]) -> None:
        element = ET.SubElement(root, "object")
        _texts(element, name=name, pose="Unspecified", truncated=0, difficult=0)
        _texts(ET.SubElement(element, "bndbox"), xmin=box.x0, ymin=box.y0, xmax=box.x1, ymax=box.y1)
        if points:
            polygon = ET.SubElement(element, "polygon")
            _texts(polygon, **{f"{'xy'[n % 2]}{n // 2 + 1}": value for n, value in enumerate(points)})


def _texts(parent: Element, **values: object) -> None:
    for tag, value in values.items():
        ET.SubElement(parent, tag).text = str(int(value) if isinstance(value, float) and value == int(value) else value)
