"""What an importer finds in a file, before anything is known of the project; and the checks that all importers share."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from core.errors import BadInput

FARTHEST = 1e7  # px; no image is as large
SHOWN = 40


class BadFile(BadInput):
    """A file of labels cannot be read; the text names the file, the line or field, and what is wrong there."""

    def __init__(self, text: str) -> None:
        super().__init__("".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text))


@dataclass(frozen=True, slots=True)
class Found:
    """One region as its file has it.

    Attributes:
        box: xyxy, or None where the file gives an outline only.
        rings: outlines, x and y by turns; several where one thing is in pieces.
        fractions: True where numbers are fractions of the image's width and height, False where they are px.
        score: how sure a model was, 0 to 1, or None.
    """

    label: str
    box: tuple[float, float, float, float] | None = None
    rings: tuple[tuple[float, ...], ...] = ()
    fractions: bool = False
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """What a file says of one image.

    Attributes:
        names: what the image may be called, the surest name first.
        where: the place in the file, for messages.
        size_wh: the image's size in px as the file gives it, or None.
        answered: False where the file lists the image without saying anything of it.
        left_out: what the file has that Tagline has no form for, such as `keypoints`.
        is_stem: the names have no ending.
        listed: the image's whole path, where a list beside the labels has it; the names may have no ending then.
    """

    names: tuple[str, ...]
    where: str
    labels: tuple[str, ...] = ()
    regions: tuple[Found, ...] = ()
    size_wh: tuple[int, int] | None = None
    answered: bool = True
    left_out: tuple[str, ...] = ()
    is_stem: bool = False
    listed: str = ""


Entries = Iterator[Entry]


def shown(value: object) -> str:
    """A value as a message quotes it: short."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def fail(where: str, what: str) -> NoReturn:
    """Raises BadFile."""
    raise BadFile(f"{where}: {what}. Nothing was imported.")


def number(value: object, where: str) -> float:
    """A finite number that an image could hold; a whole one stays whole, so that it is written as it was. Raises BadFile."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            fail(where, f"{shown(value)} is no number")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        fail(where, f"{shown(value)} is no number")
    if not math.isfinite(value) or abs(value) > FARTHEST:
        fail(where, f"{shown(value)} lies outside of any image")
    return value


def numbers(value: object, where: str, count: int | None = None) -> tuple[float, ...]:
    """A list of numbers, `count` of them where that is given. Raises BadFile."""
    if not isinstance(value, (list, tuple)) or (count is not None and len(value) != count):
        fail(where, f"{shown(value)} is no list of {f'{count} ' if count else ''}numbers")
    return tuple([number(one, where) for one in value])


def ring(value: object, where: str) -> tuple[float, ...]:
    """An outline: x and y by turns, at least three points. Raises BadFile."""
    found = numbers(value, where)
    if len(found) < 6 or len(found) % 2:
        fail(where, f"{len(found)} numbers are no outline: it takes an x and a y for each of at least three points")
    return found


def bounds(rings: Sequence[Sequence[float]]) -> tuple[float, float, float, float]:
    """The smallest box, xyxy, around outlines."""
    xs = [x for one in rings for x in one[::2]]
    ys = [y for one in rings for y in one[1::2]]
    return min(xs), min(ys), max(xs), max(ys)


def text_of(value: object, where: str) -> str:
    """A text that says something. Raises BadFile."""
    if not isinstance(value, str) or not value.strip():
        fail(where, f"{shown(value)} is no text")
    return value


def table_of(value: object, where: str) -> dict[str, Any]:
    """A JSON object. Raises BadFile."""
    if not isinstance(value, dict):
        fail(where, f"{shown(value)} is no object with fields")
    return value


def list_of(value: object, where: str) -> list[Any]:
    """A JSON list. Raises BadFile."""
    if not isinstance(value, list):
        fail(where, f"{shown(value)} is no list")
    return value


def size_of(width: object, height: object, where: str) -> tuple[int, int] | None:
    """An image's size where the file gives one that can be; some tools write 0 where they do not know."""
    if width in (None, "") or height in (None, ""):
        return None
    found = int(number(width, where)), int(number(height, where))
    return found if min(found) > 0 else None
