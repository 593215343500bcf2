"""Which part of an image a view shows: zoom, pan and quarter turns, exact both ways. Pure.

Image px are those of the upright original: its first pixel spans 0 to 1. View px are counted from the view's top left.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.geometry import Box, Point

MAX_SCALE = 32.0
MAX_FIT = 8.0
_TURNS = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}


@dataclass(frozen=True)
class Viewport:
    """A view of `view_wh_px` on an image; `scale` is view px an image px, `center_xy` the image point in the middle."""

    image_wh: tuple[int, int]
    view_wh_px: tuple[int, int]
    scale: float
    center_xy: Point
    rotation: int = 0

    @classmethod
    def fitting(cls, image_wh: tuple[int, int], view_wh_px: tuple[int, int], rotation: int = 0) -> Viewport:
        """The whole image, as large as it fits; small ones at most eight times enlarged."""
        view = cls(image_wh, view_wh_px, 1.0, (image_wh[0] / 2, image_wh[1] / 2), rotation)
        return replace(view, scale=view.fit_scale)

    @property
    def fit_scale(self) -> float:
        """The scale at which the whole image fits."""
        wide, high = self.image_wh if self.rotation % 180 == 0 else self.image_wh[::-1]
        return min(self.view_wh_px[0] / wide, self.view_wh_px[1] / high, MAX_FIT)

    def fit(self) -> Viewport:
        """The whole image."""
        return Viewport.fitting(self.image_wh, self.view_wh_px, self.rotation)

    def at_100(self, about_xy: Point) -> Viewport:
        """One view px for each image px, an image point staying where it is."""
        return self.zoomed(1.0 / self.scale, about_xy)

    def zoomed(self, factor: float, about_xy: Point) -> Viewport:
        """Zoomed by a factor, between half the fitting scale and 32 view px a pixel; `about_xy` (image px) stays in place."""
        scale = min(MAX_SCALE, max(min(self.fit_scale, 1.0) / 2, self.scale * factor))
        ratio = self.scale / scale
        x = about_xy[0] - (about_xy[0] - self.center_xy[0]) * ratio
        y = about_xy[1] - (about_xy[1] - self.center_xy[1]) * ratio
        return replace(self, scale=scale, center_xy=(x, y))._kept_near()

    def panned(self, dx_px: float, dy_px: float) -> Viewport:
        """The view moved over the image by so many view px."""
        dx, dy = _turned(dx_px, dy_px, -self.rotation)
        x, y = self.center_xy
        return replace(self, center_xy=(x + dx / self.scale, y + dy / self.scale))._kept_near()

    def showing(self, xy: Point, margin_px: float = 24.0) -> Viewport:
        """Panned as little as needed for an image point to be `margin_px` inside the view; itself where it is already."""
        moves = [
            min(0.0, at - margin_px) or max(0.0, at - (size - margin_px))
            for at, size in zip(self.to_view(xy), self.view_wh_px, strict=True)
        ]
        return self.panned(*moves) if any(moves) else self

    def rotated(self) -> Viewport:
        """A quarter turn clockwise, fitting again where it fitted before."""
        turned = replace(self, rotation=(self.rotation + 90) % 360)
        return turned.fit() if self.is_fitting else turned._kept_near()

    @property
    def is_fitting(self) -> bool:
        """True while the whole image is shown as large as it goes."""
        return abs(self.scale - self.fit_scale) < 1e-9

    @property
    def is_enlarged(self) -> bool:
        """True while parts of the image can be out of view."""
        return self.scale > self.fit_scale * 1.001

    def resized(self, view_wh_px: tuple[int, int]) -> Viewport:
        """Another size of the view; what fitted still fits."""
        other = replace(self, view_wh_px=view_wh_px)
        return other.fit() if self.is_fitting else other._kept_near()

    def _kept_near(self) -> Viewport:
        """What is smaller than the view lies in its middle; of what is larger, the middle of the view stays on it."""
        view_wh = self.view_wh_px if self.rotation % 180 == 0 else self.view_wh_px[::-1]
        center = tuple(
            size / 2 if size * self.scale <= room else min(float(size), max(0.0, at))
            for size, room, at in zip(self.image_wh, view_wh, self.center_xy, strict=True)
        )
        return replace(self, center_xy=(center[0], center[1]))

    def to_view(self, xy: Point) -> Point:
        """Image px to view px."""
        dx, dy = _turned(
            (xy[0] - self.center_xy[0]) * self.scale, (xy[1] - self.center_xy[1]) * self.scale, self.rotation
        )
        return dx + self.view_wh_px[0] / 2, dy + self.view_wh_px[1] / 2

    def to_image(self, xy: Point) -> Point:
        """View px to image px."""
        dx, dy = _turned(xy[0] - self.view_wh_px[0] / 2, xy[1] - self.view_wh_px[1] / 2, -self.rotation)
        return dx / self.scale + self.center_xy[0], dy / self.scale + self.center_xy[1]

    def clamped(self, xy: Point) -> Point:
        """The nearest point of the image, image px."""
        return min(max(xy[0], 0.0), float(self.image_wh[0])), min(max(xy[1], 0.0), float(self.image_wh[1]))

    def box_to_view(self, box: Box) -> Box:
        """A box in image px as a box in view px."""
        return _spanned(self.to_view((box.x0, box.y0)), self.to_view((box.x1, box.y1)))

    def box_to_image(self, box: Box) -> Box:
        """A box in view px as a box in image px."""
        return _spanned(self.to_image((box.x0, box.y0)), self.to_image((box.x1, box.y1)))

    @property
    def visible(self) -> Box:
        """The part of the image that is shown, image px; empty boxes do not occur, since the middle stays on the image."""
        shown = self.box_to_image(Box(0, 0, *self.view_wh_px))
        x0, y0 = self.clamped((shown.x0, shown.y0))
        x1, y1 = self.clamped((shown.x1, shown.y1))
        return Box(x0, y0, x1, y1)

    @property
    def image_in_view(self) -> Box:
        """Where the visible part of the image lies, view px."""
        return self.box_to_view(self.visible)


def _turned(dx: float, dy: float, degrees: int) -> Point:
    cos, sin = _TURNS[degrees % 360]
    return dx * cos - dy * sin, dx * sin + dy * cos


def _spanned(a: Point, b: Point) -> Box:
    return Box(min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1]))
