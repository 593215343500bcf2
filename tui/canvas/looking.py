"""What the keys for looking do, the same on every screen with a picture: nearer, farther, brighter, another page. Pure."""

from __future__ import annotations

from core.geometry import Point
from tui.canvas.render import Look
from tui.canvas.viewport import Viewport

ZOOM = 1.5


def zoomed(view: Viewport, key: str, about_xy: Point) -> Viewport:
    """Nearer or farther with `about_xy` (image px) in place, all of the image, or px for px."""
    match key:
        case "plus":
            return view.zoomed(ZOOM, about_xy)
        case "minus":
            return view.zoomed(1 / ZOOM, about_xy)
        case "0":
            return view.fit()
        case _:
            return view.at_100(about_xy)


def looked(look: Look, key: str) -> Look:
    """A step brighter or darker, of more or of less contrast."""
    match key:
        case "less_than_sign":
            return look.changed(brightness=-1)
        case "greater_than_sign":
            return look.changed(brightness=1)
        case "left_parenthesis":
            return look.changed(contrast=-1)
        case _:
            return look.changed(contrast=1)


def other_page(page: int, key: str, pages: int) -> int:
    """The page after or before one of several, counted from 0; after the last comes the first."""
    return (page + (1 if key == "right_square_bracket" else -1)) % pages
