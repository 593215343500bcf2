"""How pure pages of 4, 6 and 9 images are by the backbone's frozen features alone, beside random pages, on three sets.

A page's purity is the part of its images that have its most frequent label.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assist.backbones import AUTO, open_backbone, squared
from assist.classification.cluster import gather_all, reduced
from assist.device import choose_device, has_torch, stay_modest
from benchmarks.rig.truth import Truth, data_folder, photos
from core.geometry import Box
from storage.images import decode

RGB = NDArray[np.uint8]
SIZES = (4, 6, 9)
EACH = 60
CLASSES = 10


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Purity by set and page size."""
    if not has_torch() or data_folder() is None:
        return {"skipped": "PyTorch (tagline[assist]) and the folder of real data are needed"}
    stay_modest(1)
    sets = {"sign-digits": signs, "blood-cells, single cells": cells, "coco-tiny, by the largest object": objects}
    found = {name: _purity(list(labeled(args.items or EACH))) for name, labeled in sets.items()}
    met = {
        f"{name}: clustered pages are purer than random ones": all(
            one["pages"][size]["clustered"] > one["pages"][size]["random"] for size in map(str, SIZES)
        )
        for name, one in found.items()
    }
    return {"sets": found, "met": met}


def signs(each: int) -> Iterator[tuple[str, RGB]]:
    """Photos of hands, so many of each digit."""
    shared = data_folder()
    assert shared is not None
    for folder in sorted(path for path in (shared / "sign-digits").iterdir() if path.is_dir()):
        for path in sorted(folder.iterdir())[:each]:
            yield folder.name, decode(path.read_bytes())


def cells(each: int) -> Iterator[tuple[str, RGB]]:
    """Single blood cells, cut out, up to so many of each kind."""
    seen: Counter[str] = Counter()
    for photo in photos("blood-cells", 160):
        for truth in photo.truths:
            if seen[truth.label] < each:
                seen[truth.label] += 1
                yield truth.label, _cut(photo.rgb, truth.box)


def objects(each: int) -> Iterator[tuple[str, RGB]]:
    """Photos of everyday things by the class of the largest one, of the ten classes that are most frequent so."""
    found = [(max(photo.truths, key=_area).label, photo.rgb) for photo in photos("coco-tiny", 400)]
    names = {name for name, _ in Counter(label for label, _ in found).most_common(CLASSES)}
    yield from (pair for pair in found if pair[0] in names)


def _area(truth: Truth) -> float:
    return truth.box.area


def _cut(rgb: RGB, box: Box) -> RGB:
    return rgb[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)]


def _purity(labeled: list[tuple[str, RGB]]) -> dict[str, Any]:
    backbone = open_backbone(AUTO, choose_device())
    features = backbone.embed([squared(image, backbone.size_px) for _, image in labeled])
    truth, unit, rng = np.array([label for label, _ in labeled]), reduced(features, 0), np.random.default_rng(0)
    pages = {}
    for size in SIZES:
        groups = gather_all(unit, size=size, least=size)
        mixed = np.array_split(rng.permutation(len(truth)), len(truth) // size)
        pages[str(size)] = {"clustered": _pure(truth, groups), "random": _pure(truth, mixed), "pages": len(groups)}
    return {"images": len(labeled), "classes": len(set(truth.tolist())), "pages": pages}


def _pure(truth: Any, groups: Iterable[Any]) -> float:
    parts = [Counter(truth[group].tolist()).most_common(1)[0][1] / len(group) for group in groups]
    return round(float(np.mean(parts)), 3)
