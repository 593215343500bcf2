"""What the README and docs/ tell people to type is what Tagline takes, and their links lead somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from sshd.commands import build_parser
from tests.commands.test_cli import ROOT, whole_parser

PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def typed(page: Path) -> list[str]:
    """The command lines in a page's code blocks, continued lines joined."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]


def commands() -> list[str]:
    """Every call of Tagline that the pages show."""
    lines = [line.split(" > ")[0].strip() for page in PAGES for line in typed(page)]
    return [
        line for line in lines if re.match(r"(\.venv/bin/)?tagline |ssh -p 2222 \w+@\w+ \w", line) and "…" not in line
    ]


@pytest.mark.parametrize("line", commands())
def test_every_command_shown_is_taken(line: str) -> None:
    """A reader who types what a page shows is not told that it is wrong."""
    argv = shlex.split(line)
    if argv[0] == "ssh":
        build_parser("ssh").parse_args(argv[4:])
    else:
        whole_parser().parse_args(argv[1:])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """No link within the documentation is broken."""
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target
