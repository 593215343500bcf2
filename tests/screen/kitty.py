"""Reads kitty pictures and their placements out of libghostty, the terminal core of Ghostty."""

from __future__ import annotations

import io
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pyghostty import Terminal, ffi, lib
from pyghostty._ffi import check

STORAGE_BYTES = 320 << 20
_DATA = "GHOSTTY_KITTY_GRAPHICS_PLACEMENT_DATA_"


class Placement(NamedTuple):
    """One picture, or a part of it, over a rectangle of cells; `columns` and `rows` are 0 at its own size."""

    image_id: int
    number: int
    z: int
    column: int
    row: int
    columns: int
    rows: int
    offset_px: tuple[int, int]
    source_px: tuple[int, int, int, int]
    pixels: NDArray[np.uint8]


@ffi.callback("bool(void*, const GhosttyAllocator*, const uint8_t*, size_t, GhosttySysImage*)")
def _decode_png(_user: Any, allocator: Any, data: Any, length: int, out: Any) -> bool:
    try:
        image = Image.open(io.BytesIO(ffi.buffer(data, length)[:])).convert("RGBA")
    except OSError:
        return False
    raw = image.tobytes()
    out.width, out.height, out.data_len = image.width, image.height, len(raw)
    out.data = lib.ghostty_alloc(allocator, len(raw))
    ffi.memmove(out.data, raw, len(raw))
    return True


def enable(terminal: Terminal) -> None:
    """Let a terminal keep pictures and read PNG."""
    check(lib.ghostty_sys_set(lib.GHOSTTY_SYS_OPT_DECODE_PNG, ffi.cast("void*", _decode_png)), "png")
    limit = ffi.new("uint64_t*", STORAGE_BYTES)
    check(lib.ghostty_terminal_set(terminal._t[0], lib.GHOSTTY_TERMINAL_OPT_KITTY_IMAGE_STORAGE_LIMIT, limit), "limit")


def placements(terminal: Terminal) -> list[Placement]:
    """What is placed now, lowest first."""
    graphics = ffi.new("GhosttyKittyGraphics*")
    check(lib.ghostty_terminal_get(terminal._t[0], lib.GHOSTTY_TERMINAL_DATA_KITTY_GRAPHICS, graphics), "graphics")
    iterator = ffi.new("GhosttyKittyGraphicsPlacementIterator*")
    check(lib.ghostty_kitty_graphics_placement_iterator_new(ffi.NULL, iterator), "iterator")
    data = lib.GHOSTTY_KITTY_GRAPHICS_DATA_PLACEMENT_ITERATOR
    check(lib.ghostty_kitty_graphics_get(graphics[0], data, iterator), "placements")
    found = []
    while lib.ghostty_kitty_graphics_placement_next(iterator[0]):
        found.append(_placement(terminal, graphics[0], iterator[0]))
    lib.ghostty_kitty_graphics_placement_iterator_free(iterator[0])
    return sorted(found, key=lambda placement: placement.z)


def _placement(terminal: Terminal, graphics: Any, iterator: Any) -> Placement:
    def value(key: str, kind: str = "uint32_t") -> int:
        out = ffi.new(kind + "*")
        check(lib.ghostty_kitty_graphics_placement_get(iterator, getattr(lib, _DATA + key), out), key)
        return int(out[0])

    image_id = value("IMAGE_ID")
    image = lib.ghostty_kitty_graphics_image(graphics, image_id)
    column, row = ffi.new("int32_t*"), ffi.new("int32_t*")
    lib.ghostty_kitty_graphics_placement_viewport_pos(iterator, image, terminal._t[0], column, row)
    pixels = _pixels(image)
    source = (value("SOURCE_X"), value("SOURCE_Y"), value("SOURCE_WIDTH"), value("SOURCE_HEIGHT"))
    return Placement(
        image_id, value("PLACEMENT_ID"), value("Z", "int32_t"), int(column[0]), int(row[0]),
        value("COLUMNS"), value("ROWS"), (value("X_OFFSET"), value("Y_OFFSET")), source, pixels,
    )  # fmt: skip


def _pixels(image: Any) -> NDArray[np.uint8]:
    def value(key: str, kind: str) -> Any:
        out = ffi.new(kind + "*")
        check(lib.ghostty_kitty_graphics_image_get(image, getattr(lib, "GHOSTTY_KITTY_IMAGE_DATA_" + key), out), key)
        return out[0]

    width, height = int(value("WIDTH", "uint32_t")), int(value("HEIGHT", "uint32_t"))
    raw = ffi.buffer(value("DATA_PTR", "uint8_t*"), int(value("DATA_LEN", "size_t")))[:]
    return np.frombuffer(raw, np.uint8).reshape(height, width, -1)
