"""XML with line numbers, bounded in depth and size; document types and entities are refused, as no label needs them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from exporters.importers.entries import fail
from exporters.importers.files import LabelFile

DEEPEST = 40
PIECE_BYTES = 256 * 1024


@dataclass(slots=True)
class Node:
    """One element."""

    tag: str
    attributes: dict[str, str]
    line: int
    text: str = ""
    children: list[Node] = field(default_factory=list)

    def all(self, tag: str) -> Iterator[Node]:
        """The children of that name."""
        return (child for child in self.children if child.tag == tag)

    def first(self, tag: str) -> Node | None:
        """The first child of that name."""
        return next(self.all(tag), None)

    def exactly(self, tag: str) -> str:
        """The text of the first child of that name as it stands, or nothing."""
        child = self.first(tag)
        return "" if child is None else child.text

    def said(self, tag: str) -> str:
        """The text of the first child of that name, or nothing."""
        child = self.first(tag)
        return "" if child is None else child.text.strip()


def read_xml(file: LabelFile) -> Node:
    """The root element of a small file. Raises BadFile."""
    builder = _Builder(file.name)
    builder.take(file.read(), last=True)
    return builder.root


def elements(file: LabelFile) -> Iterator[Node]:
    """The root element as long as it is empty, then each of its children, which nothing else keeps. Raises BadFile."""
    builder = _Builder(file.name)
    with file.stream() as opened:
        told = False
        while True:
            data = opened.read(PIECE_BYTES)
            builder.take(data, last=not data)
            if not told and builder.top.children:
                told = True
                yield Node(builder.root.tag, builder.root.attributes, builder.root.line)
            if told:
                yield from builder.whole_children()
            if not data:
                return


class _Builder:
    """Makes nodes of what expat says."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.top = Node("", {}, 0)
        self._stack = [self.top]
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = self._characters, self._refuse

    @property
    def root(self) -> Node:
        """The outermost element."""
        return self.top.children[0]

    def take(self, data: bytes, *, last: bool) -> None:
        """Read on. Raises BadFile."""
        try:
            self._parser.Parse(data, last)
        except (expat.ExpatError, ValueError, LookupError) as error:
            line = getattr(error, "lineno", 1)
            why = expat.ErrorString(getattr(error, "code", 0)) or error
            fail(f"{self._name}, line {line}", f"this is no XML: {why}")

    def whole_children(self) -> list[Node]:
        """The root's children that have ended since this was last asked."""
        root = self.root
        ended = len(root.children) - (len(self._stack) > 2)
        found, root.children, root.text = root.children[:ended], root.children[ended:], ""
        return found

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        node = Node(tag, attributes, self._parser.CurrentLineNumber)
        if len(self._stack) > DEEPEST:
            fail(f"{self._name}, line {node.line}", "elements are nested too deep")
        self._stack[-1].children.append(node)
        self._stack.append(node)

    def _end(self, _tag: str) -> None:
        self._stack.pop()

    def _characters(self, text: str) -> None:
        self._stack[-1].text += text

    def _refuse(self, *_: object) -> None:
        fail(f"{self._name}, line {self._parser.CurrentLineNumber}", "a document type is not taken; remove its line")
