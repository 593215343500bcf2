"""The settings of a project that can change: what each is called, how it is read, shown and explained. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.settings import Settings, check
from tui.widgets import reading

Read = Callable[[str], Mapping[str, Any]]


@dataclass(frozen=True)
class Setting:
    """One line: `read` gives changes by core's names, `show` the text that it would read again."""

    key: str
    name: str
    hint: str
    read: Read
    show: Callable[[Settings], str]

    def changes(self, settings: Settings, text: str) -> Mapping[str, Any]:
        """What a text changes. Raises BadInput where it cannot be, alone or with the other settings."""
        changes = self.read(text)
        check(replace(settings, **changes))
        return changes


def _labelers(text: str) -> Mapping[str, Any]:
    least, most = reading.read_range(text)
    return {"min_labelers": least, "max_labelers": most}


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "lease", "Lease", "how long a page stays in a labeler's hands: 90 s, 15 min, 1 h",
        lambda text: {"lease_s": reading.read_span_s(text)}, lambda s: reading.show_span_s(s.lease_s),
    ),
    Setting(
        "max-items", "Most images", "files beyond it are reported, not loaded",
        lambda text: {"max_items": reading.read_count(text)}, lambda s: f"{s.max_items:,}",
    ),
    Setting(
        "refresh", "Look for new files", "how often to look for new and missing files by itself: 1 h, 1 d, never",
        lambda text: {"refresh_every_s": reading.read_span_s(text)}, lambda s: reading.show_span_s(s.refresh_every_s),
    ),
    Setting(
        "labelers", "Labelers an image", "how many are asked of each image, such as 2 to 3: a third where two differ; pause first",
        _labelers, lambda s: reading.show_range(s.min_labelers, s.max_labelers),
    ),
    Setting(
        "iou", "Regions agree from", "overlap (IoU) from which two labelers' regions are the same one; pause first",
        lambda text: {"least_iou": reading.read_share(text)}, lambda s: reading.show_share(s.least_iou),
    ),
    Setting(
        "gold", "Gold images", "part of each labeler's images that have a known answer, to 50%",
        lambda text: {"gold_rate": reading.read_share(text)}, lambda s: reading.show_share(s.gold_rate),
    ),
    Setting(
        "assist", "ML assist", "settings of the learning worker: name=value, name=value",
        lambda text: {"assist": reading.read_pairs(text)}, lambda s: reading.show_pairs(dict(s.assist)),
    ),
)  # fmt: skip
