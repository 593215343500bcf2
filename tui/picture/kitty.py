"""The kitty graphics protocol: transmit a picture once, place it, take it away.

Source: the protocol page of kitty, sections on transmission, placement and deletion.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator

from tui.picture.damage import CellRect

CHUNK_BYTES = 4096
# Below this, kitty draws a picture under cells that have a background of their own: dialogs cover it by themselves.
UNDER_BACKGROUNDS = -1_073_741_826
# The last chunk of a transmission that is given up: what came of it is no picture, and the terminal drops it.
BREAK_OFF = b"\x1b_Gm=0,q=2;\x1b\\"


def transmit(image_id: int, png: bytes) -> Iterator[bytes]:
    """Pieces that send a PNG; text may be sent between them, other graphics commands not."""
    payload = base64.standard_b64encode(png)
    control = b"a=t,f=100,i=%d,q=2," % image_id
    for start in range(0, len(payload), CHUNK_BYTES):
        more = start + CHUNK_BYTES < len(payload)
        yield b"\x1b_G%bm=%d;%b\x1b\\" % (control, more, payload[start : start + CHUNK_BYTES])
        control = b"q=2,"


def place(image_id: int, placement_id: int, at: CellRect, crop_px: tuple[int, int, int, int] | None = None) -> bytes:
    """Show a transmitted picture, or a part (x, y, width, height) of it, over some cells; moves the cursor."""
    part = b"x=%d,y=%d,w=%d,h=%d," % crop_px if crop_px else b""
    return b"\x1b[%d;%dH\x1b_Ga=p,i=%d,p=%d,c=%d,r=%d,%bC=1,z=%d,q=2\x1b\\" % (
        at.row + 1, at.column + 1, image_id, placement_id, at.columns, at.rows, part, UNDER_BACKGROUNDS,
    )  # fmt: skip


def place_over(
    placed: tuple[int, int],
    at: tuple[int, int],
    offset_px: tuple[int, int],
    crop_px: tuple[int, int, int, int] | None,
    cells: tuple[int, int] | None,
    z: int,
) -> bytes:
    """Show an image, or a part of it, `z` levels over the pictures, from (column, row) and some px on; moves the cursor.

    Args:
        placed: the image's number and the placement's.
        cells: columns and rows to stretch it over; None for its own size.
    """
    image_id, placement_id = placed
    part = b"x=%d,y=%d,w=%d,h=%d," % crop_px if crop_px else b""
    stretch = b"c=%d,r=%d," % cells if cells else b""
    return b"\x1b[%d;%dH\x1b_Ga=p,i=%d,p=%d,X=%d,Y=%d,%b%bC=1,z=%d,q=2\x1b\\" % (
        at[1] + 1, at[0] + 1, image_id, placement_id, *offset_px, part, stretch, UNDER_BACKGROUNDS + z,
    )  # fmt: skip


def open_cells(rects: list[CellRect]) -> bytes:
    """Give cells the terminal's own background, through which a placed picture is seen; moves the cursor."""
    rows = [b"\x1b[%d;%dH\x1b[%dX" % (row + 1, at.column + 1, at.columns) for at in rects for row in _rows(at)]
    return b"\x1b[0m" + b"".join(rows)


def _rows(at: CellRect) -> range:
    return range(at.row, at.row + at.rows)


def unplace(image_id: int, placement_id: int) -> bytes:
    """Take one placement away; the picture's data stays."""
    return b"\x1b_Ga=d,d=i,i=%d,p=%d,q=2\x1b\\" % (image_id, placement_id)


def forget(image_id: int) -> bytes:
    """Free a picture's data."""
    return b"\x1b_Ga=d,d=I,i=%d,q=2\x1b\\" % image_id
