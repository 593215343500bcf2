"""Every payload of the corpus in every argument of every command, and all that stands in a hostile database in every listing.

`tests/security` takes samples of the arguments, and walks through the screens over real SSH; this is the whole of the commands, counted.
"""

from __future__ import annotations

import argparse
import asyncio
import shlex
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sshd.commands import run_command
from tests.security.corpus import MARK, PAYLOADS, controls
from tests.security.house import HostileHouse, hostile_house
from tests.security.surface import READS, REFUSED


def run(args: argparse.Namespace) -> dict[str, Any]:
    """How many control characters came out; the peer of this figure is zero."""
    with TemporaryDirectory(prefix="tagline-escapes-") as folder:
        found = asyncio.run(_all(Path(folder)))
    return {"payloads": len(PAYLOADS), **found, "met": {"no control character": found["control characters"] == 0}}


async def _all(folder: Path) -> dict[str, Any]:
    async with hostile_house(folder) as house:
        listed = [line for read in READS for line in (read, f"{read} --json")]
        texts = [await _said(house, shlex.split(line.format(*house.projects))) for line in listed]
        calls = [(line.split(), payload) for payload in PAYLOADS.values() for line in REFUSED]
        texts += [await _said(house, [part.format(*house.projects, p=p) for part in words]) for words, p in calls]
    return {
        "commands run": len(texts), "characters": sum(map(len, texts)), "payloads recognised": sum(text.count(MARK) for text in texts),
        "control characters": sum(len(controls(text, "\n")) for text in texts),
    }  # fmt: skip


async def _said(house: HostileHouse, argv: list[str]) -> str:
    out: list[bytes] = []

    async def keep(data: bytes) -> None:
        out.append(data)

    await run_command(argv, house.admin, house.db, keep, keep)
    return b"".join(out).decode().replace("\r\n", "\n")
