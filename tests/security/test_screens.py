"""Every screen over real SSH, filled with the corpus: the terminal receives only sequences that the driver itself makes."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from core.ids import TaskType
from tests.security.corpus import MARK, PAYLOADS, controls
from tests.security.house import HostileHouse
from tests.security.test_commands import in_hostile_house
from tests.ssh.client import APPLE, SshTerminal, until

pytest.importorskip("pyghostty")

# What the driver and the probe send: moves, colours, modes, pointers; one DECRQSS, one graphics query, one of the background.
OURS = re.compile(
    r"\x1b\[[?>=!]?[0-9;:]*[ $]?[A-Za-z]|\x1bP\$qm\x1b\\|\x1b_Gi=31[^\x1b]*\x1b\\|\x1b\]11;\?\x1b\\|\x1b\]22;[a-z-]*\x07|\x1b[78=>]|\x1b\[>0?q"
)
SIZE = (140, 48)
# A payload whole might pass for the driver's own sequences; one that ends in an escape might stand before one of those.
THEIRS = [p for p in PAYLOADS.values() if controls(p) and not p.endswith(("\x1b", "\x1b["))]


def leaked(raw: bytes) -> list[str]:
    """What the terminal received of the payloads' control characters."""
    text = raw.decode("utf-8", "replace")
    rest = OURS.sub("", text)
    # Pictures of this terminal are cells; text is printable, lines are the driver's moves.
    return controls(rest, "\r\n") + [p for p in THEIRS if p in text]


class Walk:
    """A user who goes from screen to screen."""

    def __init__(self, house: HostileHouse, terminal: SshTerminal) -> None:
        self.house, self.terminal = house, terminal

    @property
    def screen(self) -> str:
        """The name of the screen on top."""
        (session,) = self.house.front_end.sessions
        app = session.app
        return type(app.screen).__name__ if app is not None and app.screen_stack else ""

    async def press(self, keys: str, screen: str = "") -> None:
        """Type keys; then wait for the screen, or for the terminal to be still."""
        self.terminal.send(keys.encode())
        if screen:
            await until(lambda: self.screen == screen)
        await self.still()

    async def still(self) -> None:
        """Wait until nothing has come for a moment."""
        size = -1
        while size != len(self.terminal.raw):
            size = len(self.terminal.raw)
            await asyncio.sleep(0.07)


UP, DOWN, PAGE_UP, PAGE_DOWN = "\x1b[A", "\x1b[B", "\x1b[5~", "\x1b[6~"


async def label_everything(walk: Walk) -> None:
    """The instructions and every file of the first project, in pages of nine, and the dialogs of the labeling screen."""
    await walk.press("\r", "InstructionsScreen")
    await walk.press(PAGE_DOWN * 12)
    await walk.press("\r", "LabelingScreen")
    await walk.press("ggg")
    for _ in range(len(PAYLOADS) // 9 + 1):
        await walk.press("a1\r")
    await walk.press("b")
    await walk.press("?", "HelpScreen")
    await walk.press("\x1b", "LabelingScreen")
    await walk.press("/zq7")
    await walk.press("\x1b\x1b\x1b", "ProjectsScreen")


async def manage(walk: Walk) -> None:
    """Dashboard, details, classes, members, assignment; people, the log; with every dialog that they open."""
    await walk.press("d", "DashboardScreen")
    await walk.press("12345")
    for key, screen, dialogs in (("e", "DetailsScreen", "aXx"), ("c", "ClassesScreen", "nb\romx")):
        await walk.press(key, screen)
        await walk.press(PAGE_DOWN * 8 + DOWN * 140)
        await walk.press(PAGE_UP * 20 + UP * 140)
        await look_into(walk, dialogs)
    await walk.press("\x1b", "DetailsScreen")
    await walk.press("m", "MembersScreen")
    await look_into(walk, "a\rnx")
    await walk.press("\x1b\x1b\x1b", "ProjectsScreen")
    for key, screen, dialogs in (("u", "PeopleScreen", "nk"), ("l", "LogScreen", "/\r")):
        await walk.press(key, screen)
        for _ in range(8):
            await walk.press(PAGE_DOWN)
        await look_into(walk, dialogs)
        await walk.press("\x1b\x1b", "ProjectsScreen")


async def look_into(walk: Walk, keys: str) -> None:
    """Open the dialog of each key, go through what it offers, and leave everything as it is."""
    screen = walk.screen
    for key in keys:
        await walk.press(key)
        await until(lambda: walk.screen != screen)
        await walk.press(PAGE_DOWN * 3 + DOWN * 30)
        await walk.press("\x1b", screen)


async def make(walk: Walk, photos: Path) -> None:
    """The wizard: a hostile name, which it refuses, and its preview of hostile files."""
    await walk.press("n", "WizardScreen")
    for name in ("zq7 \x9b31mred\x07", "zq7"):
        await paste(walk, name)
        await walk.press("\r")
    await paste(walk, str(photos))
    await until(lambda: "images (" in walk.terminal.text())
    await walk.press("\x1b")
    await until(lambda: "1 of 9" in walk.terminal.text())
    await walk.press("\x1b", "Confirm")
    await walk.press("y", "ProjectsScreen")


async def paste(walk: Walk, text: str) -> None:
    """Over what the line holds, as a terminal sends what is pasted."""
    await walk.press("\x15")
    await walk.press(f"\x1b[200~{text}\x1b[201~")


async def review(walk: Walk) -> None:
    """The grid of all images, page by page, its filter, images that need review, and single ones with their history."""
    await walk.press("r", "DataScreen")
    for _ in range(8):
        await walk.press(PAGE_DOWN)
    await walk.press("/")
    await walk.press("\x1b", "DataScreen")
    await walk.press("n", "ConflictScreen")
    await walk.press("12" + PAGE_DOWN * 2)
    await walk.press("\x1b", "DataScreen")
    await walk.press("\x1b[H\r", "ItemScreen")
    for _ in range(12):
        await walk.press(PAGE_DOWN)
    await walk.press("\x1b\x1b", "ProjectsScreen")


async def draw(walk: Walk) -> None:
    """The second project: the canvas, its labels and its list of regions."""
    await walk.press(DOWN + "\r", "InstructionsScreen")
    await walk.press("\r", "CanvasScreen")
    await walk.press("/zq7")
    await walk.press("\x1b")
    await walk.press("s")
    await walk.press("\x1b\x1b", "ProjectsScreen")


def test_no_screen_lets_a_payload_act(tmp_path: Path) -> None:
    """Names, labels, comments, instructions, events: on every screen they are text, and the terminal is given back as it was."""

    async def story(house: HostileHouse) -> None:
        async with SshTerminal(house.login, "ada", APPLE, SIZE) as ada:
            walk = Walk(house, ada)
            await ada.sees("object-detection")
            await label_everything(walk)
            await manage(walk)
            await make(walk, tmp_path / TaskType.MULTI_CLASS.value)
            await review(walk)
            await draw(walk)
            await walk.press("\x11")
            assert await ada.ended() == 0
            assert leaked(ada.raw) == []
            assert ada.raw.decode("utf-8", "replace").count(MARK) > 1000
            assert ada.modes_left() == []

    in_hostile_house(tmp_path, story)
