"""A JSON document piece by piece: its outermost fields, and the elements of its outermost lists one by one, however many.

Nothing is known here of what the pieces mean. Each is read by orjson; where it ends is found by the scanner of Python's own
json module, which can begin in the middle of a text and is as fast (docs/decisions/label-files.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from json import JSONDecodeError, JSONDecoder
from typing import Any, BinaryIO, NamedTuple, NoReturn

import orjson

from exporters.importers.entries import fail

PIECE_BYTES = 256 * 1024
LONGEST_BYTES = 64 * 1024**2
BOM = b"\xef\xbb\xbf"
_BLANKS = re.compile(r"[ \t\n\r]*")
# Any number will do here, and Python's whole numbers have a longest one: orjson is what reads them.
_SCANNER = JSONDecoder(strict=False, parse_int=float)


class Part(NamedTuple):
    """One value of the document.

    Attributes:
        field: the outermost field, or nothing where the document is a list.
        number: its place in the field's list; None where the value is no list, and of the empty list that begins each.
        start, length: where its bytes are in the file.
    """

    field: str
    number: int | None
    start: int
    length: int
    value: Any


def walk(file: BinaryIO, name: str) -> Iterator[Part]:
    """The document's parts in its order, each held only until the next one is asked for. Raises BadFile.

    Args:
        name: the file's, for messages.
    """
    window = _Window(file, name)
    if window.sign("{[", "an object or a list is needed") == "[":
        yield from _elements(window, "")
    else:
        yield from _fields(window)
    if window.peek():
        window.refuse("something follows its end")


def _fields(window: _Window) -> Iterator[Part]:
    seen: set[str] = set()
    if window.peek() == "}":
        window.at += 1
        return
    while True:
        if window.peek() != '"':
            window.refuse("a field's name is needed")
        field = window.value().value
        if field in seen:
            window.refuse(f"there are two fields {field[:40]!r}")
        seen.add(field)
        window.sign(":", "a colon is needed")
        if window.peek() == "[":
            window.at += 1
            yield from _elements(window, field)
        else:
            yield window.value()._replace(field=field)
        if window.sign(",}", "a comma or the object's end is needed") == "}":
            return


def _elements(window: _Window, field: str) -> Iterator[Part]:
    yield Part(field, None, window.base + window.at, 0, [])
    if window.peek() == "]":
        window.at += 1
        return
    number = 0
    while True:
        yield window.value()._replace(field=field, number=number)
        number += 1
        if window.sign(",]", "a comma or the list's end is needed") == "]":
            return


class _Window:
    """The part of the file that is being looked at, as Latin-1: a place in the text is then a place in the file."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file, self._name = file, name
        self.base = len(BOM) if file.read(len(BOM)) == BOM else 0
        file.seek(self.base)
        self._text, self.at = "", 0

    def _more(self) -> bool:
        rest = self._text[self.at :]
        data = self._file.read(max(PIECE_BYTES, len(rest)))
        self._text, self.base, self.at = rest + data.decode("latin-1"), self.base + self.at, 0
        return bool(data)

    def peek(self) -> str:
        """The next sign that is no blank; nothing at the end."""
        while True:
            self.at = self._after_blanks(self.at)
            if self.at < len(self._text):
                return self._text[self.at]
            if not self._more():
                return ""

    def _after_blanks(self, at: int) -> int:
        found = _BLANKS.match(self._text, at)
        return at if found is None else found.end()

    def sign(self, wanted: str, why: str) -> str:
        """Take one of these signs. Raises BadFile."""
        found = self.peek()
        if not found or found not in wanted:
            self.refuse(why)
        self.at += 1
        return found

    def value(self) -> Part:
        """Take one value; it counts as whole once what follows it is there too. Raises BadFile."""
        self.peek()
        while (end := self._end()) is None:
            if len(self._text) - self.at > LONGEST_BYTES or not self._more():
                self._load(len(self._text))
                self.refuse("it ends too early")
        start, length = self.base + self.at, end - self.at
        value = self._load(end)
        self.at = end
        return Part("", None, start, length, value)

    def _end(self) -> int | None:
        try:
            end = _SCANNER.raw_decode(self._text, self.at)[1]
        except JSONDecodeError:
            return None
        except RecursionError:
            self.refuse("it is nested too deep")
        follows = self._after_blanks(end)
        return end if self._text[follows : follows + 1] in (",", ":", "]", "}") else None

    def _load(self, end: int) -> Any:
        try:
            return orjson.loads(self._text[self.at : end].encode("latin-1"))
        except orjson.JSONDecodeError as error:
            self.at += len(error.doc[: error.pos].encode(errors="replace"))
            self.refuse(error.msg)

    def refuse(self, why: str) -> NoReturn:
        """Raises BadFile with the line and column of where the window is."""
        line, column = _place(self._file, self.base + self.at)
        fail(f"{self._name}, line {line}, column {column}", f"this is no JSON: {why}")


def _place(file: BinaryIO, at: int) -> tuple[int, int]:
    """The line and the column, in bytes, of a place in a file; both from 1."""
    file.seek(0)
    line, column, left = 1, 1, at
    while left > 0 and (data := file.read(min(PIECE_BYTES, left))):
        left -= len(data)
        line += data.count(b"\n")
        last = data.rfind(b"\n")
        column = len(data) - last if last >= 0 else column + len(data)
    return line, column
