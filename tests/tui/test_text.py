"""Text from outside on the screen: harmless, and still readable."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from tui.text import clean, shorten


@given(st.text())
def test_no_text_from_outside_can_steer_the_terminal(text: str) -> None:
    """A file name or label never carries escape sequences, line breaks or invisible characters to a labeler's screen."""
    shown = clean(text)
    assert len(shown) == len(text)
    assert not any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") for char in shown)


def test_ordinary_text_stays_as_it_is() -> None:
    """Letters of any script and emoji are shown as they were written."""
    assert clean("Füchse/狐 🦊 [bold]x[/]") == "Füchse/狐 🦊 [bold]x[/]"


@given(st.text("abcdefgh.", max_size=40), st.integers(0, 40))
def test_a_long_name_keeps_its_end(text: str, width: int) -> None:
    """A name that does not fit is cut at the front, since its end tells it from its neighbours."""
    shown = shorten(text, width)
    assert len(shown) <= max(width, 0) or shown == ""
    assert shown == text or shown == "" or (shown[0] == "…" and text.endswith(shown[1:]))
