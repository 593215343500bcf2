"""The settings of a project that can change: what each is called, how it is read, shown and explained. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.assist import settings as assist_settings
from core.project.projects import DEFAULT_LEASE_S, DEFAULT_MAX_ITEMS
from core.project.settings import Settings, check
from tui.widgets import reading

BLANK = Settings("", DEFAULT_LEASE_S, DEFAULT_MAX_ITEMS, 1, 1, 0.5, 0.0, 0, {})
"""A project's settings as they are where nobody has changed any."""

Read = Callable[[str, Settings], Mapping[str, Any]]


@dataclass(frozen=True)
class Setting:
    """One line: `read` gives changes of settings by core's names, `show` the text that it would read again."""

    key: str
    name: str
    hint: str
    read: Read
    show: Callable[[Settings], str]

    def changes(self, settings: Settings, text: str) -> Mapping[str, Any]:
        """What a text changes. Raises BadInput where it cannot be, alone or with the other settings."""
        changes = self.read(text, settings)
        check(replace(settings, **changes))
        return changes


def _labelers(text: str, _: Settings) -> Mapping[str, Any]:
    least, most = reading.read_range(text)
    return {"min_labelers": least, "max_labelers": most}


def _assist(settings: Settings, **changes: Any) -> Mapping[str, Any]:
    """One setting of the learning worker, among the others as they are."""
    return {"assist": {**settings.assist, **changes}}


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "lease", "Lease", "how long a page stays in a labeler's hands: 90 s, 15 min, 1 h",
        lambda text, _: {"lease_s": reading.read_span_s(text)}, lambda s: reading.show_span_s(s.lease_s),
    ),
    Setting(
        "max-items", "Most images", "files beyond it are reported, not loaded",
        lambda text, _: {"max_items": reading.read_count(text)}, lambda s: f"{s.max_items:,}",
    ),
    Setting(
        "refresh", "Look for new files", "how often to look for new and missing files by itself: 1 h, 1 d, never",
        lambda text, _: {"refresh_every_s": reading.read_span_s(text)}, lambda s: reading.show_span_s(s.refresh_every_s),
    ),
    Setting(
        "labelers", "Labelers an image", "how many are asked of each image, such as 2 to 3: a third where two differ; pause first",
        _labelers, lambda s: reading.show_range(s.min_labelers, s.max_labelers),
    ),
    Setting(
        "iou", "Regions agree from", "overlap (IoU) from which two labelers' regions are the same one; pause first",
        lambda text, _: {"least_iou": reading.read_share(text)}, lambda s: reading.show_share(s.least_iou),
    ),
    Setting(
        "gold", "Gold images", "part of each labeler's images that have a known answer, to 50%",
        lambda text, _: {"gold_rate": reading.read_share(text)}, lambda s: reading.show_share(s.gold_rate),
    ),
    Setting(
        "assist", "ML assist", "on or off: a model learns from the labels and suggests others",
        lambda text, s: _assist(s, on=reading.read_switch(text)), lambda s: reading.show_switch(s.assist.get("on", False)),
    ),
    Setting(
        "first", "First training at", "so many labels",
        lambda text, s: _assist(s, first=reading.read_count(text)), lambda s: f"{assist_settings.read(s.assist).first:,} labels",
    ),
    Setting(
        "target", "Suggestions right in", "the precision that suggestions must be proven to have, such as 95%",
        lambda text, s: _assist(s, target=reading.read_share(text)),
        lambda s: reading.show_share(assist_settings.read(s.assist).target),
    ),
    Setting(
        "order", "Suggestions first", "which prelabeled pages come first: easiest, uncertain or diverse",
        lambda text, s: _assist(s, order=text.strip().lower()), lambda s: assist_settings.read(s.assist).order.value,
    ),
    Setting(
        "backbone", "Pictures seen by", "auto: the best model that the server has; plain: colours and edges, which needs no PyTorch",
        lambda text, s: _assist(s, backbone=text.strip().lower()), lambda s: assist_settings.read(s.assist).backbone,
    ),
    Setting(
        "dicom", "Learns from DICOM", "on or off: whether medical pictures take part",
        lambda text, s: _assist(s, dicom=reading.read_switch(text)), lambda s: reading.show_switch(assist_settings.read(s.assist).dicom),
    ),
)  # fmt: skip
