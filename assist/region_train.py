"""A detector from labeled pictures: lessons made once, a fold at a time held out, then all; and what it finds on others.

Everything here computes for long and is to be run in a thread; `tick` is called between two steps and may raise to end it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from assist import canvas
from assist.canvas import RGB, Example, Floats
from assist.detector import Detector, from_bytes, to_bytes
from assist.detector_fit import Lesson, Target, fit, ring_masks
from assist.device import Device
from assist.eyes import Looked
from assist.finding import find
from assist.found import Found
from assist.lite import LiteBackbone
from core.annotation import Region
from core.ids import LabelId

STEPS_A_PICTURE = 2
LEAST_STEPS, MOST_STEPS = 160, 300
MOST_VARIANTS, MOST_LESSONS = 4, 600
FIND_BATCH = 4


@dataclass(frozen=True)
class Schooling:
    """What it takes to learn.

    Attributes:
        classes: the labels' ids, one a column.
        hw: the canvas, px.
        with_masks: whether outlines are learned, too.
    """

    backbone: LiteBackbone
    device: Device
    classes: tuple[LabelId, ...]
    hw: tuple[int, int]
    with_masks: bool
    seed: int


@dataclass(frozen=True)
class Pupil:
    """A detector that has learned, and what belongs to it."""

    detector: Detector
    classes: tuple[LabelId, ...]
    hw: tuple[int, int]

    def to_bytes(self, backbone: str) -> bytes:
        """A stored form; inverse of `read_pupil`."""
        return to_bytes(self.detector, {"classes": list(self.classes), "hw": list(self.hw), "backbone": backbone})


def read_pupil(data: bytes) -> Pupil:
    """Read what `Pupil.to_bytes` wrote."""
    detector, facts = from_bytes(data)
    high, wide = facts["hw"]
    return Pupil(detector, tuple(LabelId(n) for n in facts["classes"]), (high, wide))


def variants(pictures: int) -> int:
    """How many lessons a picture gives, the first of them the picture as it is."""
    return max(1, min(MOST_VARIANTS, MOST_LESSONS // max(1, pictures)))


def lessons_of(
    schooling: Schooling, image: RGB, regions: Sequence[Region], size_wh: tuple[int, int], count: int, seed: int
) -> list[Lesson]:
    """So many lessons of one picture that lies on the canvas, pixels and regions varied together."""
    rng = np.random.default_rng(seed)
    columns = {label: n for n, label in enumerate(schooling.classes)}
    scale = np.float32(canvas.fit(size_wh, schooling.hw))
    known = [region for region in regions if region.label in columns]
    rings: list[Floats] = [canvas.ring_of(region.shape) * scale for region in known]
    classes = [columns[region.label] for region in known]
    masks = schooling.with_masks
    shown = [canvas.example(image, rings, classes, outlines=masks)]
    shown += [canvas.varied(image, rings, classes, rng, outlines=masks) for _ in range(count - 1)]
    levels = schooling.backbone.pyramid([one.image for one in shown])
    kept = levels if masks else (levels[0][:, :, :1, :1], *levels[1:])  # the finest level is for outlines only
    return [
        Lesson(tuple(level[n : n + 1].clone() for level in kept), _target(one, with_masks=masks))
        for n, one in enumerate(shown)
    ]


def _target(example: Example, *, with_masks: bool) -> Target:
    masks = ring_masks(example.boxes, example.rings) if with_masks else None
    return Target(torch.from_numpy(example.boxes), torch.from_numpy(example.classes), masks)


def taught(schooling: Schooling, lessons: Sequence[Lesson], pictures: int, tick: Callable[[float], None]) -> Pupil:
    """A detector that has learned these lessons, of so many pictures."""
    torch.manual_seed(schooling.seed)
    detector = Detector(schooling.backbone.channels, len(schooling.classes), with_masks=schooling.with_masks)
    steps = min(MOST_STEPS, max(LEAST_STEPS, STEPS_A_PICTURE * pictures))
    device = schooling.device.torch
    fit(detector, lessons, steps=steps, seed=schooling.seed, device=device, tick=tick)
    return Pupil(detector, schooling.classes, schooling.hw)


def found_on(pupil: Pupil, backbone: LiteBackbone, device: Device, looked: Looked) -> list[list[Found]]:
    """What it finds on each of these pictures, the surest first."""
    detector = pupil.detector.to(device.torch)
    frames, images = looked.frames(pupil.hw), looked.images
    step = FIND_BATCH if device.torch == "cpu" else device.batch // 4
    found: list[list[Found]] = []
    for at in range(0, len(images), step):
        found += find(detector, backbone.pyramid(images[at : at + step]), frames[at : at + step])
    return found
