"""A row of thumbnails: one picture, with a line of words over each of them and one below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.geometry import Region
from textual.strip import Strip

from tui.colors import ink_on
from tui.picture.stage import Stage
from tui.picture.view import PictureView
from tui.steady import SteadyWidget
from tui.text import shorten
from tui.widgets.line import style_of

PLAIN, FOCUSED = "\u256d\u2500\u256e\u2570\u2500\u256f", "\u250f\u2501\u2513\u2517\u2501\u251b"


@dataclass(frozen=True)
class Card:
    """What is said around one thumbnail.

    Attributes:
        name: below it, cut at the front where it is too long.
        tags: (text, colour) of its labels, over it.
        word: (text, theme colour) of how it stands, over it where it has no label.
        marks: (text, theme colour) at the right, such as that it was reviewed.
        by: who labeled it, below at the right where there is room.
    """

    name: str
    tags: tuple[tuple[str, str], ...] = ()
    word: tuple[str, str] = ("", "")
    marks: tuple[tuple[str, str], ...] = ()
    by: str = ""
    focused: bool = False
    selected: bool = False


class Shelf(SteadyWidget):
    """Cards side by side, each `slot_columns` wide, over one picture of the whole row."""

    DEFAULT_CSS = "Shelf { width: 1fr; height: auto; } Shelf PictureView { width: 1fr; margin: 1 0; }"

    def __init__(self, stage: Stage, slot_cells: tuple[int, int]) -> None:
        super().__init__()
        self.view = PictureView(stage)
        self._slot_cells = slot_cells
        self._cards: tuple[Card, ...] = ()

    def compose(self) -> ComposeResult:
        """The picture."""
        self.styles.height = self._slot_cells[1] + 2
        self.view.styles.height = self._slot_cells[1]
        yield self.view

    def show(self, cards: Sequence[Card]) -> None:
        """Show these; only the words of a card that changed are drawn anew."""
        old, self._cards = self._cards, tuple(cards)
        wide, high = self._slot_cells
        for n in range(max(len(old), len(self._cards))):
            if old[n : n + 1] != self._cards[n : n + 1]:
                self.refresh(Region(n * wide, 0, wide, 1), Region(n * wide, high + 1, wide, 1))

    def render_line(self, y: int) -> Strip:
        """The words; the picture covers the middle by itself."""
        width = self.size.width
        if y not in (0, self._slot_cells[1] + 1):
            return Strip.blank(width, self.rich_style)
        line = [segment for card in self._cards for segment in (self._over(card) if y == 0 else self._under(card))]
        return Strip(line).adjust_cell_length(width, self.rich_style)

    def _over(self, card: Card) -> list[Segment]:
        colors, base, frame = self.app.theme_variables, self.rich_style, self._frame(card)
        marks = [Segment(f" {text}", base + style_of(f"bold {color}", colors)) for text, color in card.marks]
        parts = [Segment("\u25c6", frame)] if card.selected else []
        if card.tags:
            parts += self._tags(card, self._slot_cells[0] - 4 - 2 * len(marks) - len(parts))
        elif card.word[0]:
            parts.append(Segment(f" {card.word[0]} ", base + style_of(card.word[1], colors)))
        return self._edge(card, frame, 0, parts, marks)

    def _tags(self, card: Card, room: int) -> list[Segment]:
        """As many labels as there is room for, the first one in any case, and how many more there are."""
        parts: list[Segment] = []
        for n, (text, color) in enumerate(card.tags):
            left, rest = len(card.tags) - n - 1, room - sum(part.cell_length for part in parts)
            if n and cell_len(text) + 3 + (3 if left else 0) > rest:
                return [*parts, Segment(f"+{left + 1}", self.rich_style)]
            parts += [
                Segment(f" {shorten(text, room - 3)} ", Style.parse(f"bold {ink_on(color)} on {color}")),
                Segment(" ", self.rich_style),
            ]
        return parts

    def _under(self, card: Card) -> list[Segment]:
        colors, base = self.app.theme_variables, self.rich_style
        room = self._slot_cells[0] - 5
        by = f" {card.by}" if card.by and cell_len(card.by) + 9 <= room else ""
        ink = (
            "bold background on accent" if card.focused else "background on primary" if card.selected else "foreground"
        )
        name = Segment(f" {shorten(card.name, room - cell_len(by))} ", base + style_of(ink, colors))
        return self._edge(card, self._frame(card), 3, [name], [Segment(by, base + style_of("secondary", colors))])

    def _frame(self, card: Card) -> Style:
        name = "bold accent" if card.focused else "primary" if card.selected else "panel"
        return self.rich_style + style_of(name, self.app.theme_variables)

    def _edge(self, card: Card, frame: Style, first: int, left: list[Segment], right: list[Segment]) -> list[Segment]:
        """A card's upper or lower edge with words in it, as wide as its slot, a gap behind."""
        glyphs = (FOCUSED if card.focused else PLAIN)[first : first + 3]
        room = self._slot_cells[0] - 4
        right = [part for part in right if part.text]
        wide = sum(part.cell_length for part in right)
        inner = Strip(left)
        if inner.cell_length > room - wide:
            inner = inner.crop(0, max(0, room - wide))
        bar = glyphs[1] * max(0, room - wide - inner.cell_length)
        return [
            Segment(glyphs[0] + glyphs[1], frame), *inner, Segment(bar, frame), *right, Segment(glyphs[2], frame),
            Segment(" ", self.rich_style),
        ]  # fmt: skip
