"""What a labeler sees of regions over a picture: after any moves, zooms and edits the same as if drawn afresh."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import numpy as np
import pytest
from textual.app import App, ComposeResult
from textual.widgets import Static

from core.geometry import Box, Polygon
from storage.pyramid import Pyramid, build
from tests.picture.gallery import Dialog, photo
from tests.screen.app import ScreenDriver, make_terminal, running, until
from tests.screen.terminal import Screen
from tui.canvas.cell_frame import CellFrame
from tui.canvas.frame import BASE_COLORS
from tui.canvas.layer import Slots
from tui.canvas.marks import Tag
from tui.canvas.overlay import Grid, Hint, Outline, Overlay
from tui.canvas.render import Look, render
from tui.canvas.strokes import moving_marks, still_marks
from tui.canvas.view import CanvasView
from tui.canvas.viewport import Viewport
from tui.picture.prepare import Prepared, prepare
from tui.picture.stage import Stage
from tui.terminal import Graphics, Terminal

BACKGROUND = (18, 18, 18)
COLORS = ("#56b4e9", "#e69f00", "#009e73")
WAYS = [Graphics.SIXEL, Graphics.ITERM2, Graphics.KITTY]
Scenario = Callable[["Studio", ScreenDriver, Screen], Awaitable[None]]


class Studio(App[None]):
    """One canvas between two lines."""

    CSS = "#above, #below { height: 1; } CanvasView { width: 1fr; height: 1fr; }"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, stage: Stage, image: Pyramid) -> None:
        super().__init__()
        self.stage, self.image = stage, image
        self.canvas = CanvasView(stage)

    def compose(self) -> ComposeResult:
        """The canvas."""
        yield Static("above", id="above")
        yield self.canvas
        yield Static("last line", id="below")

    async def make(self, viewport: Viewport, look: Look, size_cells: tuple[int, int]) -> Prepared:
        """A picture of the whole view."""
        rgb = render(self.image, viewport, look, BACKGROUND)
        return prepare(rgb, self.stage.terminal, size_cells, BACKGROUND, colors=BASE_COLORS)

    def draw(self, viewport: Viewport, overlay: Overlay) -> None:
        """Show the image so."""
        self.canvas.display_image(self.image, viewport, Look(), overlay, self.make)

    def fitting(self) -> Viewport:
        """The whole image."""
        return Viewport.fitting(self.image.image_wh, self.canvas.view_wh_px)


def play(graphics: Graphics, scenario: Scenario, *, name: str = "test") -> None:
    """Run a scenario on a canvas."""
    screen = Screen(60, 24)
    stage = Stage(make_terminal(screen, graphics, name))
    app = Studio(stage, build(photo(3, (640, 480))))

    async def act() -> None:
        async with running(app, stage, screen) as driver:
            await until(lambda: app.canvas.size.width > 0 and "last line" in screen.text(), app)
            await scenario(app, driver, screen)

    asyncio.run(act())


def random_overlay(rng: random.Random) -> Overlay:
    """Boxes, a polygon, a crosshair, sometimes a grid or hints."""

    def box() -> Box:
        x, y = rng.uniform(0, 500), rng.uniform(0, 380)
        return Box(x, y, x + rng.uniform(5, 130), y + rng.uniform(5, 95))

    still = tuple(
        Outline(box(), rng.choice(COLORS), f"cell {n}", rng.choice(["plain", "chosen", "dashed"])) for n in range(3)
    )
    polygon = Polygon(tuple((rng.uniform(50, 600), rng.uniform(50, 430)) for _ in range(5)))
    moving = (Outline(box(), COLORS[0], handles=((30.0, 40.0),), marked=0), Outline(polygon, COLORS[1]))
    grid = Grid(Box(20, 20, 500, 400), 26, 20) if rng.random() < 0.3 else None
    hints = (Hint("as", (200.0, 100.0)), Hint("df", (400.0, 300.0))) if rng.random() < 0.3 else ()
    at = (rng.uniform(0, 640), rng.uniform(0, 480))
    return Overlay(still, moving, at, rng.random() < 0.7, grid, hints)


@pytest.mark.parametrize("graphics", WAYS)
@pytest.mark.parametrize("name", ["test", "xterm(390)"])
def test_after_many_moves_the_screen_is_as_if_drawn_afresh(graphics: Graphics, name: str) -> None:
    """Forty moves, edits, zooms and turns leave not one wrong pixel."""

    async def scenario(app: Studio, driver: ScreenDriver, screen: Screen) -> None:
        rng = random.Random(5)
        viewport, overlay = app.fitting(), Overlay()
        for n in range(40):
            overlay = random_overlay(rng)
            if n % 8 == 7:
                viewport = viewport.zoomed(rng.choice([0.5, 1.6, 2.0]), (rng.uniform(0, 640), rng.uniform(0, 480)))
            if n % 16 == 15:
                viewport = viewport.rotated()
            app.draw(viewport, overlay)
            await until(lambda: app.canvas.is_settled, app)
            await asyncio.sleep(0)
        await until(lambda: not driver.lane and not app.screen._compositor._dirty_regions, app)
        after_moves = screen.pixels()
        app.canvas.clear()
        await until(lambda: not screen.pixels()[..., 3].any(), app)
        app.draw(viewport, overlay)
        await until(lambda: app.canvas.is_settled and bool(screen.pixels()[..., 3].any()), app)
        await until(lambda: not driver.lane and not app.screen._compositor._dirty_regions, app)
        afresh = screen.pixels()
        wrong = np.abs(after_moves.astype(int) - afresh.astype(int)).max(axis=2)
        assert (wrong > 0).sum() == 0 if graphics is not Graphics.ITERM2 else (wrong > 60).mean() < 0.002

    play(graphics, scenario, name=name)


@pytest.mark.parametrize("graphics", WAYS)
def test_a_moved_crosshair_costs_little(graphics: Graphics) -> None:
    """Only the cells that change are sent, never the picture."""

    async def scenario(app: Studio, driver: ScreenDriver, screen: Screen) -> None:
        outline = Outline(Box(100, 100, 300, 250), COLORS[0])
        app.draw(app.fitting(), Overlay((), (outline,), (300.0, 250.0)))
        await until(lambda: app.canvas.is_settled and bool(screen.pixels()[..., 3].any()), app)
        whole = driver.bulk_bytes
        for n in range(5):
            moved = Outline(Box(100, 100, 304 + 4 * n, 254 + 4 * n), COLORS[0])
            app.draw(app.fitting(), Overlay((), (moved,), (304.0 + 4 * n, 254.0 + 4 * n)))
        moves = driver.bulk_bytes - whole
        assert 0 < moves / 5 < (1500 if graphics is Graphics.KITTY else whole / 3)

    play(graphics, scenario)


@pytest.mark.parametrize("graphics", WAYS)
def test_a_dialog_over_a_canvas_shows_no_stroke(graphics: Graphics) -> None:
    """What lies over the picture is clipped as the picture is, and comes back."""

    async def scenario(app: Studio, driver: ScreenDriver, screen: Screen) -> None:
        app.draw(app.fitting(), random_overlay(random.Random(2)))
        await until(lambda: app.canvas.is_settled and bool(screen.pixels()[..., 3].any()), app)
        before = screen.pixels()
        await app.push_screen(Dialog())
        await until(lambda: "dialog over pictures" in screen.text(), app)
        region = app.screen.query_one("#box").region
        wide, high = screen.cell_wh_px
        hidden = screen.pixels()[region.y * high : region.bottom * high, region.x * wide : region.right * wide]
        assert not hidden[..., 3].any()
        app.pop_screen()
        await until(lambda: "dialog over pictures" not in screen.text() and not driver.lane, app)
        await until(lambda: bool((screen.pixels()[..., 3] == before[..., 3]).all()), app)
        wrong = np.abs(before.astype(int) - screen.pixels().astype(int)).max(axis=2)
        assert (wrong > 0).sum() == 0 if graphics is not Graphics.ITERM2 else (wrong > 60).mean() < 0.002

    play(graphics, scenario)


def test_cells_show_regions_as_coloured_cells_and_names_as_words() -> None:
    """Without graphics a region is seen by its colour, and its name can be read."""

    async def scenario(app: Studio, driver: ScreenDriver, screen: Screen) -> None:
        app.draw(app.fitting(), Overlay((Outline(Box(100, 100, 400, 300), COLORS[0], "platelet"),)))
        await until(lambda: "platelet" in screen.text(), app)
        app.draw(app.fitting(), Overlay((), (), (320.0, 240.0)))
        await until(lambda: "platelet" not in screen.text(), app)

    play(Graphics.CELLS, scenario)


def test_cells_after_many_moves_are_as_if_drawn_afresh() -> None:
    """Without graphics, too: after each of forty overlays every cell has the text that a new picture would have."""
    terminal = Terminal(size_cells=(60, 24), cell_wh_px=(8, 16), graphics=Graphics.CELLS)
    viewport = Viewport.fitting((640, 480), (480, 384))
    base = prepare(render(build(photo(3, (640, 480))), viewport, Look(), BACKGROUND), terminal, (60, 24), BACKGROUND)
    rng, slots = random.Random(8), Slots()
    frame = CellFrame(base, slots, truecolor=True)
    for _ in range(40):
        overlay = random_overlay(rng)
        marks = still_marks(overlay, viewport), moving_marks(overlay, viewport, (8, 16))
        fresh = CellFrame(base, slots, truecolor=True)
        before, keys = frame.cell_rows, frame.keys.copy()
        frame.show(*marks)
        fresh.show(*marks)
        assert frame.cell_rows == fresh.cell_rows
        told = frame.keys != keys
        for row, (old, new) in enumerate(zip(before, frame.cell_rows, strict=True)):
            assert [a != b for a, b in zip(old.full, new.full, strict=True)] == told[row].tolist()


def test_only_regions_in_view_have_their_names_shown() -> None:
    """Zoomed in, a region beyond the left or the upper edge leaves no name at the edge; one that is cut by it does."""
    boxes = (Box(0, 200, 40, 260), Box(300, 0, 340, 50), Box(150, 150, 230, 260))
    overlay = Overlay(still=tuple(Outline(box, "#00ff00", "cell") for box in boxes))
    viewport = Viewport.fitting((640, 480), (640, 480)).zoomed(2.0, (400.0, 400.0))
    tags = [mark for mark in still_marks(overlay, viewport) if isinstance(mark, Tag)]
    assert [tag.x for tag in tags] == [0]


def test_letters_of_regions_on_one_spot_are_all_read() -> None:
    """Nine regions over one another, two beside them: no letter hides another one while there is room below."""
    boxes = [Box(100 + n, 100 + n, 300 + n, 250 + n) for n in range(9)] + [
        Box(90, 100, 290, 250),
        Box(112, 95, 312, 245),
    ]
    letters = tuple(Hint(chr(97 + n), ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2)) for n, box in enumerate(boxes))
    viewport = Viewport.fitting((640, 480), (640, 480))
    tags = [mark.area for mark in moving_marks(Overlay(hints=letters), viewport, (8, 16))]
    assert len(tags) == len(boxes)
    for n, (x, y, wide, high) in enumerate(tags):
        assert y + high <= 480
        for other_x, other_y, other_wide, other_high in tags[:n]:
            assert x >= other_x + other_wide or other_x >= x + wide or y >= other_y + other_high or other_y >= y + high
