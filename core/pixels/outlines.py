"""Independent looks at where the object in a box ends: along its sides, around its middle, by its colours and its contrast."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from core.geometry import Box
from core.pixels.closeup import Closeup, Mask, ellipse, rectangle

RAYS = 48
RADII = np.linspace(0.45, 1.45, 51)
ANGLES = np.arange(RAYS) * 2 * np.pi / RAYS
_STEP = 2  # radii that neighbouring rays may differ by
_BEND = 0.25  # what each such step costs, in mean edge strengths


def by_sides(view: Closeup) -> Box:
    """Each side moved to the strongest edge near it: the mean colour gradient across its middle part."""
    smooth = np.asarray(cv2.GaussianBlur(view.lab, (0, 0), 1.5), dtype=np.float32)
    box, across = view.box, [_gradient(smooth, dx, 1 - dx) for dx in (1, 0)]
    rows, columns = _middle(box.y0, box.y1), _middle(box.x0, box.x1)
    along_x, along_y = across[0][rows].mean(axis=0), across[1][:, columns].mean(axis=1)
    wide, high = box.x1 - box.x0, box.y1 - box.y0
    return Box(
        _strongest(along_x, box.x0, wide),
        _strongest(along_y, box.y0, high),
        _strongest(along_x, box.x1, wide),
        _strongest(along_y, box.y1, high),
    )


def _gradient(lab: NDArray[np.float32], dx: int, dy: int) -> NDArray[np.float32]:
    parts = [cv2.Scharr(np.ascontiguousarray(lab[..., k]), cv2.CV_32F, dx, dy) for k in range(3)]
    return np.asarray(np.sqrt(sum(part * part for part in parts)), dtype=np.float32)


def _middle(low: float, high: float) -> slice:
    start = max(0, int(low + 0.15 * (high - low)))
    return slice(start, max(start + 1, int(high - 0.15 * (high - low)) + 1))


def _strongest(profile: NDArray[np.float32], at: float, size: float) -> float:
    places = np.arange(len(profile)) + 0.5
    score = profile * np.exp(-0.5 * ((places - at) / (0.15 * size)) ** 2)
    near = np.abs(places - at) <= 0.25 * size
    return float(places[np.argmax(np.where(near, score, -1.0))]) if near.any() else at


def by_rays(view: Closeup) -> NDArray[np.float64]:
    """The closed line of strongest outward change around the box's middle, float64 (48, 2), closeup px.

    Source: star-convex boundaries by dynamic programming in polar space, as in classical cell segmentation.
    """
    box = view.box
    half_x, half_y = (box.x1 - box.x0) / 2, (box.y1 - box.y0) / 2
    middle_x, middle_y = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
    xs = (middle_x + np.outer(np.cos(ANGLES) * half_x, RADII)).astype(np.float32)
    ys = (middle_y + np.outer(np.sin(ANGLES) * half_y, RADII)).astype(np.float32)
    smooth = cv2.GaussianBlur(view.lab, (0, 0), 1.2)
    looked = cv2.remap(smooth, xs - 0.5, ys - 0.5, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    seen = np.asarray(looked, dtype=np.float32)
    strength = _outward(seen) * np.exp(-0.5 * ((RADII - 1) / 0.3) ** 2)
    ray, radius = np.arange(RAYS), _closed_path(strength)
    return np.stack([xs[ray, radius], ys[ray, radius]], axis=1).astype(np.float64)


def ring_bounds(ring: NDArray[np.float64]) -> Box:
    """The box around points (N, 2)."""
    low, high = ring.min(axis=0), ring.max(axis=0)
    return Box(float(low[0]), float(low[1]), float(high[0]), float(high[1]))


def _outward(seen: NDArray[np.float32]) -> NDArray[np.float64]:
    change = np.zeros_like(seen)
    change[:, 2:-2] = seen[:, 4:] - seen[:, :-4]
    strength = np.linalg.norm(change, axis=2).astype(np.float64) / 2
    outside, inside = seen[:, RADII > 1.2], seen[:, (RADII > 0.6) & (RADII < 0.9)]
    usual = np.median(outside.reshape(-1, 3), axis=0) - np.median(inside.reshape(-1, 3), axis=0)
    length = float(np.linalg.norm(usual))
    if length > 3:
        strength = strength + 0.75 * np.maximum(0.0, change @ (usual / length))
    return np.asarray(strength / (strength.mean() + 1e-6))


def _closed_path(strength: NDArray[np.float64]) -> NDArray[np.intp]:
    """The radius of each ray along the best line; three laps are run, and the one between them closes upon itself."""
    laps, count = np.concatenate([strength] * 3), len(RADII)
    best, came = laps[0], np.zeros((len(laps), count), np.intp)
    offsets = np.arange(-_STEP, _STEP + 1)
    source = np.arange(count)[None] + offsets[:, None]
    outside, source = (source < 0) | (source >= count), np.clip(source, 0, count - 1)
    cost = np.where(outside, 1e9, np.abs(offsets)[:, None] * _BEND)
    for i in range(1, len(laps)):
        reached = best[source] - cost
        pick = reached.argmax(axis=0)
        came[i] = source[pick, np.arange(count)]
        best = reached.max(axis=0) + laps[i]
    path = [int(best.argmax())]
    for i in range(len(laps) - 1, 0, -1):
        path.append(int(came[i][path[-1]]))
    return np.array(path[::-1])[RAYS : 2 * RAYS]


def by_colours(view: Closeup, prior: Mask | None = None) -> Mask | None:
    """The object by its colours: GrabCut from the ellipse (or `prior`), nothing outside the box; None when it finds none.

    Source: Rother, Kolmogorov, Blake, "GrabCut", 2004.
    """
    marks = np.full(view.shape_hw, cv2.GC_BGD, np.uint8)
    marks[rectangle(view.shape_hw, view.box)] = cv2.GC_PR_BGD
    marks[ellipse(view.shape_hw, view.box) if prior is None else prior] = cv2.GC_PR_FGD
    marks[ellipse(view.shape_hw, view.box, 0.35)] = cv2.GC_FGD
    if not (marks == cv2.GC_BGD).any():
        return None
    cv2.setRNGSeed(1)  # the same box gives the same answer
    try:
        models = np.zeros((1, 65)), np.zeros((1, 65))
        cv2.grabCut(view.lab.astype(np.uint8), marks, (0, 0, 0, 0), *models, 2, cv2.GC_INIT_WITH_MASK)
    except cv2.error:  # too few different colours for its mixtures
        return None
    return main_part((marks == cv2.GC_FGD) | (marks == cv2.GC_PR_FGD), view.box)


def by_contrast(view: Closeup) -> Mask | None:
    """The object by what tells its middle from what lies around the box: one threshold along that colour; None without one.

    Source: Otsu, "A threshold selection method from gray-level histograms", 1979.
    """
    middle, around = ellipse(view.shape_hw, view.box, 0.6), ~ellipse(view.shape_hw, view.box, 1.25)
    if not middle.any() or not around.any():
        return None
    apart = view.lab[middle].mean(axis=0) - view.lab[around].mean(axis=0)
    seen = np.asarray(cv2.GaussianBlur(view.lab, (0, 0), 1.0) @ (apart / (np.linalg.norm(apart) + 1e-6)))
    low, high = np.quantile(seen, (0.01, 0.99))
    levels = np.clip((seen - low) / (high - low + 1e-6) * 255, 0, 255).astype(np.uint8)
    threshold, _ = cv2.threshold(levels, 0, 255, cv2.THRESH_OTSU)
    return main_part((levels > threshold) & rectangle(view.shape_hw, view.box), view.box)


def main_part(mask: Mask, box: Box) -> Mask | None:
    """The connected part that fills most of the box's middle, threads cut off and holes filled; None when there is none."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    opened = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, kernel)
    count, parts = cv2.connectedComponents(opened, connectivity=4)
    inside = np.bincount(parts[ellipse((mask.shape[0], mask.shape[1]), box, 0.7)], minlength=count)
    inside[0] = 0
    if not inside.any():
        return None
    lines, _ = cv2.findContours((parts == inside.argmax()).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(filled, lines, -1, 1, -1)
    return filled.astype(bool)
