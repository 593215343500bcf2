"""500 mutated images of every kind: each must be shown or refused with a reason; no crash, 5 s and 1 GB at most."""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pydicom
from PIL import Image

from benchmarks.rig.report import peak_mb
from sshd.demo import PHOTOS

IMAGES, EACH = 500, 20
WORST_S, WORST_MB = 5.0, 1000
DICOM = Path(pydicom.__file__).parent / "data" / "test_files"


def seeds() -> list[tuple[str, bytes]]:
    """Sound files to mutate: photos in every format, deep TIFFs, DICOM in every compression."""
    from tests.storage.test_tiff import VARIANTS

    photo = Image.open(next(iter(sorted(PHOTOS.rglob("*.jpg"))))).convert("RGB").resize((160, 120))
    found = [("x.tif", data) for data, _ in VARIANTS.values()]
    for ending, format in (("jpg", "JPEG"), ("png", "PNG"), ("bmp", "BMP")):
        for mode in ("RGB", "L"):
            file = io.BytesIO()
            photo.convert(mode).save(file, format)
            found.append((f"x.{ending}", file.getvalue()))
    found += [("x.dcm", path.read_bytes()) for path in sorted(DICOM.glob("*.dcm")) if path.stat().st_size < 300_000]
    return found


def mutated(data: bytes, seed: int) -> bytes:
    """Bytes turned, a piece cut out or doubled; mostly in the header, where it hurts."""
    dice = np.random.default_rng(seed)
    body = bytearray(data)
    for _ in range(dice.integers(1, 12)):
        end = len(body) if dice.random() < 0.3 else min(len(body), 600)
        at = int(dice.integers(0, max(1, end)))
        match dice.integers(4):
            case 0 | 1:
                body[at : at + 1] = bytes([dice.integers(256)])
            case 2:
                del body[at : at + int(dice.integers(1, 40))]
            case _:
                body[at:at] = body[at : at + int(dice.integers(1, 40))]
    return bytes(body)


def attempt(first: int, count: int) -> None:
    """Decode mutated images and print what came of each; runs in a process of its own."""
    from storage.base import UnreadableImage
    from storage.images import decode

    sound = seeds()
    for n in range(first, first + count):
        name, data = sound[n % len(sound)]
        broken, began = mutated(data, n), time.perf_counter()
        try:
            decode(broken, path=name, fit_wh=(640, 480))
            what = "shown"
        except UnreadableImage as error:
            what = "refused" if len(str(error)) > 10 else "no reason"
        except Exception as error:
            what = f"raised {type(error).__name__} for {name} {n}"
        took, peak = time.perf_counter() - began, round(peak_mb())
        print(orjson.dumps([what, took, peak]).decode(), flush=True)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Counts, the slowest image and the largest process."""
    images = args.items or IMAGES
    results: list[Any] = []
    crashes = 0
    for first in range(0, images, EACH):
        count = min(EACH, images - first)
        code = f"from benchmarks.fuzz_images import attempt; attempt({first}, {count})"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=count * 60, check=False)
        found = [orjson.loads(line) for line in done.stdout.splitlines()]
        crashes += len(found) < count
        results += found
    counts = Counter(what for what, _, _ in results)
    slowest, largest = max(took for _, took, _ in results), max(peak for _, _, peak in results)
    sound = not crashes and set(counts) <= {"shown", "refused"}
    met = {"shown or refused, no crash": sound, "5 s": slowest < WORST_S, "1 GB": largest < WORST_MB}
    return {
        "images": images, "counts": counts, "crashes": crashes, "slowest_s": round(slowest, 2), "largest_mb": largest,
        "met": met,
    }  # fmt: skip
