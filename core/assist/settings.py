"""What a project may ask of the learning worker, by name, checked. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from core.errors import BadInput
from core.ids import TaskType


class Order(StrEnum):
    """Which prelabeled pages come first."""

    EASIEST = "easiest"
    UNCERTAIN = "uncertain"
    DIVERSE = "diverse"


@dataclass(frozen=True)
class AssistSettings:
    """A project's settings of the learning worker.

    Attributes:
        on: whether it learns from this project at all.
        first: labels from which it trains for the first time.
        target: the precision that prelabels must be proven to have, over 0.5 and under 1.
        backbone: what turns pictures into numbers: `auto` (the best one installed) or `plain` (needs no PyTorch).
        order: which prelabeled pages come first.
        dicom: whether DICOM files take part.
    """

    on: bool = False
    first: int = 150
    target: float = 0.95
    backbone: str = "auto"
    order: Order = Order.EASIEST
    dicom: bool = False


def needs(task_type: TaskType, settings: AssistSettings) -> str:
    """What a worker must have to serve a project: boxes and polygons are only found by a network."""
    return "" if settings.backbone == "plain" and not task_type.has_regions else "torch"


def read(stored: Mapping[str, Any]) -> AssistSettings:
    """The settings that a project keeps by name. Raises BadInput for an unknown name or an impossible value."""
    known = {f.name for f in fields(AssistSettings)}
    for name in stored:
        if name not in known:
            raise BadInput(f"ML assist has no setting {name!r}; it has: {', '.join(sorted(known))}.")
    return AssistSettings(
        on=_flag(stored, "on", default=False),
        first=_first(stored.get("first", 150)),
        target=_target(stored.get("target", 0.95)),
        backbone=_one_of(stored, "backbone", ("auto", "plain")),
        order=Order(_one_of(stored, "order", tuple(Order))),
        dicom=_flag(stored, "dicom", default=False),
    )


def _flag(stored: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = stored.get(name, default)
    if not isinstance(value, bool):
        raise BadInput(f"The ML assist setting {name!r} is true or false, not {value!r}.")
    return value


def _first(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 10 <= value <= 1_000_000:
        raise BadInput(f"ML assist trains first at 10 or more labels, a whole number, not {value!r}.")
    return value


def _target(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.5 < value < 1:
        raise BadInput(f"The target precision of ML assist lies between 0.5 and 1, such as 0.95, not {value!r}.")
    return float(value)


def _one_of(stored: Mapping[str, Any], name: str, allowed: tuple[str, ...]) -> str:
    value = stored.get(name, allowed[0])
    if value not in allowed:
        raise BadInput(f"The ML assist setting {name!r} is one of {', '.join(allowed)}, not {value!r}.")
    return str(value)
