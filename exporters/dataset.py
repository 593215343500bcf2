"""Labels as data: a pandas frame, and a dataset in the way of torchvision, from any format that Tagline reads.

    from exporters.dataset import LabeledImages
    frame = LabeledImages("labels.jsonl").frame()
    images = LabeledImages("labels.json", images="/data/birds", transforms=augment)    # then DataLoader(images, …)

Nothing here needs a database, a server or, before the first image is asked for, torch.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from core.errors import BadInput
from exporters.importers.entries import Entry, Found, bounds
from exporters.importers.files import open_files
from exporters.importers.formats import IMPORTERS, detect
from storage import open_store
from storage.base import NoSuchFile, StorageError, Store
from storage.images import IMAGE_ENDINGS, decode

Transforms = Callable[[Any, Any], tuple[Any, Any]]
COLUMNS = ("file_name", "width", "height", "label", "x0", "y0", "x1", "y1", "polygon", "labeled")


@dataclass(frozen=True)
class Sample:
    """One image with what is known of it, as numpy arrays.

    Attributes:
        image: uint8 (H, W, 3), RGB, upright.
        labels: int64 (L,), the image's own labels as numbers in `classes`.
        boxes: float32 (N, 4), xyxy px.
        box_labels: int64 (N,), the regions' labels as numbers in `classes`.
        masks: uint8 (N, H, W), 1 inside of a region; no rows where no region is a polygon.
    """

    name: str
    image: NDArray[np.uint8]
    labels: NDArray[np.int64]
    boxes: NDArray[np.float32]
    box_labels: NDArray[np.int64]
    masks: NDArray[np.uint8]


class LabeledImages:
    """The labeled images of one file, folder or zip of labels, in the file's order.

    Args:
        labels: what was exported, or a file of another tool; the format is found out unless it is given.
        images: the folder, or the datastore's URL, in which the images are.
        classes: the names that get the numbers 0, 1, …; the names in the file by alphabet where none are given.
        transforms: called with an image and its target, as torchvision's are.
        unlabeled: images that nobody labeled too.

    Raises:
        BadInput: the file cannot be read, or has a label that `classes` lacks.
        StorageError: the images' folder is not there.
    """

    def __init__(
        self,
        labels: str | Path,
        images: str | Path | None = None,
        *,
        format: str | None = None,
        classes: Sequence[str] | None = None,
        transforms: Transforms | None = None,
        unlabeled: bool = False,
    ) -> None:
        with open_files(Path(labels)) as files:
            importer = IMPORTERS[format] if format is not None else detect(files)
            self.entries = _with_labels([one for one in importer.read(files) if one.answered or unlabeled])
        names = {name for entry in self.entries for name in _names(entry)}
        self.classes = tuple(classes) if classes is not None else tuple(sorted(names))
        self._numbers = {name: n for n, name in enumerate(self.classes)}
        if missing := sorted(names - set(self.classes)):
            raise BadInput(f"The file has labels that `classes` lacks: {', '.join(missing[:10])}.")
        self.transforms = transforms
        self._store: Store | None = None
        if images is not None:
            self._store = open_store(str(images) if "://" in str(images) else f"local:{Path(images)}")

    def __len__(self) -> int:
        return len(self.entries)

    def frame(self) -> Any:
        """A pandas frame with a row a label or region, and one row without a label for an image that has none.

        Boxes and polygons are px; of files in fractions, where these do not give the image's size, the images are looked at.
        """
        pandas = importlib.import_module("pandas")
        return pandas.DataFrame([row for n in range(len(self)) for row in self._rows(n)], columns=COLUMNS)

    def _rows(self, number: int) -> Iterator[tuple[Any, ...]]:
        entry = self.entries[number]
        needs_size = any(found.fractions for found in entry.regions)
        size = entry.size_wh or (self._size_of(number) if needs_size or self._store is not None else (None, None))
        head = (entry.names[0], *size)
        for name in entry.labels:
            yield (*head, name, None, None, None, None, None, True)
        for found in entry.regions:
            ring = None if not found.rings or _is_box(found) else list(_px(found.rings[0], size, found))
            yield (*head, found.label, *_box(found, size), ring, True)
        if not entry.labels and not entry.regions:
            yield (*head, None, None, None, None, None, None, entry.answered)

    def _size_of(self, number: int) -> tuple[int, int]:
        height, width = self.image(number).shape[:2]
        return width, height

    def image(self, number: int) -> NDArray[np.uint8]:
        """The pixels of one image: uint8 (H, W, 3), RGB, upright. Raises StorageError, UnreadableImage."""
        if self._store is None:
            raise BadInput("Say where the images are: LabeledImages(labels, images=FOLDER).")
        path = self._found(self.entries[number])
        pixels: NDArray[np.uint8] = decode(self._store.get(path), path=path)
        return pixels

    def _found(self, entry: Entry) -> str:
        """The first of an image's names that there is; files name images by shorter and longer paths."""
        assert self._store is not None
        tails = (name.split("/", n)[-1] for name in entry.names for n in range(name.count("/") + 1))
        endings = sorted(IMAGE_ENDINGS) if entry.is_stem else [""]
        listed = [entry.listed] if entry.listed else []
        for path in chain(listed, (f"{tail}{ending}" for tail in tails for ending in endings)):
            try:
                self._store.head(path)
            except (NoSuchFile, StorageError):
                continue
            return path
        raise NoSuchFile(f"There is no image {entry.names[0]!r} in {self._store.url}.")

    def sample(self, number: int) -> Sample:
        """One image with its labels and regions, as numpy arrays; no torch is needed."""
        entry, image = self.entries[number], self.image(number)
        size = image.shape[1], image.shape[0]
        return Sample(
            entry.names[0],
            image,
            np.array([self._numbers[name] for name in entry.labels], np.int64),
            np.array([_box(found, size) for found in entry.regions], np.float32).reshape(-1, 4),
            np.array([self._numbers[found.label] for found in entry.regions], np.int64),
            _masks(entry.regions, size),
        )

    def __getitem__(self, number: int) -> tuple[Any, Any]:
        """An image, and its target as torchvision's models take it.

        Regions: a dict of `boxes` float32 (N, 4) xyxy px, `labels` int64 (N,) from 1 as 0 is the background, `image_id`, and
        `masks` uint8 (N, H, W) where there are polygons. Labels: the number of the only one, or a float32 vector of 0 and 1
        where any image has several.
        """
        if not -len(self) <= number < len(self):
            raise IndexError(number)
        torch = importlib.import_module("torch")  # by name: what serves labelers never loads it
        sample = self.sample(number)
        image: Any = Image.fromarray(sample.image)
        target = self._target(torch, sample, number)
        return (image, target) if self.transforms is None else self.transforms(image, target)

    def _target(self, torch: Any, sample: Sample, number: int) -> Any:
        if any(entry.regions for entry in self.entries):
            target = {
                "boxes": torch.from_numpy(sample.boxes),
                "labels": torch.from_numpy(sample.box_labels + 1),
                "image_id": number % len(self),
            }
            return target | ({"masks": torch.from_numpy(sample.masks)} if len(sample.masks) else {})
        if all(len(entry.labels) == 1 for entry in self.entries):
            return int(sample.labels[0])
        chosen = torch.zeros(len(self.classes))
        chosen[torch.from_numpy(sample.labels)] = 1
        return chosen


def _with_labels(entries: list[Entry]) -> list[Entry]:
    """COCO and VOC have no labels of images: where every box of a file is its whole image, that is what they are."""
    if not all(_is_whole(found, entry) for entry in entries for found in entry.regions):
        return entries
    return [
        replace(entry, labels=(*entry.labels, *(found.label for found in entry.regions)), regions=())
        for entry in entries
    ]


def _is_whole(found: Found, entry: Entry) -> bool:
    whole = (1, 1) if found.fractions else entry.size_wh
    return whole is not None and found.box == (0, 0, *whole) and not found.rings


def _names(entry: Entry) -> Iterator[str]:
    yield from entry.labels
    yield from (found.label for found in entry.regions)


def _px(flat: Sequence[float], size_wh: Sequence[Any], found: Found) -> Iterator[float]:
    return (value * size_wh[n % 2] if found.fractions else value for n, value in enumerate(flat))


def _box(found: Found, size_wh: Sequence[Any]) -> tuple[float, ...]:
    return tuple(_px(found.box or bounds(found.rings), size_wh, found))


def _is_box(found: Found) -> bool:
    """True where the outline is that of the box, as COCO has it for every box."""
    x0, y0, x1, y1 = found.box or (0.0, 0.0, 0.0, 0.0)
    return found.rings == ((x0, y0, x1, y0, x1, y1, x0, y1),)


def _masks(regions: Sequence[Found], size_wh: tuple[int, int]) -> NDArray[np.uint8]:
    """uint8 (N, H, W), or (0, H, W) where no region is a polygon; a box among polygons fills its rectangle."""
    if not any(found.rings and not _is_box(found) for found in regions):
        return np.zeros((0, size_wh[1], size_wh[0]), np.uint8)
    masks = []
    for found in regions:
        canvas = Image.new("1", size_wh)
        pen = ImageDraw.Draw(canvas)
        x0, y0, x1, y1 = _box(found, size_wh)
        for ring in found.rings or ((x0, y0, x1, y0, x1, y1, x0, y1),):
            pen.polygon(list(_px(ring, size_wh, found) if found.rings else ring), fill=1)
        masks.append(np.asarray(canvas, np.uint8))
    return np.stack(masks)
