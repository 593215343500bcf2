"""Tagline's two themes. Every colour is explicit, so that pictures under text are covered (see `tui.picture.kitty`)."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="tagline-dark", dark=True, primary="#5eb1ef", secondary="#8b9bb0", accent="#ffca57", foreground="#e3e8ef",
    background="#11151c", surface="#181e27", panel="#222b37", success="#5ec08a", warning="#ffb454", error="#f2777a",
)  # fmt: skip
LIGHT = Theme(
    name="tagline-light", dark=False, primary="#0b63b0", secondary="#5a6675", accent="#9a5b00", foreground="#1b222c",
    background="#fbfbf9", surface="#f1f1ee", panel="#e2e4e6", success="#1a7f4b", warning="#a15c00", error="#b3261e",
)  # fmt: skip


def theme_for(is_dark: bool | None) -> Theme:
    """The theme that fits the terminal's background; dark where it did not say."""
    return LIGHT if is_dark is False else DARK
