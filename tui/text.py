"""Text from outside made safe for a terminal: file names, labels, comments and instructions."""

from __future__ import annotations

import codecs
import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def clean(text: str, *, lines: bool = False) -> str:
    """The text without control, format and private-use characters; line breaks stay where `lines` asks for them."""
    if text.isprintable():
        return text
    return "".join(
        char if (lines and char == "\n") or unicodedata.category(char) not in _HIDDEN else REPLACEMENT for char in text
    )


def json_safe(data: bytes) -> bytes:
    """JSON text of the same meaning in which those characters are `\\u` escapes: a terminal that shows it acts on none."""
    if data.isascii():
        return data.replace(b"\x7f", b"\\u007f")
    return "".join(char if char == "\n" or not _is_hidden(char) else _escaped(char) for char in data.decode()).encode()


def _is_hidden(char: str) -> bool:
    return unicodedata.category(char) in _HIDDEN


def _escaped(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[n]:02x}{units[n + 1]:02x}" for n in range(0, len(units), 2))


class Cleaner:
    """Makes a stream of bytes safe for a terminal, whatever it is cut into; lines and tabs stay."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def clean(self, data: bytes) -> bytes:
        """The next piece."""
        text = self._decoder.decode(data)
        return "\t".join(clean(part, lines=True) for part in text.split("\t")).encode()


def shorten(text: str, width: int) -> str:
    """The end of a long text, which is what tells file names apart, in at most `width` characters."""
    return text if len(text) <= width else ("\N{HORIZONTAL ELLIPSIS}" + text[-(width - 1) :] if width > 1 else "")
