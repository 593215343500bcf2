"""What keys do to a page, as pure values: labels, selection, focus, undo and redo."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from core.annotation import Answer, Draft, HeldItem
from core.edits import (
    ApplyLabel,
    ClearLabels,
    Edit,
    History,
    MoveFocus,
    PageDraft,
    ToggleAll,
    ToggleSelected,
    apply,
    neighbour,
    page_of,
)
from core.ids import ItemId, ItemKind, LabelId, TaskType

CAT, DOG = LabelId(1), LabelId(2)
FRESH = Draft()
TASKS = st.sampled_from([TaskType.MULTI_CLASS, TaskType.MULTI_LABEL])
PLACES = st.integers(-2, 11)
EDITS: st.SearchStrategy[Edit] = st.one_of(
    st.builds(ApplyLabel, st.sampled_from([CAT, DOG, LabelId(3)])),
    st.builds(ClearLabels),
    st.builds(MoveFocus, PLACES, st.booleans()),
    st.builds(ToggleSelected, PLACES),
    st.builds(ToggleAll),
)


def held(n: int, draft: Draft = FRESH) -> HeldItem:
    """One item in hand."""
    return HeldItem(
        ItemId(n),
        f"photo-{n}.jpg",
        "etag",
        (640, 480),
        1,
        ItemKind.MANUAL,
        1,
        10_000,
        draft,
    )


def page(count: int) -> PageDraft:
    """A fresh page of so many images."""
    return page_of(held(n) for n in range(count))


def labels_of(draft: PageDraft) -> list[tuple[LabelId, ...]]:
    """The labels place by place."""
    return [answer.labels for answer in draft.answers]


def test_a_label_goes_to_the_focused_image_when_none_is_selected() -> None:
    """Pressing a number with nothing selected labels the image in focus and no other."""
    after = apply(
        apply(page(4), MoveFocus(2), TaskType.MULTI_CLASS),
        ApplyLabel(CAT),
        TaskType.MULTI_CLASS,
    )
    assert labels_of(after) == [(), (), (CAT,), ()]


def test_a_label_goes_to_every_selected_image() -> None:
    """Pressing a number with images selected labels exactly those, wherever the focus is."""
    draft = apply(
        apply(page(4), ToggleSelected(1), TaskType.MULTI_CLASS),
        ToggleSelected(3),
        TaskType.MULTI_CLASS,
    )
    assert labels_of(apply(draft, ApplyLabel(CAT), TaskType.MULTI_CLASS)) == [
        (),
        (CAT,),
        (),
        (CAT,),
    ]


def test_one_digit_labels_a_clustered_page_and_the_next_one_the_odd_one_out() -> None:
    """A page of like images takes one key, and one more with arrows for each that is different."""
    alike = page_of(replace(held(n), kind=ItemKind.CLUSTERED) for n in range(4))
    after = apply(alike, ApplyLabel(CAT), TaskType.MULTI_CLASS)
    assert labels_of(after) == [(CAT,)] * 4
    odd = apply(apply(after, MoveFocus(2), TaskType.MULTI_CLASS), ApplyLabel(DOG), TaskType.MULTI_CLASS)
    assert labels_of(odd) == [(CAT,), (CAT,), (DOG,), (CAT,)]


def test_multi_class_replaces_the_label() -> None:
    """In a multi-class project an image never has two labels: the newer one replaces the older."""
    draft = apply(page(1), ApplyLabel(CAT), TaskType.MULTI_CLASS)
    assert labels_of(apply(draft, ApplyLabel(DOG), TaskType.MULTI_CLASS)) == [(DOG,)]


def test_multi_label_adds_and_a_second_press_removes() -> None:
    """In a multi-label project labels add up in the order typed, and the same key again takes the label away."""
    draft = apply(
        apply(page(1), ApplyLabel(CAT), TaskType.MULTI_LABEL),
        ApplyLabel(DOG),
        TaskType.MULTI_LABEL,
    )
    assert labels_of(draft) == [(CAT, DOG)]
    assert labels_of(apply(draft, ApplyLabel(CAT), TaskType.MULTI_LABEL)) == [(DOG,)]


def test_multi_label_completes_a_mixed_selection_before_it_removes() -> None:
    """A label that only some selected images have is first given to the rest; nothing is lost by that press."""
    draft = apply(page(2), ApplyLabel(CAT), TaskType.MULTI_LABEL)
    draft = apply(
        apply(draft, ToggleAll(), TaskType.MULTI_LABEL),
        ApplyLabel(CAT),
        TaskType.MULTI_LABEL,
    )
    assert labels_of(draft) == [(CAT,), (CAT,)]


def test_what_is_missing_is_known_by_place() -> None:
    """Before a page can be submitted, the images without a label can be named."""
    draft = apply(
        apply(page(3), MoveFocus(1), TaskType.MULTI_CLASS),
        ApplyLabel(CAT),
        TaskType.MULTI_CLASS,
    )
    assert draft.missing == (0, 2)


def test_a_saved_page_comes_back_as_it_was() -> None:
    """After a dropped connection the same labels, selection and focus are on the screen."""
    draft = page(4)
    for edit in (MoveFocus(2), ApplyLabel(CAT), ToggleSelected(1)):
        draft = apply(draft, edit, TaskType.MULTI_CLASS)
    saved = draft.drafts()
    back = page_of(held(n, saved[ItemId(n)][1]) for n in range(4))
    assert (labels_of(back), back.selected, back.focus) == (
        labels_of(draft),
        draft.selected,
        draft.focus,
    )


@given(st.integers(0, 9), st.lists(EDITS, max_size=12), TASKS)
def test_no_run_of_keys_makes_an_impossible_page(count: int, edits: list[Edit], task: TaskType) -> None:
    """Whatever is typed, focus and selection stay on the page, and every answer has different labels, one in multi-class."""
    draft = page(count)
    for edit in edits:
        draft = apply(draft, edit, task)
        assert len(draft.items) == len(draft.answers) == count
        assert draft.selected <= set(range(count))
        assert 0 <= draft.focus < max(count, 1)
        for answer in draft.answers:
            assert len(set(answer.labels)) == len(answer.labels)
            assert task is TaskType.MULTI_LABEL or len(answer.labels) <= 1


@given(st.integers(1, 9), st.lists(EDITS, max_size=12), TASKS)
def test_undo_takes_everything_back_and_redo_brings_it_again(count: int, edits: list[Edit], task: TaskType) -> None:
    """Undoing all the way gives the answers and selection of the start; redoing all the way gives those of the end."""
    start = history = History(page(count))
    for edit in edits:
        history = history.edited(edit, task)
    steps, undone = len(history.past), history
    for _ in range(steps):
        undone = undone.undone()
    assert (undone.now.answers, undone.now.selected) == (
        start.now.answers,
        start.now.selected,
    )
    assert undone.undone() == undone
    redone = undone
    for _ in range(steps):
        redone = redone.redone()
    assert redone.redone() == redone
    assert (redone.now.answers, redone.now.selected) == (
        history.now.answers,
        history.now.selected,
    )


@given(
    st.integers(1, 9),
    st.sampled_from([1, 2, 3]),
    st.integers(0, 8),
    st.sampled_from([(1, 0), (-1, 0), (0, 1), (0, -1)]),
)
def test_arrows_stay_on_the_page(count: int, columns: int, place: int, step: tuple[int, int]) -> None:
    """An arrow moves the focus one image along its own row or column, or, at the edge, not at all."""
    place %= count
    there = neighbour(place, count, columns, step)
    assert 0 <= there < count
    moved = (there % columns - place % columns, there // columns - place // columns)
    assert moved in (step, (0, 0))


def test_a_new_edit_after_undo_forgets_what_was_undone() -> None:
    """Redo never brings back a branch that the labeler left."""
    history = History(page(1)).edited(ApplyLabel(CAT), TaskType.MULTI_CLASS).undone()
    history = history.edited(ApplyLabel(DOG), TaskType.MULTI_CLASS)
    assert history.redone() == history
    assert history.now.answers == (Answer((DOG,)),)
