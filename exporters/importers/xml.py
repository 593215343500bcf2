"""XML with line numbers, bounded in depth and size; document types and entities are refused, as no label needs them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from exporters.importers.entries import fail
from exporters.importers.files import LabelFile

DEEPEST = 40


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


def read_xml(file: LabelFile, data: bytes | None = None) -> Node:
    """The root element. Raises BadFile."""
    data = file.read() if data is None else data
    root = Node("", {}, 0)
    stack = [root]
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def start(tag: str, attributes: dict[str, str]) -> None:
        node = Node(tag, attributes, parser.CurrentLineNumber)
        if len(stack) > DEEPEST:
            fail(f"{file.name}, line {node.line}", "elements are nested too deep")
        stack[-1].children.append(node)
        stack.append(node)

    def end(_tag: str) -> None:
        stack.pop()

    def characters(text: str) -> None:
        stack[-1].text += text

    def refuse(*_: object) -> None:
        fail(f"{file.name}, line {parser.CurrentLineNumber}", "a document type is not taken; remove its line")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = characters, refuse
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        line = getattr(error, "lineno", 1)
        fail(f"{file.name}, line {line}", f"this is no XML: {expat.ErrorString(getattr(error, 'code', 0)) or error}")
    return root.children[0]
