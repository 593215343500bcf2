"""Strokes as ink on a plane of px: only where strokes come, go or move is anything drawn again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from tui.canvas.marks import BLACK, DASHES, FONT_PX, PAD_PX, PROFILES, Area, Lens, Mark, Rule, Spot, Stroke, Tag, font
from tui.colors import rgb_of

Ink = NDArray[np.uint8]
SLOTS = 40
FEW = 64


class Slots:
    """Numbers 1 to 39 for ink colours; when there are more, a new one gets the number of the nearest."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self.table: NDArray[np.uint8] = np.zeros((SLOTS, 3), np.uint8)

    def number(self, color: str) -> int:
        """The slot of a colour such as `#56b4e9`."""
        if (known := self._numbers.get(color)) is not None:
            return known
        rgb = np.array(rgb_of(color), np.uint8)
        slot = len(self._numbers) + 1
        if slot < SLOTS:
            self.table[slot] = rgb
        else:
            slot = 1 + int(((self.table[1:].astype(int) - rgb) ** 2).sum(axis=1).argmin())
        self._numbers[color] = slot
        return slot


class Layer:
    """A plane of slot numbers, 0 where there is no ink; `ink` is uint8 (H, W)."""

    def __init__(self, size_wh: tuple[int, int], slots: Slots) -> None:
        self.ink: Ink = np.zeros((size_wh[1], size_wh[0]), np.uint8)
        self.marks: tuple[Mark, ...] = ()
        self._slots = slots
        self._boxes: list[Area] = []
        self._many: NDArray[np.int64] | None = None

    def update(self, marks: tuple[Mark, ...]) -> list[Area]:
        """Show these strokes instead; returns the areas in which something changed, cut to the plane."""
        if marks == self.marks:
            return []
        before, after = dict.fromkeys(self.marks), dict.fromkeys(marks)
        touched = [mark.area for mark in before if mark not in after] + [
            mark.area for mark in after if mark not in before
        ]
        self.marks = marks
        self._boxes = [(x, y, x + wide, y + high) for x, y, wide, high in (mark.area for mark in marks)]
        self._many = np.array(self._boxes, np.int64).reshape(-1, 4) if len(marks) > FEW else None
        return [cut for area in touched if (cut := self._redraw(area)) is not None]

    def _redraw(self, area: Area) -> Area | None:
        high, wide = self.ink.shape
        x0, y0 = max(0, area[0]), max(0, area[1])
        x1, y1 = min(wide, area[0] + area[2]), min(high, area[1] + area[3])
        if x1 <= x0 or y1 <= y0:
            return None
        self.ink[y0:y1, x0:x1] = 0
        for n in self._over((x0, y0, x1, y1)):
            draw(self.ink, self.marks[n], self._slots, (x0, y0, x1, y1))
        return x0, y0, x1 - x0, y1 - y0

    def _over(self, box: Area) -> list[int]:
        """Which strokes touch a box (x0, y0, x1, y1)."""
        left, top, right, bottom = box
        if self._many is None:
            return [
                n
                for n, (x0, y0, x1, y1) in enumerate(self._boxes)
                if x0 < right and x1 > left and y0 < bottom and y1 > top
            ]
        x0s, y0s, x1s, y1s = self._many.T
        return np.flatnonzero((x0s < right) & (x1s > left) & (y0s < bottom) & (y1s > top)).tolist()


def draw(ink: Ink, mark: Mark, slots: Slots, clip: Area) -> None:
    """Put a stroke's ink on a plane, inside `clip` (x0, y0, x1, y1) only."""
    match mark:
        case Rule():
            _rule(ink, mark, slots, clip)
        case Spot():
            _block(ink, (mark.x, mark.y), mark.size, slots.number(BLACK), clip)
            _block(ink, (mark.x, mark.y), mark.size - 2, slots.number(mark.color), clip)
        case Stroke() | Tag():
            _stamp(ink, mark, slots, clip)
        case Lens():
            pass


def _fill(ink: Ink, box: tuple[int, int, int, int], slot: int, clip: Area) -> None:
    ink[max(box[1], clip[1]) : max(0, min(box[3], clip[3])), max(box[0], clip[0]) : max(0, min(box[2], clip[2]))] = slot


def _rule(ink: Ink, rule: Rule, slots: Slots, clip: Area) -> None:
    dark, color = slots.number(BLACK), slots.number(rule.color)
    spans = [(0, rule.length)]
    if rule.style in DASHES:
        on, off = DASHES[rule.style]
        spans = [(at, min(at + on, rule.length)) for at in range(0, rule.length, on + off)]
    thick = len(rule.profile)
    for start, end in spans:
        if rule.style == "thin":
            _fill(ink, _across(rule, start, end, 0, thick), color, clip)
        else:
            _fill(ink, _across(rule, start, end, 0, thick), dark, clip)
            _fill(ink, _across(rule, start, end, 1, thick - 1), color, clip)


def _across(rule: Rule, start: int, end: int, first: int, last: int) -> tuple[int, int, int, int]:
    """A part of a line's length and of its thickness as a box."""
    edge = len(rule.profile) // 2
    if rule.vertical:
        return rule.x - edge + first, rule.y + start, rule.x - edge + last, rule.y + end
    return rule.x + start, rule.y - edge + first, rule.x + end, rule.y - edge + last


def _block(ink: Ink, middle: tuple[int, int], size: int, slot: int, clip: Area) -> None:
    x, y = middle[0] - size // 2, middle[1] - size // 2
    _fill(ink, (x, y, x + size, y + size), slot, clip)


def _stamp(ink: Ink, mark: Stroke | Tag, slots: Slots, clip: Area) -> None:
    stamp = stamp_of(mark, slots)
    x, y = mark.area[:2]
    x0, y0 = max(x, clip[0]), max(y, clip[1])
    x1, y1 = min(x + stamp.shape[1], clip[2]), min(y + stamp.shape[0], clip[3])
    if x1 <= x0 or y1 <= y0:
        return
    part = stamp[y0 - y : y1 - y, x0 - x : x1 - x]
    here = ink[y0:y1, x0:x1]
    here[part > 0] = part[part > 0]


def stamp_of(mark: Mark, slots: Slots) -> Ink:
    """One stroke by itself: uint8 (height, width) of slot numbers over its own area."""
    x, y, wide, high = mark.area
    if isinstance(mark, Stroke):
        return _line_stamp(mark, slots)
    if isinstance(mark, Tag):
        return _tag_stamp(mark, slots)
    ink = np.zeros((high, wide), np.uint8)
    if isinstance(mark, Rule | Spot):
        draw(ink, replace(mark, x=mark.x - x, y=mark.y - y), slots, (0, 0, wide, high))
    return ink


def _line_stamp(stroke: Stroke, slots: Slots) -> Ink:
    x, y, wide, high = stroke.area
    image = Image.new("L", (wide, high))
    pen = ImageDraw.Draw(image)
    points = [(px - x, py - y) for px, py in stroke.points]
    if stroke.closed:
        points.append(points[0])
    thick = len(PROFILES[stroke.style])
    pen.line(points, fill=slots.number(BLACK), width=thick, joint="curve")
    pen.line(points, fill=slots.number(stroke.color), width=thick - 2, joint="curve")
    stamp = np.array(image)
    if stroke.style == "dashed":
        down, across = np.indices(stamp.shape)
        on, off = DASHES["dashed"]
        stamp[(down + across) % (on + off) >= on] = 0
    return stamp


def _tag_stamp(tag: Tag, slots: Slots) -> Ink:
    _, _, wide, high = tag.area
    image = Image.new("L", (wide, high), slots.number(tag.paper))
    pen = ImageDraw.Draw(image)
    pen.fontmode = "1"
    pen.text((PAD_PX, (high - FONT_PX) // 2), tag.text, fill=slots.number(tag.ink), font=font())
    return np.array(image)


def lenses(marks: Sequence[Mark]) -> list[Lens]:
    """The lenses among strokes."""
    return [mark for mark in marks if isinstance(mark, Lens)]
