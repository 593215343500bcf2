"""A detector from labeled images: training samples made once, then as many trainings on parts of them as are wanted.

Everything here computes for long and is to be run in a thread; `tick` is called between two steps and may raise to end it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from assist.detection import augment
from assist.detection.augment import AnnotatedImage, Floats
from assist.detection.detections import Detection
from assist.detection.detector import Detector, from_bytes, to_bytes
from assist.detection.fit import Target, TrainingSample, fit, ring_masks
from assist.detection.images import letterboxes_of
from assist.detection.inference import detect_batch
from assist.detection.letterbox import RGB, input_scale
from assist.device import Device
from assist.errors import UnreadableModel
from assist.images import DecodedImages
from assist.lite import LiteBackbone
from core.annotation import Region
from core.ids import LabelId

STEPS_AN_IMAGE = 2
LEAST_STEPS, MOST_STEPS = 160, 300
MOST_SAMPLES_AN_IMAGE, MOST_SAMPLES = 4, 600
DETECT_BATCH = 4


@dataclass(frozen=True)
class TrainingConfig:
    """What a training is done with.

    Attributes:
        classes: the labels' ids, in the order of the class indexes.
        hw: the input size, px.
        with_masks: whether masks are learned, too.
    """

    backbone: LiteBackbone
    device: Device
    classes: tuple[LabelId, ...]
    hw: tuple[int, int]
    with_masks: bool
    seed: int


@dataclass(frozen=True)
class TrainedDetector:
    """A detector, the label of each of its class indexes, and its input size in px."""

    detector: Detector
    classes: tuple[LabelId, ...]
    hw: tuple[int, int]

    def to_bytes(self, backbone: str) -> bytes:
        """A stored form; inverse of `read_trained`."""
        return to_bytes(self.detector, {"classes": list(self.classes), "hw": list(self.hw), "backbone": backbone})


def read_trained(data: bytes) -> TrainedDetector:
    """Read what `TrainedDetector.to_bytes` wrote. Raises UnreadableModel."""
    try:
        detector, facts = from_bytes(data)
        high, wide = facts["hw"]
    except Exception as error:  # PyTorch's unpickler raises whatever the damage leads it to
        raise UnreadableModel(error) from error
    return TrainedDetector(detector, tuple(LabelId(n) for n in facts["classes"]), (high, wide))


def samples_an_image(images: int) -> int:
    """How many training samples an image gives, the first of them the image as it is."""
    return max(1, min(MOST_SAMPLES_AN_IMAGE, MOST_SAMPLES // max(1, images)))


def training_samples(
    config: TrainingConfig, image: RGB, regions: Sequence[Region], size_wh: tuple[int, int], count: int, seed: int
) -> list[TrainingSample]:
    """So many samples of one letterboxed image: itself, then augmented ones."""
    rng = np.random.default_rng(seed)
    class_indexes = {label: n for n, label in enumerate(config.classes)}
    scale = np.float32(input_scale(size_wh, config.hw))
    known = [region for region in regions if region.label in class_indexes]
    rings: list[Floats] = [augment.ring_of(region.shape) * scale for region in known]
    classes = [class_indexes[region.label] for region in known]
    masks = config.with_masks
    shown = [augment.annotated(image, rings, classes, outlines=masks)]
    shown += [augment.augmented(image, rings, classes, rng, outlines=masks) for _ in range(count - 1)]
    levels = config.backbone.pyramid([one.image for one in shown])
    kept = levels if masks else (levels[0][:, :, :1, :1], *levels[1:])  # the finest level is for outlines only
    return [
        TrainingSample(tuple(level[n : n + 1].clone() for level in kept), _target(one, with_masks=masks))
        for n, one in enumerate(shown)
    ]


def _target(one: AnnotatedImage, *, with_masks: bool) -> Target:
    masks = ring_masks(one.boxes, one.rings) if with_masks else None
    return Target(torch.from_numpy(one.boxes), torch.from_numpy(one.classes), masks)


def train_detector(
    config: TrainingConfig, samples: Sequence[TrainingSample], images: int, tick: Callable[[float], None]
) -> TrainedDetector:
    """A detector trained on these samples, of so many images."""
    torch.manual_seed(config.seed)
    detector = Detector(config.backbone.channels, len(config.classes), with_masks=config.with_masks)
    steps = min(MOST_STEPS, max(LEAST_STEPS, STEPS_AN_IMAGE * images))
    device = config.device.torch
    fit(detector, samples, steps=steps, seed=config.seed, device=device, tick=tick)
    return TrainedDetector(detector, config.classes, config.hw)


def detect(
    trained: TrainedDetector, backbone: LiteBackbone, device: Device, decoded: DecodedImages
) -> list[list[Detection]]:
    """What it finds on each of these images, the surest first."""
    detector = trained.detector.to(device.torch)
    letterboxes, images = letterboxes_of(decoded.items, trained.hw), decoded.images
    step = DETECT_BATCH if device.torch == "cpu" else device.batch // 4
    found: list[list[Detection]] = []
    for at in range(0, len(images), step):
        found += detect_batch(detector, backbone.pyramid(images[at : at + step]), letterboxes[at : at + step])
    return found
