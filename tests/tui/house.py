"""A project of real little pictures on a real SQLite database, and sessions of the app on it without a terminal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from textual.pilot import Pilot

from core.annotation import HeldItem, Page
from core.counts.progress import Progress, project_progress
from core.db.database import Database, open_database
from core.db.recent import Recent
from core.db.schema import migrate
from core.ids import ProjectId, ProjectState, Role, TaskType
from core.intake import ingest
from core.labeling import corrections, queue
from core.project import projects
from core.team import people
from core.team.people import Account
from storage import open_store
from tui.app import TaglineApp
from tui.desk import Desk
from tui.picture.stage import Stage
from tui.picture_pool import Pictures
from tui.screens.labeling import LabelingScreen
from tui.terminal import Graphics, Terminal
from tui.widgets.line import Line

START_MS = 1_700_000_000_000
LABELS = ("cat", "dog", "bird")
SIZE = (110, 45)


Story = Callable[["House"], Awaitable[None]]


@dataclass
class House:
    """A database with a project, its people, and a clock that tests turn."""

    db: Database
    folder: Path
    project: ProjectId
    admin: Account
    labeler: Account
    other: Account
    now_ms: int = START_MS

    def clock(self) -> int:
        """The time; every look is a millisecond later."""
        self.now_ms += 1
        return self.now_ms

    async def claim(self, account: Account, size: int) -> Page:
        """Take items for somebody, as another session would."""
        return await self.db.write(queue.claim_page, self.project, account.id, size, now_ms=self.clock())

    async def progress(self) -> Progress:
        """How far the project is."""
        return await self.db.read(project_progress, self.project)

    async def submitted(self, account: Account) -> tuple[HeldItem, ...]:
        """What somebody handed in, newest first."""
        return await self.db.read(corrections.my_submissions, self.project, account.id, before_ms=2**62, limit=100)

    async def set_state(self, state: ProjectState) -> None:
        """Pause or resume, as an admin elsewhere would."""
        await self.db.write(projects.set_state, self.project, state, by=self.admin.id, now_ms=self.clock())

    @asynccontextmanager
    async def session(
        self,
        account: Account | None = None,
        *,
        size: tuple[int, int] = SIZE,
        is_dark: bool = True,
        graphics: Graphics = Graphics.CELLS,
    ) -> AsyncIterator[Seat]:
        """One user's running app."""
        terminal, pictures = Terminal(size_cells=size, is_dark=is_dark, graphics=graphics), Pictures()
        desk = Desk(self.db, account or self.labeler, pictures, self.clock, Recent(self.db, age_s=0))
        app = TaglineApp(desk, terminal, Stage(terminal), [f"local:{self.folder.parent}"])
        try:
            async with app.run_test(size=size) as pilot:
                yield Seat(app, pilot)
        finally:
            await app.session_ended()
            pictures.close()


@dataclass
class Seat:
    """A user in front of the app."""

    app: TaglineApp
    pilot: Pilot[Any]

    @property
    def screen(self) -> Any:
        """The screen on top."""
        return self.app.screen

    @property
    def labeling(self) -> LabelingScreen:
        """The labeling screen, wherever it lies."""
        return next(screen for screen in self.app.screen_stack if isinstance(screen, LabelingScreen))

    @property
    def labels(self) -> list[tuple[str, ...]]:
        """The labels on the page, by name, place by place."""
        desk, page = self.labeling._desk, self.labeling.page
        return [tuple(desk.labels.by_id(label).name for label in answer.labels) for answer in page.answers]

    @property
    def names(self) -> list[str]:
        """The files on the page."""
        return [item.path for item in self.labeling.page.items]

    def line(self, name: str) -> str:
        """What a line of the labeling screen says."""
        return str(self.labeling.query_one(f"#{name}", Line).plain)

    @property
    def notices(self) -> str:
        """Every notice that is up."""
        return "\n".join(str(notice.message) for notice in self.app._notifications)

    @property
    def text(self) -> str:
        """All that the screen shows, line by line."""
        return "\n".join(
            "".join(segment.text for segment in strip) for strip in self.app.screen._compositor.render_strips()
        )

    async def press(self, *keys: str) -> None:
        """Type keys, one after the other."""
        await self.pilot.press(*keys)

    async def until(self, is_true: Callable[[], object], what: str) -> None:
        """Wait until something is so; fails naming it when it does not come."""
        for _ in range(400):
            if is_true():
                return
            await self.pilot.pause(0.02)
        raise AssertionError(f"never happened: {what}\n{self.text}\n{self.notices}")

    async def sit_down(self) -> None:
        """From the project list to the first page, past the instructions."""
        await self.until(lambda: self.screen.id is not None or "photos" in self.text, "the project list")
        await self.press("enter")
        await self.until(
            lambda: any(isinstance(s, LabelingScreen) for s in self.app.screen_stack), "the labeling screen"
        )
        await self.until(lambda: self.labeling.page.items or self.screen is not self.labeling, "a page")
        if self.screen is not self.labeling:
            await self.press("enter")
        await self.until(lambda: self.labeling.page.items and self.screen is self.labeling, "a page of images")


@asynccontextmanager
async def open_house(
    folder: Path,
    *,
    images: int = 12,
    task_type: TaskType = TaskType.MULTI_CLASS,
    labels: tuple[str, ...] = LABELS,
    instructions: str = "Label what you *see*.",
    lease_s: int = 900,
    files: Callable[[Path], None] = lambda _folder: None,
) -> AsyncIterator[House]:
    """A running project called photos, with an admin `ada` and the labelers `alice` and `bob`; `files` puts others in."""
    photos = folder / "photos"
    make_photos(photos, images)
    files(photos)
    url = f"sqlite:///{folder / 'tagline.db'}"
    await migrate(url)
    db = await open_database(url)
    try:
        admin = await db.write(people.add_account, "ada", Role.ADMIN, by=None, now_ms=START_MS)
        new = projects.NewProject(
            "photos", task_type, f"local:{photos}", labels, instructions=instructions, seed=7, lease_s=lease_s
        )
        project = await db.write(projects.create_project, new, by=admin.id, now_ms=START_MS)
        house = House(db, photos, project.id, admin, await _labeler(db, "alice"), await _labeler(db, "bob"))
        for account in (house.labeler, house.other):
            await db.write(people.add_member, project.id, account.id, Role.LABELER, by=admin.id, now_ms=START_MS)
        await ingest.import_files(db, project.id, open_store(project.datastore), by=admin.id, now_ms=house.clock)
        yield house
    finally:
        await db.close()


def run(folder: Path, story: Story, **options: Any) -> None:
    """Play a story in a house of its own, for at most a minute; `options` are for `open_house`."""

    async def play() -> None:
        async with open_house(folder, **options) as house, asyncio.timeout(60):
            await story(house)

    asyncio.run(play())


async def _labeler(db: Database, name: str) -> Account:
    return await db.write(people.add_account, name, Role.LABELER, by=None, now_ms=START_MS)


def make_photos(folder: Path, count: int) -> None:
    """So many small pictures of different colours."""
    folder.mkdir(parents=True)
    for n in range(count):
        color = ((37 * n) % 256, (91 * n + 60) % 256, (143 * n + 120) % 256)
        Image.new("RGB", (48, 32), color).save(folder / f"photo-{n:02}.png")
