"""Text from outside made safe for a terminal: file names, labels, comments and instructions."""

from __future__ import annotations

import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def clean(text: str, *, lines: bool = False) -> str:
    """The text without control, format and private-use characters; line breaks stay where `lines` asks for them."""
    return "".join(
        char if (lines and char == "\n") or unicodedata.category(char) not in _HIDDEN else REPLACEMENT for char in text
    )


def shorten(text: str, width: int) -> str:
    """The end of a long text, which is what tells file names apart, in at most `width` characters."""
    return text if len(text) <= width else ("\N{HORIZONTAL ELLIPSIS}" + text[-(width - 1) :] if width > 1 else "")
