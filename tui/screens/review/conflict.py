"""What needs review: answers that differ, side by side over the picture; the lead takes one of them, or corrects."""

from __future__ import annotations

from core.ids import ItemState
from core.oversight.browse import Filter
from tui.reviewer import Reviewer
from tui.screens.review.item import ItemScreen
from tui.walk import Walk

PAGE = 50


class ConflictScreen(ItemScreen):
    """Walks through everything that needs review."""

    TITLE_WORD = "Needs review"
    NOTHING = "Nothing needs review: everybody agrees."


async def open_conflicts(reviewer: Reviewer) -> ConflictScreen:
    """The screen at the first thing that needs review."""
    walk = Walk(reviewer, Filter(states=(ItemState.NEEDS_REVIEW,)), PAGE)
    await walk.first()
    return ConflictScreen(walk)
