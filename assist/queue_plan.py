"""What a plan for the queue is made of, for images and for regions alike: places, priorities, the audit stream. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.assist.suggestions import Place
from core.ids import ItemId

AUDIT_PART = 0.2
SOON, AUDITED, LATER = -2_000_000, -1_000_000, 0


@dataclass(frozen=True)
class Plan:
    """Where open items are to stand; `audit` are those that join the audit stream."""

    places: tuple[Place, ...]
    audit: tuple[ItemId, ...] = ()


def extend_audit(
    audit: NDArray[np.bool_], more: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Items drawn at random to join the audit stream, and the stream with them (N); `audit` marks those in it already."""
    joined = rng.choice(np.flatnonzero(~audit), min(more, int((~audit).sum())), replace=False)
    stream = audit.copy()
    stream[joined] = True
    return joined, stream
