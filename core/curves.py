"""A closed round line through a few points, as a polygon: what grows is round, and few points say it. Pure."""

from __future__ import annotations

import math

from core.geometry import Point, Polygon

MOST_STEPS = 8
STEP_PX = 3.0


def rounded(points: tuple[Point, ...], size_wh: tuple[int, int]) -> Polygon:
    """The smooth ring through at least three points in order, inside the image; fewer come back as they are.

    At each point the line runs parallel to the chord of its neighbours; between two points it is the cubic that is a circle's
    arc where the points lie on a circle.
    """
    count = len(points)
    if count < 3:
        return Polygon(points)
    ring: list[Point] = []
    for n in range(count):
        ring += _span(points[n - 1], points[n], points[(n + 1) % count], points[(n + 2) % count])
    return Polygon(tuple(_placed(point, size_wh) for point in ring))


def _span(before: Point, a: Point, b: Point, after: Point) -> list[Point]:
    """From `a` on, `b` left out."""
    length, along = math.dist(a, b), _direction(a, b)
    leaving, arriving = _direction(before, b), _direction(a, after)
    c, d = _handle(a, leaving, along, length), _handle(b, arriving, along, -length)
    steps = min(MOST_STEPS, max(1, round(length / STEP_PX)))
    return [_cubic(a, c, d, b, n / steps) for n in range(steps)]


def _direction(a: Point, b: Point) -> Point:
    length = math.dist(a, b) or 1.0
    return (b[0] - a[0]) / length, (b[1] - a[1]) / length


def _handle(at: Point, tangent: Point, along: Point, length: float) -> Point:
    """The cubic's handle at one end: 4/3 tan(t/4) radii of the arc that turns by t between chord and tangent."""
    turn = max(0.0, tangent[0] * along[0] + tangent[1] * along[1])
    reach = 2 * length / (3 * (1 + turn))
    return at[0] + tangent[0] * reach, at[1] + tangent[1] * reach


def _cubic(a: Point, c: Point, d: Point, b: Point, t: float) -> Point:
    weights = (1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3
    x, y = (sum(w * p[k] for w, p in zip(weights, (a, c, d, b), strict=True)) for k in (0, 1))
    return x, y


def _placed(point: Point, size_wh: tuple[int, int]) -> Point:
    x, y = (round(min(max(v, 0.0), float(most)), 2) for v, most in zip(point, size_wh, strict=True))
    return x, y
