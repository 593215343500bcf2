"""The keys for looking: what each does is the same wherever a picture is, and none of the key table is forgotten."""

from __future__ import annotations

import pytest

from tui.canvas.looking import looked, other_page, zoomed
from tui.canvas.render import Look
from tui.canvas.viewport import Viewport
from tui.keymap import Scope, keys_of

VIEW = Viewport.fitting((100, 80), (50, 40))


def keys(action: str) -> tuple[str, ...]:
    """The keys of the table that look at a picture in this way."""
    (row,) = (key for key in keys_of(Scope.PICTURE) if key.action == action)
    return row.keys


def test_each_key_of_the_table_does_something_else() -> None:
    """Nearer, farther, all and px for px are four views, and brighter, darker and both contrasts four looks."""
    near = VIEW.zoomed(4, (20.0, 20.0))
    assert len({zoomed(near, key, near.center_xy) for key in keys("zoom")}) == 4
    assert len({looked(Look(), key) for key in keys("look")}) == 4
    assert {other_page(1, key, 3) for key in keys("page")} == {0, 2}


def test_pages_go_round() -> None:
    """After the last page comes the first, and before the first the last."""
    back, on = keys("page")
    assert other_page(2, on, 3) == 0
    assert other_page(0, back, 3) == 2


@pytest.mark.parametrize(("key", "scale"), [("plus", 0.75), ("minus", 0.5 / 1.5), ("0", 0.5), ("equals_sign", 1.0)])
def test_zooming_is_by_half(key: str, scale: float) -> None:
    """A key makes the image half as large again, or so much smaller; 0 and = give a scale of their own."""
    assert zoomed(VIEW, key, VIEW.center_xy).scale == pytest.approx(scale)
