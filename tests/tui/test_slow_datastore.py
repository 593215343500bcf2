"""A datastore whose every read takes long: its pictures come late, and nothing else does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from core.annotation import HeldItem
from core.ids import ItemId, ItemKind, TaskType
from storage.base import StorageError
from storage.local import LocalStore
from tests.tui.house import House, make_photos, run
from tests.tui.reviewing import label_some, open_data
from tests.tui.test_away import pictures
from tui.picture.prepare import Prepared
from tui.picture_files import READS
from tui.picture_pool import Pictures
from tui.screens.instructions import InstructionsScreen
from tui.screens.review.item import ItemScreen
from tui.terminal import Terminal


@dataclass
class Slow:
    """Once it stalls, files are not given out before `go` is set, but for the first few; `asked` are those that were asked for."""

    go: threading.Event = field(default_factory=threading.Event)
    quick: int = 0
    asked: list[str] = field(default_factory=list)

    def stall(self, quick: int = 0) -> None:
        """From now on."""
        self.quick = quick
        self.asked.clear()
        self.go.clear()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    """The datastore `photos` takes its time."""
    found, get = Slow(), LocalStore.get
    found.go.set()

    def take_time(store: LocalStore, path: str) -> bytes:
        if store.url.endswith("/photos"):
            found.asked.append(path)
            assert len(found.asked) <= found.quick or found.go.wait(60)
        return get(store, path)

    monkeypatch.setattr(LocalStore, "get", take_time)
    yield found
    found.go.set()


def test_labels_and_answers_do_not_wait_for_pictures(tmp_path: Path, slow: Slow) -> None:
    """Each empty place says that it is loading; labels, looking nearer, Enter and the next page go on; then the pictures come."""

    async def story(house: House) -> None:
        slow.stall()
        async with house.session() as seat:
            await seat.sit_down()
            await seat.until(lambda: seat.text.count("loading…") == 4, "loading in each picture's place")
            await seat.press("plus", "a", "1")
            assert seat.labels == [("cat",)] * 4
            first = seat.names
            await seat.press("enter")
            await seat.until(lambda: "saved 4" in seat.line("header"), "the receipt")
            await seat.until(lambda: seat.names and seat.names != first, "the next page")
            assert pictures(seat) == 0
            slow.go.set()
            await seat.until(lambda: pictures(seat) == 4, "the pictures")
            assert "loading…" not in seat.text

    run(tmp_path, story)


def test_a_picture_never_stays_over_another_name(tmp_path: Path, slow: Slow) -> None:
    """When the next page's pictures are late, those of the page before are gone with it."""

    async def story(house: House) -> None:
        slow.stall(quick=4)
        async with house.session() as seat:
            await seat.sit_down()
            await seat.until(lambda: pictures(seat) == 4, "the pictures")
            first = seat.names
            await seat.press("a", "1", "enter")
            await seat.until(lambda: seat.names and seat.names != first, "the next page")
            assert pictures(seat) == 0

    run(tmp_path, story)


def test_a_region_screen_says_that_it_loads(tmp_path: Path, slow: Slow) -> None:
    """On a picture to draw on as well; an image can be left without an answer meanwhile."""

    async def story(house: House) -> None:
        slow.stall()
        async with house.session() as seat:
            await seat.until(lambda: "photos" in seat.text, "the project list")
            await seat.press("enter")
            await seat.until(lambda: isinstance(seat.screen, InstructionsScreen), "the instructions")
            await seat.press("enter")
            await seat.until(lambda: "loading…" in seat.text, "the word")
            slow.go.set()
            await seat.until(lambda: seat.screen._image is not None, "the picture")
            await seat.until(lambda: "loading…" not in seat.text, "the word gone")

    run(tmp_path, story, task_type=TaskType.OBJECT_DETECTION)


def test_a_review_says_that_it_loads(tmp_path: Path, slow: Slow) -> None:
    """A reviewer reads why there is no picture yet, and sees it by itself."""

    async def story(house: House) -> None:
        await label_some(house, house.labeler, 1)
        slow.stall()
        async with house.session(house.admin) as seat:
            await open_data(seat)
            await seat.press("enter")
            await seat.until(lambda: isinstance(seat.screen, ItemScreen), "an image")
            await seat.until(lambda: "loading…" in seat.text, "the word")
            slow.go.set()
            await seat.until(lambda: seat.screen.canvas.picture is not None, "the picture")
            assert "loading…" not in seat.text

    run(tmp_path, story)


def test_an_image_after_one_that_cannot_be_had_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reviewer reads why there is no picture; the next image of the page is there as ever."""
    get = LocalStore.get

    def lack_one(store: LocalStore, path: str) -> bytes:
        if path == "photo-00.png":
            raise StorageError("it is gone")
        return get(store, path)

    async def story(house: House) -> None:
        monkeypatch.setattr(LocalStore, "get", lack_one)
        async with house.session(house.admin) as seat:
            await open_data(seat)
            await seat.press("enter")
            await seat.until(lambda: "cannot be shown" in seat.text, "the words")
            await seat.press("pagedown")
            await seat.until(lambda: "photo-01" in seat.text and seat.screen.canvas.picture is not None, "the picture")
            assert "cannot be shown" not in seat.text

    run(tmp_path, story)


def held(path: str) -> HeldItem:
    """An item of this file."""
    return HeldItem(ItemId(0), path, "", (48, 32), 1, ItemKind.MANUAL, 0, 0)


def ask(shared: Pictures, folder: Path, path: str) -> asyncio.Task[Prepared]:
    """Begin to wait for a picture."""
    return asyncio.create_task(shared.get(f"local:{folder}", held(path), Terminal(), (20, 10), (0, 0, 0)))


def test_another_project_is_as_quick_as_ever(tmp_path: Path, slow: Slow) -> None:
    """While more of the slow pictures are waited for than there are threads, those of another datastore come."""
    make_photos(tmp_path / "photos", READS + 4)
    make_photos(tmp_path / "quick", 1)

    async def story() -> None:
        shared = Pictures()
        slow.stall()
        waiting = [ask(shared, tmp_path / "photos", f"photo-{n:02}.png") for n in range(READS + 4)]
        while len(slow.asked) < READS:  # noqa: ASYNC110 - threads tell
            await asyncio.sleep(0.01)
        async with asyncio.timeout(30):
            assert await ask(shared, tmp_path / "quick", "photo-00.png")
        assert not any(one.done() for one in waiting)
        slow.go.set()
        assert all(await asyncio.gather(*waiting))
        shared.close()

    asyncio.run(story())


def test_pictures_of_a_page_that_was_left_are_not_read(tmp_path: Path, slow: Slow) -> None:
    """Whoever goes on without pictures leaves no queue in front of the ones that are looked at."""
    make_photos(tmp_path / "photos", READS + 4)

    async def story() -> None:
        shared = Pictures()
        slow.stall()
        kept = [ask(shared, tmp_path / "photos", f"photo-{n:02}.png") for n in range(READS)]
        left = [ask(shared, tmp_path / "photos", f"photo-{n:02}.png") for n in range(READS, READS + 3)]
        last = ask(shared, tmp_path / "photos", f"photo-{READS + 3:02}.png")
        while len(slow.asked) < READS:  # noqa: ASYNC110 - threads tell
            await asyncio.sleep(0.01)
        for one in left:
            one.cancel()
        await asyncio.wait(left)
        slow.go.set()
        await asyncio.gather(*kept, last)
        assert len(slow.asked) == READS + 1
        again = ask(shared, tmp_path / "photos", f"photo-{READS:02}.png")
        assert await again, "one that was left is made when it is wanted after all"
        shared.close()

    asyncio.run(story())


def test_a_picture_that_came_too_late_to_be_kept_takes_no_room(tmp_path: Path, slow: Slow) -> None:
    """One that made room for others while it was on its way counts nothing: what is counted is what is kept."""
    make_photos(tmp_path / "photos", 1)
    make_photos(tmp_path / "quick", 3)

    async def story() -> None:
        shared = Pictures(cache_bytes=1)
        slow.stall()
        late = ask(shared, tmp_path / "photos", "photo-00.png")
        for n in range(3):
            await ask(shared, tmp_path / "quick", f"photo-{n:02}.png")
        slow.go.set()
        await late
        assert shared._bytes == sum(kept.result().nbytes for kept in shared._ready.values())
        shared.close()

    asyncio.run(story())
