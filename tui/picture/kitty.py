"""The kitty graphics protocol: transmit a picture once, place it, take it away.

Source: the protocol page of kitty, sections on transmission, placement and deletion.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator

CHUNK_BYTES = 4096
# Below this, kitty draws a picture under cells that have a background of their own: dialogs cover it by themselves.
UNDER_BACKGROUNDS = -1_073_741_826


def transmit(image_id: int, png: bytes) -> Iterator[bytes]:
    """Pieces that send a PNG; text may be sent between pictures, not between the chunks of one piece."""
    payload = base64.standard_b64encode(png)
    control = b"a=t,f=100,i=%d,q=2," % image_id
    for start in range(0, len(payload), CHUNK_BYTES):
        more = start + CHUNK_BYTES < len(payload)
        yield b"\x1b_G%bm=%d;%b\x1b\\" % (control, more, payload[start : start + CHUNK_BYTES])
        control = b"q=2,"


def place(image_id: int, placement_id: int, column: int, row: int, size_cells: tuple[int, int]) -> bytes:
    """Show a transmitted picture with its top left corner in a cell (from 0); the cursor stays where it was."""
    return b"\x1b7\x1b[%d;%dH\x1b_Ga=p,i=%d,p=%d,c=%d,r=%d,C=1,z=%d,q=2\x1b\\\x1b8" % (
        row + 1, column + 1, image_id, placement_id, *size_cells, UNDER_BACKGROUNDS,
    )  # fmt: skip


def unplace(image_id: int, placement_id: int) -> bytes:
    """Take one placement away; the picture's data stays."""
    return b"\x1b_Ga=d,d=i,i=%d,p=%d,q=2\x1b\\" % (image_id, placement_id)


def forget(image_id: int) -> bytes:
    """Free a picture's data."""
    return b"\x1b_Ga=d,d=I,i=%d,q=2\x1b\\" % image_id
