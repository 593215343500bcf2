"""A new admin's whole day, by keys alone over real ssh: from an empty server to an export of reviewed labels."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.ids import Role, TaskType
from core.intake.ingest import import_files
from core.project import projects
from core.project.projects import NewProject
from core.team import people
from core.team.access import OPERATOR
from core.upkeep.auditlog import Wanted, entries
from exporters import coco
from sshd.config import Config
from sshd.front_end import app_maker, cut_off
from sshd.janitor import work
from storage import open_store
from tests.ssh.client import APPLE, SshTerminal
from tests.ssh.house import NOW_MS, House, make_key, open_house
from tests.tui.house import make_photos
from tui.picture_pool import Pictures

pytest.importorskip("pyghostty")

SIZE = (80, 24)
UP, DOWN, RIGHT, ESC, ENTER = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b", "\r"
LONG_S = 30.0


class Person:
    """Somebody at a terminal: types, and waits until the screen says what it is to say."""

    def __init__(self, terminal: SshTerminal) -> None:
        self.terminal = terminal

    async def type(self, *keys: str, sees: str) -> None:
        """Type, then wait for words; lines that are wrapped or framed are read as one."""
        for key in keys:
            self.terminal.send(key.encode())
            await asyncio.sleep(0.05)  # an Esc is a key of its own only when nothing follows it at once
        await self.sees(sees)

    async def sees(self, words: str) -> None:
        """Wait for words."""
        await self.terminal.until(lambda: words in " ".join(self.terminal.text().split()), repr(words), LONG_S)


@asynccontextmanager
async def seated(house: House, name: str) -> AsyncIterator[Person]:
    """Somebody logs in with the key of their name."""
    login = replace(house.login, key=house.login.key.with_name(name))
    async with SshTerminal(login, name, APPLE, SIZE) as terminal:
        yield Person(terminal)


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[House]:
    """A server with its janitor; alice is its admin, and `images` lies where admins may take images from."""
    config = Config(folder, f"sqlite:///{folder / 'tagline.db'}", sources=str(folder))
    pictures, stop = Pictures(), asyncio.Event()
    make_app = lambda *seat: app_maker(house.db, pictures, config.source_urls)(*seat)  # noqa: E731
    async with open_house(folder, make_app=make_app) as house:
        janitor = asyncio.create_task(work(config, stop, lambda: None))
        watch = asyncio.create_task(cut_off(house.front_end))
        try:
            yield house
        finally:
            watch.cancel()
            stop.set()
            await janitor
            pictures.close()


async def add_user(admin: Person, name: str, key: str) -> None:
    """A new user with the public key that they sent, on the page of users."""
    await admin.type("n", sees="Public key")
    await admin.type(name, "\t", key, ENTER, sees=f"What is {name}?")
    await admin.type(ENTER, sees=f"{name} can log in")


async def make_project(admin: Person, folder: Path) -> None:
    """Through the wizard: six images, two labels, instructions, two labelers an image, bob and dora."""
    await admin.type("n", sees="1 of 9")
    await admin.type("Birds", ENTER, sees="2 of 9")
    await admin.type(
        "\x15", sees="Write a folder of the server"
    )  # cleared; a key that is bound is slower than a letter
    await admin.type(str(folder / "images"), sees="6 images (6 .png)")
    await admin.type(ENTER, sees="3 of 9")
    await admin.type(ENTER, sees="4 of 9")
    await admin.type("robin\rowl", "\x0e", sees="5 of 9")
    await admin.type("Label the *bird*.", "\x0e", sees="6 of 9")
    await admin.type("\x15", sees="Write one number")
    await admin.type("2", ENTER, sees="7 of 9")
    await admin.type(ENTER, sees="8 of 9")
    await admin.type(" ", DOWN, DOWN, " ", ENTER, sees="9 of 9")
    await admin.sees("bob, dora")
    await admin.type(ENTER, sees="0 of 6 labeled")


async def add_class(admin: Person) -> None:
    """Pause on the details page, add a class, let the project run again."""
    await admin.type("d", sees="running")
    await admin.type("e", sees="Settings")
    await admin.type(" ", sees="Birds paused")
    await admin.type("c", sees="owl")
    await admin.type("n", sees="New label")
    await admin.type("heron", ENTER, sees="Added heron")
    await admin.type(" ", sees="Birds running")
    await admin.type(ESC, sees="Exports")
    await admin.type(ESC, sees="Overview")


async def label_all(house: House, name: str, *, owl_first: bool) -> None:
    """Somebody reads the instructions and labels six images as robins; the first of all as an owl, where so asked."""
    async with seated(house, name) as labeler:
        await labeler.sees("Birds")
        await labeler.type(ENTER, sees="Label the bird.")
        await labeler.type(ENTER, sees="heron")
        await labeler.type("a", "1", "a", *(["2"] if owl_first else []), ENTER, sees="saved 4")
        await labeler.type("a", "1", ENTER, sees="The queue is empty")


async def review(admin: Person) -> None:
    """One image is sent back with a comment, and the conflict is settled with dora's answer."""
    await admin.type("r", sees="1 needs review: n")
    await admin.type("/", sees="Showing everything")
    await admin.type("labeled", ENTER, sees="/ labeled")
    await admin.type("x", sees="why?")
    await admin.type("the wing is cut off", ENTER, sees="sent back to their labelers")
    await admin.type("n", sees="dora: owl")
    await admin.type("2", ENTER, sees="settled with dora's answer")
    await admin.sees("Nothing needs review")
    await admin.type(ESC, sees="Review")
    await admin.type(ESC, sees="Overview")


async def correct(house: House, name: str) -> None:
    """A labeler reads why an image came back, and labels it as a heron."""
    async with seated(house, name) as labeler:
        await labeler.sees("Birds")
        await labeler.type(ENTER, sees="sent back: the wing is cut off")
        await labeler.type("3", ENTER, sees="The queue is empty")


async def export(admin: Person) -> None:
    """From the dashboard to the details, and there as COCO into the datastore."""
    await admin.type("e", sees="Exports")
    await admin.type("x", sees="Export Birds as")
    await admin.type(ENTER, sees="Which images?")
    await admin.type(ENTER, sees="being written into")
    await admin.sees("coco: less than a minute ago")


def exported(folder: Path) -> dict[str, Any]:
    """The labels as they lie in the datastore."""
    [file] = (folder / "images/Labeling/export/coco").glob(f"*/{coco.FILE}")
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def test_an_admins_first_day(tmp_path: Path) -> None:
    """Users, a project, a pause for another class, labels, a rejection with a comment, a conflict settled, an export: by keys."""
    make_photos(tmp_path / "images", 6)
    key = Path(f"{make_key(tmp_path / 'dora')}.pub").read_text().strip()

    async def story(house: House) -> None:
        async with seated(house, "alice") as admin:
            await admin.sees("There is no project yet.")
            await admin.type("u", sees="bob")
            await add_user(admin, "dora", key)
            await admin.type(ESC, sees="There is no project yet.")
            await make_project(admin, tmp_path)
            await add_class(admin)
            await label_all(house, "bob", owl_first=False)
            await label_all(house, "dora", owl_first=True)
            await review(admin)
            await correct(house, "bob")
            await correct(house, "dora")
            await export(admin)
        await is_as_told(house, tmp_path)

    async def live() -> None:
        async with asyncio.timeout(100), running(tmp_path) as house:
            await story(house)

    asyncio.run(live())


async def is_as_told(house: House, folder: Path) -> None:
    """The export has one owl, one heron and four robins; the log tells the day under alice's name."""
    labels = exported(folder)
    names = {one["id"]: one["name"] for one in labels["categories"]}
    given = sorted(names[one["category_id"]] for one in labels["annotations"])
    assert given == ["heron", "owl", "robin", "robin", "robin", "robin"]
    log = [one.what for one in await house.db.read(entries, OPERATOR, Wanted(), limit=100) if one.by == "alice"]
    for what in ("user-added", "project-created", "item-rejected", "item-resolved", "labels-exported"):
        assert what in log, what


async def make_small_project(house: House, folder: Path) -> None:
    """Six images and one label, given to bob."""
    store = open_store(f"local:{folder / 'images'}")
    new = NewProject("Birds", TaskType.MULTI_CLASS, store.url, ("robin",), seed=7)
    made = await house.db.write(projects.create_project, new, by=None, now_ms=NOW_MS)
    bob = await house.db.read(people.account_by_name, "bob")
    await house.db.write(people.add_member, made.id, bob.id, Role.LABELER, by=None, now_ms=NOW_MS)
    await import_files(house.db, made.id, store, by=None, now_ms=lambda: NOW_MS)


def test_a_disabled_users_session_ends_at_once(tmp_path: Path) -> None:
    """An admin shuts bob out while he labels: within seconds his connection is over, the terminal as it was, his answers kept."""
    make_photos(tmp_path / "images", 6)

    async def story(house: House) -> None:
        async with seated(house, "alice") as admin, seated(house, "bob") as bob:
            await admin.sees("There is no project yet.")
            await make_small_project(house, tmp_path)
            await bob.sees("0 of 6 labeled")
            await bob.type(ENTER, sees="robin")
            await bob.type("a", "1", ENTER, sees="saved 4")
            await admin.type("u", sees="bob")
            await admin.type(DOWN, "x", sees="Shut bob out?")
            await admin.type("y", sees="disabled")
            await bob.terminal.ended()
            assert not bob.terminal.modes_left()
            await admin.type(ESC, sees="4 of 6 labeled")

    async def live() -> None:
        async with asyncio.timeout(60), running(tmp_path) as house:
            await story(house)

    asyncio.run(live())
