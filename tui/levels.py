"""Window and level of a grey DICOM image while keys change them: arrows move it, letters pick presets. Pure.

It changes what is seen, never the file; nothing here is meant for diagnosis.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from storage.dicom import Levels, Window
from tui.text import clean
from tui.widgets.line import Part

STEP, FAR = 0.04, 5
INVERT, RESET = "i", "r"
LETTERS = "abcdefghjklmnopqstuvxyz"


@dataclass(frozen=True)
class Leveling:
    """The window that is seen through now, and what else the image can be seen through."""

    levels: Levels
    window: Window

    def takes(self, letter: str) -> bool:
        """True for letters that mean nothing else while the levels are shown, whether or not they are a preset's."""
        return len(letter) == 1 and letter in (*LETTERS, INVERT, RESET)

    def typed(self, letter: str) -> Leveling:
        """What a letter picks; itself where it picks nothing."""
        presets = dict(zip(LETTERS, self.levels.presets, strict=False))
        if letter == INVERT:
            return replace(self, window=replace(self.window, inverted=not self.window.inverted))
        if letter == RESET:
            return replace(self, window=self.levels.window)
        return replace(self, window=presets[letter].window) if letter in presets else self

    def moved(self, direction: tuple[int, int], *, far: bool) -> Leveling:
        """An arrow: to the right wider, up to higher values, by a share of the width."""
        step = max(1.0, self.window.width * STEP) * (FAR if far else 1)
        width = max(1.0, self.window.width + direction[0] * step)
        return replace(self, window=replace(self.window, center=self.window.center - direction[1] * step, width=width))

    def parts(self) -> list[Part]:
        """The window, then pairs of a letter and what it picks, for the left of a line."""
        turned = " inverted" if self.window.inverted else ""
        parts: list[Part] = [
            (f" level {self.window.center:.0f} width {self.window.width:.0f}{turned} ", "bold success")
        ]
        for letter, one in zip(LETTERS, self.levels.presets, strict=False):
            parts += [(f" {letter} ", "bold primary"), (clean(one.name), "foreground")]
        return parts

    @staticmethod
    def keys() -> list[Part]:
        """What every image has, for the right of the line."""
        named = ((INVERT, "invert"), (RESET, "reset"), ("Esc", "done"))
        return [part for key, word in named for part in ((f" {key} ", "bold primary"), (f"{word} ", "foreground"))]
