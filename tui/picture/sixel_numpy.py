"""The sixel encoder for machines without a compiler: slower than the compiled one, the same picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BAND = 6
_WEIGHTS = (1 << np.arange(BAND, dtype=np.uint8)).astype(np.uint8)


def count_colors(indexes: NDArray[np.uint8]) -> bytes:
    """How many px each of 256 palette rows has, as uint32."""
    return np.bincount(indexes.ravel(), minlength=256).astype(np.uint32).tobytes()


def encode_body(indexes: NDArray[np.uint8], numbers: NDArray[np.uint8]) -> bytes:
    """uint8 (H, W) palette rows as sixel data without the DCS around it; `numbers`, uint8 (256,), says which number each row has."""
    height = indexes.shape[0]
    return b"-".join(_encode_band(indexes[y : y + BAND], numbers) for y in range(0, height, BAND))


def _encode_band(band: NDArray[np.uint8], numbers: NDArray[np.uint8]) -> bytes:
    """Six or fewer rows: the commonest colour as one solid run, each other colour over it."""
    counts = np.bincount(band.ravel(), minlength=256)
    commonest = int(counts.argmax())
    solid = np.array([(1 << band.shape[0]) - 1], dtype=np.uint8)
    parts = [b"#%d%b" % (numbers[commonest], _runs(np.repeat(solid, band.shape[1])))]
    weights = _WEIGHTS[: band.shape[0], None]
    for color in np.flatnonzero(counts).tolist():
        if color != commonest:
            sixels = ((band == color) * weights).sum(axis=0, dtype=np.uint8)
            last = int(np.flatnonzero(sixels)[-1]) + 1
            parts.append(b"#%d%b" % (numbers[color], _runs(sixels[:last])))
    return b"$".join(parts)


def _runs(sixels: NDArray[np.uint8]) -> bytes:
    """Sixels of one row, with repeats written as `!count`."""
    edges = np.flatnonzero(np.diff(sixels)) + 1
    starts = np.concatenate(([0], edges))
    lengths = np.diff(np.concatenate((starts, [len(sixels)])))
    return b"".join(
        b"!%d%c" % (length, sixel + 63) if length > 3 else bytes((sixel + 63,)) * length
        for length, sixel in zip(lengths.tolist(), sixels[starts].tolist(), strict=True)
    )
