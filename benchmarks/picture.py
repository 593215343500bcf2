"""How long one picture of 1024x768 px takes to become sixels, against textual-image on the same pictures."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from textual_image._sixel import SixelOptions, image_to_sixels

from sshd.demo import PHOTOS
from tests.screen.sixel import decode as decode_sixel
from tui.picture import colors, sixel, sixel_numpy
from tui.picture import prepare as prepared
from tui.terminal import Graphics, Terminal

SIZE = (1024, 768)
ROUNDS = 5
CELL = (8, 16)
TARGET = 15.0


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Medians over five photos."""
    photos = _photos(args.photos or PHOTOS / "cells")
    arrays = {id(photo): np.asarray(photo) for photo in photos}  # each encoder is given what it takes
    ways: dict[str, Callable[[Image.Image], bytes]] = {
        "tagline sixel": lambda photo: _sixel(arrays[id(photo)]),
        "tagline sixel without a compiler": lambda photo: _sixel_uncompiled(arrays[id(photo)]),
        "textual-image sixel": lambda photo: _bytes(image_to_sixels(photo, SixelOptions())),
        "tagline kitty": lambda photo: _prepare(arrays[id(photo)], Graphics.KITTY).png,
        "tagline iTerm2": lambda photo: b"".join(
            data for *_, data in _prepare(arrays[id(photo)], Graphics.ITERM2).strips
        ),
        "tagline cells 128x48": lambda photo: "".join(
            str(row) for row in _prepare(arrays[id(photo)], Graphics.CELLS).cell_rows
        ).encode(),
    }
    figures = {name: _measure(name, encode, photos) for name, encode in ways.items()}
    ratio = figures["textual-image sixel"]["ms"] / figures["tagline sixel"]["ms"]
    return {
        "size_wh": SIZE,
        "photos": len(photos),
        "encoder": sixel.ENCODER,
        "ways": figures,
        "times faster than textual-image": round(ratio, 1),
        "met": {f"at least {TARGET:.0f}x with the extension": ratio >= TARGET or sixel.ENCODER == "numpy"},
    }


def _photos(folder: Path) -> list[Image.Image]:
    names = sorted(path for path in folder.rglob("*.jpg"))[:5]
    return [Image.open(name).convert("RGB").resize(SIZE, Image.Resampling.LANCZOS) for name in names]


def _sixel(photo: NDArray[np.uint8]) -> bytes:
    return sixel.encode(*colors.quantize(photo, prepared.SIXEL_COLORS))


def _sixel_uncompiled(photo: NDArray[np.uint8]) -> bytes:
    with mock.patch.object(sixel, "encode_body", sixel_numpy.encode_body):
        return sixel.encode(*colors.pillow_quantize(photo, prepared.SIXEL_COLORS))


def _bytes(data: str | bytes) -> bytes:
    return data.encode() if isinstance(data, str) else bytes(data)


def _prepare(photo: NDArray[np.uint8], graphics: Graphics) -> prepared.Prepared:
    terminal = Terminal(cell_wh_px=CELL, graphics=graphics)
    return prepared.prepare(photo, terminal, (SIZE[0] // CELL[0], SIZE[1] // CELL[1]), (0, 0, 0))


def _measure(name: str, encode: Callable[[Image.Image], bytes], photos: list[Image.Image]) -> dict[str, Any]:
    times, sizes, errors = [], [], []
    for photo in photos:
        data = encode(photo)
        for _ in range(ROUNDS):
            began, data = time.perf_counter(), encode(photo)
            times.append(time.perf_counter() - began)
        sizes.append(len(data))
        if "sixel" in name:
            errors.append(_psnr(np.asarray(photo), data))
    found = {"ms": round(1000 * statistics.median(times), 1), "kB": round(statistics.median(sizes) / 1000)}
    return found | ({"PSNR_dB": round(statistics.median(errors), 1)} if errors else {})


def _psnr(photo: Any, data: bytes) -> float:
    shown = np.asarray(decode_sixel(data))[: SIZE[1], : SIZE[0], :3].astype(float)
    error = float(np.mean((shown - photo.astype(float)) ** 2))
    return float(10 * np.log10(255**2 / error))
