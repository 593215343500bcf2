"""The line that says which number key is which label, as much of it as there is room for."""

from __future__ import annotations

from rich.cells import cell_len

from core.labels import LabelClass, LabelSet
from tui.colors import ink_on
from tui.text import clean, shorten
from tui.widgets.line import Part

MORE_CELLS = 11
LONGEST_NAME = 20


def label_hints(labels: LabelSet, width: int) -> tuple[list[Part], int]:
    """The parts of the line, and how many labels are left for the search. Pure."""
    numbered = [(number, label) for label in labels if (number := labels.number_of(label.id)) is not None]
    for padding in ("  ", " "):
        hints = [_hint(number, label, padding) for number, label in numbered]
        if len(hints) == len(labels) and _cells(hints) <= width:
            break
        while hints and _cells(hints) > width - MORE_CELLS:
            hints.pop()
        if len(hints) == len(numbered):
            break
    return [part for hint in hints for part in hint], len(labels) - len(hints)


def _hint(number: int, label: LabelClass, padding: str) -> list[Part]:
    name = shorten(clean(label.name), LONGEST_NAME)
    return [
        (f" {number} ", f"bold {ink_on(label.color)} on {label.color}"),
        (f"{padding[1:]}{name}{padding}", "foreground"),
    ]


def _cells(hints: list[list[Part]]) -> int:
    return sum(cell_len(text) for hint in hints for text, _ in hint)
