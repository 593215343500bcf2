"""What typed text may mean when items are looked for."""

from __future__ import annotations

import pytest

from core.ids import AccountId, ItemState, LabelId, Role, Source
from core.labels import LabelClass, LabelSet
from core.oversight.browse import Filter
from core.team.people import Account
from tui.screens.review.facets import TEXT, facets, loosened
from tui.screens.review.words import filter_chips

LABELS = LabelSet(
    (LabelClass(LabelId(1), "robin", "Bird/robin", 0, "#56b4e9"), LabelClass(LabelId(2), "cat", "cat", 1, "#e69f00"))
)
ALICE = Account(AccountId(3), "alice", Role.LABELER)
NOW_MS = 1_795_600_000_000  # 2026-11-25


def first(typed: str, now: Filter | None = None) -> Filter:
    """What Enter asks for."""
    return facets(typed, now or Filter(), LABELS, [ALICE], NOW_MS)[0].wanted


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("rob", Filter(label=LabelId(1))),
        ("ali", Filter(labeler=AccountId(3))),
        ("needs", Filter(states=(ItemState.NEEDS_REVIEW,))),
        ("not rev", Filter(reviewed=False)),
        ("prelabel c", Filter(source=Source.PRELABEL_CORRECTED)),
        ("night/", Filter(text="night/")),
        ("<.8", Filter(score_until=0.8)),
        ("score > 90%", Filter(score_from=0.9)),
        ("0.5-0.75", Filter(score_from=0.5, score_until=0.75)),
        ("2026-11-25", Filter(since_ms=1795564800000, until_ms=1795651200000)),
        ("since 2026-11-25", Filter(since_ms=1795564800000)),
        ("today", Filter(since_ms=1795564800000)),
    ],
)
def test_a_few_letters_are_enough(typed: str, wanted: Filter) -> None:
    """Names, states, sources, dates, scores and paths are told apart by what is typed."""
    assert first(typed) == wanted


def test_any_text_can_be_a_part_of_the_path() -> None:
    """The last line always looks for the text in paths, even where it is a label's name."""
    found = facets("cat", Filter(), LABELS, [ALICE], NOW_MS)
    assert found[-1].kind == TEXT
    assert found[-1].wanted == Filter(text="cat")


def test_parts_add_up_and_go_one_by_one() -> None:
    """Each choice narrows what was chosen before; Backspace takes the parts away from the last to the first."""
    wanted = first("2026-11-25", first("<.8", first("ali", first("rob", first("labeled")))))
    assert filter_chips(wanted, LABELS, {ALICE.id: ALICE}) == (
        "labeled", "label robin", "by alice", "since 2026-11-25 00:00", "before 2026-11-26 00:00", "score under 0.8",
    )  # fmt: skip
    steps = 0
    while wanted != Filter():
        smaller = loosened(wanted)
        assert smaller != wanted
        wanted, steps = smaller, steps + 1
    assert steps == 6


def test_the_same_choice_again_takes_it_back() -> None:
    """Choosing a state, a label or a labeler that is asked for already asks for it no longer."""
    for typed in ("labeled", "rob", "ali", "not rev"):
        assert first(typed, first(typed)) == Filter()
