"""A terminal in memory: libghostty for text, cursor, answers and kitty pictures; own decoders for sixel and iTerm2.

A cell that a sixel or iTerm2 picture covers is held by a secret character in libghostty's grid. Whatever overwrites, erases
or scrolls the cell takes that character away, and with it the pixels, as in a real terminal.
"""

from __future__ import annotations

import base64
import io
import re

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pyghostty import Terminal

from tests.screen import kitty, sixel

HELD = "\uf8ff"
_PICTURE = re.compile(
    rb"(?P<sixel>\x1bP[\d;]*q[^\x1b]*\x1b\\)|\x1b\]1337;File=(?P<options>[^:\x07\x1b]*):(?P<data>[A-Za-z0-9+/=]*)\x07",
    re.DOTALL,
)
_UNFINISHED = re.compile(rb"\x1b(?:P[^\x1b]*\x1b?|\]1337[^\x07]*)?\Z", re.DOTALL)


class Screen:
    """`feed` it what a program writes; then look."""

    def __init__(self, columns: int, rows: int, cell_wh_px: tuple[int, int] = (10, 20)) -> None:
        self.columns, self.rows = columns, rows
        self.cell_wh_px = cell_wh_px
        self.pictures = 0
        self.picture_bytes = 0
        self.fed_bytes = 0
        self.replies: list[bytes] = []
        self._terminal = Terminal(columns, rows)
        kitty.enable(self._terminal)
        self._terminal.resize(columns, rows, *cell_wh_px)
        self._terminal.on_reply(self.replies.append)
        self._pixels = np.zeros((rows * cell_wh_px[1], columns * cell_wh_px[0], 3), np.uint8)
        self._rest = b""
        self._opened: NDArray[np.bool_] | None = None

    def feed(self, data: bytes) -> None:
        """Take output; sequences may be cut anywhere."""
        self.fed_bytes += len(data)
        self._opened = None
        data, position = self._rest + data, 0
        for match in _PICTURE.finditer(data):
            self._terminal.feed(data[position : match.start()])
            self._put(match)
            position = match.end()
        rest = data[position:]
        cut = _UNFINISHED.search(rest)
        self._rest = rest[cut.start() :] if cut else b""
        self._terminal.feed(rest[: cut.start()] if cut else rest)

    def resize(self, columns: int, rows: int) -> None:
        """The user changes the window; pictures that were held by cells are gone."""
        self.columns, self.rows, self._opened = columns, rows, None
        self._terminal.resize(columns, rows, *self.cell_wh_px)
        self._pixels = np.zeros((rows * self.cell_wh_px[1], columns * self.cell_wh_px[0], 3), np.uint8)

    def _put(self, match: re.Match[bytes]) -> None:
        wide, high = self.cell_wh_px
        column, row = self._terminal.cursor
        if match["sixel"]:
            pixels = sixel.decode(match["sixel"])
            if not pixels[..., 3].all():
                raise ValueError("a sixel tile leaves pixels unpainted: terminals differ on what is there")
            pixels = pixels[..., :3]
        else:
            pixels = self._inline(match)
        rows, columns = -(-pixels.shape[0] // high), -(-pixels.shape[1] // wide)
        if row + rows >= self.rows:
            raise ValueError("a picture touches the last row: real terminals scroll")
        self.pictures += 1
        self.picture_bytes += len(match.group(0))
        area = self._pixels[row * high :, column * wide :]
        height, width = min(area.shape[0], pixels.shape[0]), min(area.shape[1], pixels.shape[1])
        area[:height, :width] = pixels[:height, :width]
        held = HELD * min(columns, self.columns - column)
        for line in range(row, row + rows):
            self._terminal.feed(f"\x1b[{line + 1};{column + 1}H{held}")
        self._terminal.feed(f"\x1b[{row + rows + 1};1H")

    def _inline(self, match: re.Match[bytes]) -> NDArray[np.uint8]:
        options = dict(part.split(b"=", 1) for part in match["options"].split(b";"))
        data = base64.b64decode(match["data"])
        if options[b"inline"] != b"1" or int(options[b"size"]) != len(data):
            raise ValueError("not an inline picture, or its size is wrong")
        size = (int(options[b"width"]) * self.cell_wh_px[0], int(options[b"height"]) * self.cell_wh_px[1])
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB").resize(size))

    @property
    def cursor(self) -> tuple[int, int]:
        """Column and row, from 0."""
        column, row = self._terminal.cursor
        return column, row

    def lines(self) -> list[str]:
        """The text, a line a row; cells of pictures are blank."""
        lines = self._terminal.text().replace(HELD, " ").split("\n")
        return [line.rstrip() for line in lines] + [""] * (self.rows - len(lines))

    def text(self) -> str:
        """All the text."""
        return "\n".join(self.lines())

    def pixels(self) -> NDArray[np.uint8]:
        """uint8 (H, W, 4): what pictures show; alpha 0 where text is seen instead."""
        wide, high = self.cell_wh_px
        held = np.kron(self._held(), np.ones((high, wide), np.bool_))
        seen = np.dstack((self._pixels, held.astype(np.uint8) * 255))
        seen[~held] = 0
        for placement in self.placements():
            self._compose(seen, placement)
        return seen

    def placements(self) -> list[kitty.Placement]:
        """Kitty's placements."""
        return kitty.placements(self._terminal)

    def _held(self) -> NDArray[np.bool_]:
        held = np.zeros((self.rows, self.columns), np.bool_)
        for row, line in enumerate(self._terminal.text().split("\n")[: self.rows]):
            if HELD in line:
                held[row] = self._held_in(row, line)
        return held

    def _held_in(self, row: int, line: str) -> NDArray[np.bool_]:
        wide = [2 if _is_wide(character) else 1 for character in line]
        held = np.zeros(self.columns, np.bool_)
        for character, end, width in zip(line, np.cumsum(wide), wide, strict=True):
            held[end - width] = character == HELD
        return held

    def _compose(self, seen: NDArray[np.uint8], placement: kitty.Placement) -> None:
        """A placement under all backgrounds is seen in cells without a background of their own."""
        wide, high = self.cell_wh_px
        x, y, width, height = placement.source_px
        crop = placement.pixels[
            y : y + (height or placement.pixels.shape[0]), x : x + (width or placement.pixels.shape[1])
        ]
        if placement.columns and placement.rows:
            size = (placement.columns * wide, placement.rows * high)
            crop = np.asarray(Image.fromarray(crop).resize(size)) if crop.shape[1::-1] != size else crop
        left = placement.column * wide + placement.offset_px[0]
        top = placement.row * high + placement.offset_px[1]
        crop = crop[max(0, -top) : seen.shape[0] - top, max(0, -left) : seen.shape[1] - left]
        left, top = max(0, left), max(0, top)
        where = np.s_[top : top + crop.shape[0], left : left + crop.shape[1]]
        drawn = self._open()[where] & (crop[..., 3] > 0 if crop.shape[2] == 4 else True)
        seen[where][..., :3][drawn] = crop[..., :3][drawn]
        seen[where][..., 3][drawn] = 255

    def _open(self) -> NDArray[np.bool_]:
        """(height, width) px: cells without a background of their own."""
        if self._opened is None:
            cells = [[self._terminal.style(c, r)["bg"] is None for c in range(self.columns)] for r in range(self.rows)]
            self._opened = np.kron(np.array(cells), np.ones(self.cell_wh_px[::-1], np.bool_)).astype(np.bool_)
        return self._opened


def _is_wide(character: str) -> bool:
    from rich.cells import cell_len

    return cell_len(character) == 2
