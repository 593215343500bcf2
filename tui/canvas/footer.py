"""Which keys matter now on the region screen, for its last line: those of the state that the hand is in. Pure."""

from __future__ import annotations

from core.geometry import Box, Polygon
from tui.canvas.tools import Hand, Tool

Words = tuple[tuple[str, str], ...]

LEVELING: Words = (("arrows", "level, width"), ("Shift+arrows", "farther"))
CHOOSING: Words = (("a-z", "choose"),)
POINTING: Words = (("a-z", "to a cell"), ("arrows", "nudge"), ("Space", "point"), ("Backspace", "back"))
MOVING: Words = (("arrows", "move"), ("Shift+arrows", "farther"), ("Ctrl+Z", "undo"))
RESHAPING: Words = (("Tab", "next point"), ("arrows", "move"), ("Space", "add"), ("Backspace", "remove"))
CHOSEN: Words = (("1-9", "relabel"), ("x", "delete"), ("m", "move"))
RESTING: Words = (
    ("Enter", "submit"),
    ("h", "choose"),
    ("H", "proposals"),
    ("1-9", "label"),
    ("s", "skip"),
    ("b", "earlier"),
)


def words_now(
    hand: Hand,
    chosen: Box | Polygon | None,
    *,
    is_leveling: bool = False,
    has_letters: bool,
    is_pointing: bool,
    takes_polygons: bool,
) -> Words:
    """Pairs of a key and a word, those that matter most first.

    Args:
        chosen: the shape of the chosen region.
        is_leveling: the window of a DICOM image is being chosen.
        has_letters: letters on regions, or on proposals, wait to be typed.
        is_pointing: the crosshair is there.
    """
    if is_leveling:
        return LEVELING
    if has_letters:
        return CHOOSING
    if is_pointing:
        return (*POINTING, *_finishing(hand))
    if chosen is not None and hand.tool is Tool.POINTS:
        return RESHAPING
    if chosen is not None and hand.tool is Tool.MOVE:
        return MOVING if isinstance(chosen, Polygon) else (("Tab", "edge, corner"), *MOVING)
    draw = (("r p P k" if takes_polygons else "r t k", "draw"),)
    if chosen is None:
        return (*draw, *RESTING)
    points = (("u", "points"),) if isinstance(chosen, Polygon) else ()
    return (*CHOSEN, *points, ("e", "snap"), ("Tab", "next"), *draw, ("Enter", "submit"), ("c", "copy"))


def _finishing(hand: Hand) -> Words:
    """What ends it: a polygon is closed, a box is there with its second corner."""
    if hand.tool.is_polygon and len(hand.points) > 2:
        return (("Enter", "close"),)
    return (("1-9", "label"), ("E", "snap")) if not hand.points else ()
