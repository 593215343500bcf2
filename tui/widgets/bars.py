"""Charts as text: bars with eighths of a cell, one bar of several parts, columns of text, and times in words. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.cells import cell_len, set_cell_size
from rich.text import Text

EIGHTHS = " \N{LEFT ONE EIGHTH BLOCK}\N{LEFT ONE QUARTER BLOCK}\N{LEFT THREE EIGHTHS BLOCK}\N{LEFT HALF BLOCK}" \
    "\N{LEFT FIVE EIGHTHS BLOCK}\N{LEFT THREE QUARTERS BLOCK}\N{LEFT SEVEN EIGHTHS BLOCK}"  # fmt: skip
LOWER = " " + "".join(chr(0x2580 + n) for n in range(1, 9))
FULL = "\N{FULL BLOCK}"
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000


def bar(part: float, whole: float, cells: int, color: str, rest: str) -> Text:
    """A bar of so many cells on its own ground; anything above nothing shows at least an eighth of a cell."""
    eighths = min(8 * cells, round(8 * cells * part / whole)) if whole > 0 else 0
    eighths = max(1, eighths) if part > 0 and cells else eighths
    text = FULL * (eighths // 8) + (EIGHTHS[eighths % 8] if eighths % 8 else "")
    return Text().append(text.ljust(cells), f"{color} on {rest}")


def stacked(parts: Sequence[tuple[int, str]], cells: int, rest: str) -> Text:
    """One bar of (count, colour) parts that fill it together; each that is there has at least one cell."""
    whole = sum(count for count, _ in parts)
    if not whole:
        return Text(" " * cells, f"on {rest}")
    widths = [max(1, round(cells * count / whole)) if count else 0 for count, _ in parts]
    while sum(widths) != cells:
        widest = widths.index(max(widths))
        widths[widest] += 1 if sum(widths) < cells else -1
    text = Text()
    for width, (_, color) in zip(widths, parts, strict=True):
        text.append(FULL * width, color)
    return text


def column_chart(counts: Sequence[int], cells: int, rows: int, color: str) -> Text:
    """Counts as columns side by side, the highest as high as the rows; anything above nothing shows at least an eighth."""
    wide, most, text = max(1, min(6, cells // max(1, len(counts)) - 1)), max([*counts, 1]), Text()
    tall = [max(1, round(8 * rows * count / most)) if count else 0 for count in counts]
    for row in range(rows - 1, -1, -1):
        for eighths in tall:
            here = min(8, max(0, eighths - 8 * row))
            text.append(LOWER[here] * wide + " ", color)
        text.append("\n")
    return text


def column(text: str, cells: int, *, right: bool = False) -> str:
    """A text in exactly so many cells, its end cut off where it is longer."""
    if cell_len(text) > cells:
        return set_cell_size(text, max(0, cells - 1)) + "\N{HORIZONTAL ELLIPSIS}" if cells else ""
    gap = " " * (cells - cell_len(text))
    return gap + text if right else text + gap


def percent(part: int, whole: int) -> str:
    """A share in words; never 0% or 100% where it is not quite so."""
    if not whole:
        return ""
    share = part / whole
    if 0 < share < 0.01:
        return "< 1%"
    return f"{int(share * 100) if share > 0.99 else round(share * 100)}%"


def moment(at_ms: int) -> str:
    """A time in full, UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def span(ms: float) -> str:
    """A length of time in words, as exact as people say it."""
    for unit, word in ((DAY_MS, "day"), (HOUR_MS, "hour"), (MINUTE_MS, "minute")):
        if ms >= unit:
            n = round(ms / unit)
            return f"{n:,} {word}{'s' if n != 1 else ''}"
    return "less than a minute"


def ago(then_ms: int | None, now_ms: int) -> str:
    """How long something is past, in words."""
    return "never" if not then_ms else f"{span(max(0, now_ms - then_ms))} ago"
