"""What letters offer on a picture: what a model finds likely first, nothing that is drawn already."""

from __future__ import annotations

from core.annotation import Region
from core.geometry import Box
from core.ids import LabelId
from tui.canvas.offers import Offer, offers

ONE, TWO = LabelId(1), LabelId(2)
HERE, THERE, FAR = Box(0, 0, 10, 10), Box(50, 0, 60, 10), Box(90, 0, 99, 10)


def test_the_model_is_heard_before_the_pixels() -> None:
    """A labeler's first letters are the likeliest regions, in the model's labels; places without a label come after."""
    found = offers([Region(TWO, HERE)], [Box(0, 0, 10, 11), THERE], [], 26)
    assert found == (Offer(HERE, TWO), Offer(THERE))


def test_what_is_drawn_is_not_offered_again() -> None:
    """A region of that label stands there: no letter for a second one; another label may still be meant."""
    drawn = [Region(ONE, HERE)]
    assert offers([Region(ONE, Box(0, 0, 10, 9))], [], drawn, 26) == ()
    assert offers([Region(TWO, Box(0, 0, 10, 9))], [], drawn, 26) == (Offer(Box(0, 0, 10, 9), TWO),)


def test_there_are_no_more_offers_than_letters() -> None:
    """The least likely go first."""
    assert offers([Region(ONE, HERE), Region(ONE, THERE)], [FAR], [], 2) == (Offer(HERE, ONE), Offer(THERE, ONE))
