"""What a user sees, pixel by pixel, when pictures, dialogs and text share a screen."""

from __future__ import annotations

import pytest

from tests.picture.gallery import Dialog, Gallery, Wall
from tests.picture.staging import PIXELS, box, play, seen_right
from tests.screen.app import ScreenDriver, until
from tests.screen.terminal import Screen
from tui.terminal import Graphics


@pytest.mark.parametrize("graphics", PIXELS)
@pytest.mark.parametrize("count", [1, 4, 9])
def test_pictures_are_seen_where_their_widgets_are(graphics: Graphics, count: int) -> None:
    """Every picture of a page of 1, 4 or 9 is on the screen whole, in its place, in its colours."""

    async def scenario(app: Gallery, driver: ScreenDriver, screen: Screen) -> None:
        pictures = app.show_all()
        await until(lambda: seen_right(app, screen, pictures, hidden=None), app)
        assert screen.lines()[0] == "above"
        assert screen.lines()[-1] == "last line"
        assert "?" not in screen.text()

    play(graphics, scenario, count=count)


@pytest.mark.parametrize("graphics", PIXELS)
def test_text_elsewhere_sends_no_picture(graphics: Graphics) -> None:
    """A label that changes beside a picture sends not one byte of the picture."""

    async def scenario(app: Gallery, driver: ScreenDriver, screen: Screen) -> None:
        pictures = app.show_all()
        await until(lambda: seen_right(app, screen, pictures, hidden=None), app)
        before = driver.bulk_bytes
        for number in range(5):
            app.query_one("#below").update(f"label {number}")  # type: ignore[attr-defined]
            await until(lambda number=number: f"label {number}" in screen.text(), app)
        app.screen.refresh()
        await until(lambda: not app.screen._compositor._dirty_regions, app)
        assert driver.bulk_bytes == before
        assert seen_right(app, screen, pictures, hidden=None)

    play(graphics, scenario, count=4)


@pytest.mark.parametrize("graphics", PIXELS)
@pytest.mark.parametrize("count", [1, 9])
def test_a_dialog_clips_and_its_closing_mends(graphics: Graphics, count: int) -> None:
    """A dialog hides exactly its own rectangle; opening it sends no picture, closing it only what it hid."""

    async def scenario(app: Gallery, driver: ScreenDriver, screen: Screen) -> None:
        pictures = app.show_all()
        await until(lambda: seen_right(app, screen, pictures, hidden=None), app)
        whole = driver.bulk_bytes
        await app.push_screen(Dialog())
        await until(lambda: "dialog over pictures" in screen.text(), app)
        assert seen_right(app, screen, pictures, hidden=box(app))
        opened = driver.bulk_bytes - whole
        limit = 100 * 4 * count if graphics is Graphics.KITTY else 100
        assert opened < limit, "at most, pictures are placed again in the parts that are seen"
        app.pop_screen()
        await until(lambda: seen_right(app, screen, pictures, hidden=None), app)
        mended = driver.bulk_bytes - whole
        if graphics is Graphics.KITTY:
            assert mended < 2 * limit, "pictures are placed again, and sent never"
        else:
            assert 0 < mended < whole / 2

    play(graphics, scenario, count=count)


@pytest.mark.parametrize("graphics", PIXELS)
def test_another_screen_hides_everything_and_gives_it_back(graphics: Graphics) -> None:
    """No ghost of a picture is left on the next screen, and all are back when the user returns."""

    async def scenario(app: Gallery, driver: ScreenDriver, screen: Screen) -> None:
        pictures = app.show_all()
        await until(lambda: seen_right(app, screen, pictures, hidden=None), app)
        await app.push_screen(Wall())
        await until(lambda: "another screen" in screen.text() and not screen.pixels()[..., 3].any(), app)
        assert screen.placements() == []
        app.pop_screen()
        await until(lambda: seen_right(app, screen, pictures, hidden=None), app)

    play(graphics, scenario, count=4)


@pytest.mark.parametrize("graphics", PIXELS)
def test_a_new_picture_leaves_no_ghost(graphics: Graphics) -> None:
    """The next picture replaces the last one, also before its data has come through; taken away, nothing is left."""

    async def scenario(app: Gallery, driver: ScreenDriver, screen: Screen) -> None:
        first = app.show_all(1)
        await until(lambda: seen_right(app, screen, first, hidden=None), app)
        driver.hold = True
        second = app.show_all(20)
        await until(lambda: len(driver.lane) == len(app.views), app)
        assert not screen.pixels()[..., 3].any(), "an old picture must not stand under a new label"
        driver.pump(1)
        third = app.show_all(40)
        await until(lambda: not app.screen._compositor._dirty_regions, app)
        driver.hold = False
        driver.pump()
        await until(lambda: seen_right(app, screen, third, hidden=None), app)
        for view in app.views:
            view.show(None)
        await until(lambda: not screen.pixels()[..., 3].any() and screen.placements() == [], app)
        del second

    play(graphics, scenario, count=4)


@pytest.mark.parametrize("graphics", PIXELS)
def test_a_dialog_that_opens_while_pictures_arrive_is_not_painted_over(graphics: Graphics) -> None:
    """On a slow link a picture's late pieces respect what opened meanwhile."""

    async def scenario(app: Gallery, driver: ScreenDriver, screen: Screen) -> None:
        driver.hold = True
        pictures = app.show_all()
        await until(lambda: len(driver.lane) == 1, app)
        driver.pump(3)
        await app.push_screen(Dialog())
        await until(lambda: "dialog over pictures" in screen.text(), app)
        driver.pump()
        driver.hold = False
        assert "dialog over pictures" in screen.text()
        await until(lambda: seen_right(app, screen, pictures, hidden=box(app)), app)

    play(graphics, scenario)


@pytest.mark.parametrize("graphics", PIXELS)
def test_a_resized_window_shows_the_picture_at_its_new_size(graphics: Graphics) -> None:
    """After a resize nothing of the old layout is left, and the new picture is whole."""

    async def scenario(app: Gallery, driver: ScreenDriver, screen: Screen) -> None:
        pictures = app.show_all()
        await until(lambda: seen_right(app, screen, pictures, hidden=None), app)
        old = app.views[0].size
        screen.resize(50, 20)
        driver.stage.terminal.size_cells = (50, 20)
        driver.stage.resized()
        driver.resized()
        await until(lambda: app.views[0].size != old, app)
        pictures = app.show_all()
        await until(lambda: seen_right(app, screen, pictures, hidden=None), app)

    play(graphics, scenario)


@pytest.mark.parametrize("graphics", PIXELS)
def test_a_removed_widget_takes_its_picture_along(graphics: Graphics) -> None:
    """A widget that is removed leaves neither pixels nor a placement, and its mark can be given again."""

    async def scenario(app: Gallery, driver: ScreenDriver, screen: Screen) -> None:
        pictures = app.show_all()
        await until(lambda: seen_right(app, screen, pictures, hidden=None), app)
        for view in app.views:
            await view.remove()
        await until(lambda: not screen.pixels()[..., 3].any() and screen.placements() == [], app)

    play(graphics, scenario, count=4)


def test_xterm_never_has_to_keep_more_than_sixteen_pictures() -> None:
    """xterm forgets all but the last sixteen sixels: what is seen is always among the last fourteen that were sent."""
    sent: list[tuple[int, int]] = []

    async def scenario(app: Gallery, driver: ScreenDriver, screen: Screen) -> None:
        pictures = app.show_all()
        await until(lambda: seen_right(app, screen, pictures, hidden=None), app)
        for seed in range(12):
            number = seed % 4
            pictures[number] = app.ready(number, 50 + seed)
            before = screen.pictures
            app.views[number].show(pictures[number])
            await until(lambda: seen_right(app, screen, pictures, hidden=None), app)
            sent.append((number, screen.pictures - before))

    play(Graphics.SIXEL, scenario, count=4, name="XTerm(390)")
    assert sum(count for _, count in sent) > 12
    since_whole = 4
    for _, count in sent:
        since_whole = 4 if count == 4 else since_whole + count
        assert since_whole <= 14


def test_a_picture_behind_a_dialog_stays_whole_on_xterm() -> None:
    """A large picture that arrives while a dialog is open comes in so few pieces that xterm keeps them all."""
    sent: list[int] = []

    async def scenario(app: Gallery, driver: ScreenDriver, screen: Screen) -> None:
        pictures = app.show_all()
        await until(lambda: seen_right(app, screen, pictures, hidden=None), app)
        await app.push_screen(Dialog())
        await until(lambda: "dialog over pictures" in screen.text(), app)
        before, pictures[0] = screen.pictures, app.ready(0, 50)
        app.views[0].show(pictures[0])
        await until(lambda: seen_right(app, screen, pictures, hidden=box(app)), app)
        sent.append(screen.pictures - before)

    play(Graphics.SIXEL, scenario, name="XTerm(390)")
    assert 0 < sent[0] <= 8


def test_a_file_name_cannot_pose_as_a_picture() -> None:
    """Private-use characters in text are shown as text, whatever pictures there are."""

    async def scenario(app: Gallery, driver: ScreenDriver, screen: Screen) -> None:
        pictures = app.show_all()
        await until(lambda: seen_right(app, screen, pictures, hidden=None), app)
        before = driver.bulk_bytes
        app.query_one("#below").update(app.views[0]._mark * 3 + "name")  # type: ignore[attr-defined]
        await until(lambda: "name" in screen.text(), app)
        assert "???name" in screen.lines()
        assert driver.bulk_bytes == before

    play(Graphics.SIXEL, scenario)


def test_cells_show_the_picture_and_repeat_nothing() -> None:
    """Without graphics the picture is half blocks in its colours; text elsewhere does not draw it again."""

    async def scenario(app: Gallery, driver: ScreenDriver, screen: Screen) -> None:
        app.show_all()
        await until(lambda: screen.text().count("▀") == app.views[0].size.area, app)
        before = driver.text_bytes
        app.query_one("#below").update("a label")  # type: ignore[attr-defined]
        await until(lambda: "a label" in screen.text(), app)
        assert driver.text_bytes - before < 500
        await app.push_screen(Dialog())
        await until(lambda: "dialog over pictures" in screen.text(), app)
        assert screen.text().count("▀") == app.views[0].size.area - 24 * 7
        app.pop_screen()
        await until(lambda: screen.text().count("▀") == app.views[0].size.area, app)

    play(Graphics.CELLS, scenario)
