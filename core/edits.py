"""What a keypress does to a page: pure values in, pure values out. No screen, no clock, no database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from core.annotation import Answer, Draft, HeldItem
from core.ids import ItemId, ItemKind, LabelId, TaskType


@dataclass(frozen=True)
class PageDraft:
    """A page as its labeler sees it: the items in their places, the answers so far, the selection and the focus."""

    items: tuple[HeldItem, ...] = ()
    answers: tuple[Answer, ...] = ()
    selected: frozenset[int] = frozenset()
    focus: int = 0

    @property
    def targets(self) -> tuple[int, ...]:
        """Places that a label applies to: the selected ones, or where none is selected the focused one.

        On a clustered page that has no label yet they are all: one digit labels the page, the next one the odd one out.
        """
        if self.selected:
            return tuple(sorted(self.selected))
        is_fresh_cluster = all(item.kind is ItemKind.CLUSTERED and not item.submitted for item in self.items)
        if is_fresh_cluster and all(answer.is_empty for answer in self.answers):
            return tuple(range(len(self.items)))
        return (self.focus,) if self.items else ()

    @property
    def missing(self) -> tuple[int, ...]:
        """Places that have no answer yet."""
        return tuple(place for place, answer in enumerate(self.answers) if answer.is_empty)

    def drafts(self) -> dict[ItemId, tuple[int, Draft]]:
        """The page in the form that the server keeps."""
        return {
            item.item: (item.token, Draft(answer, place in self.selected, place == self.focus))
            for place, (item, answer) in enumerate(zip(self.items, self.answers, strict=True))
        }


def page_of(items: Iterable[HeldItem]) -> PageDraft:
    """A page from held items, as their saved drafts say."""
    held = tuple(items)
    return PageDraft(
        held,
        tuple(item.draft.answer for item in held),
        frozenset(place for place, item in enumerate(held) if item.draft.selected),
        next((place for place, item in enumerate(held) if item.draft.focused), 0),
    )


@dataclass(frozen=True)
class ApplyLabel:
    """Give the targets a label; in multi-label, take it away where all of them have it."""

    label: LabelId


@dataclass(frozen=True)
class ClearLabels:
    """Take every label from the targets."""


@dataclass(frozen=True)
class MoveFocus:
    """Focus a place; `extend` selects it and where the focus was."""

    place: int
    extend: bool = False


@dataclass(frozen=True)
class ToggleSelected:
    """Select a place, or leave it."""

    place: int


@dataclass(frozen=True)
class ToggleAll:
    """Select all, or none where all are selected."""


Edit = ApplyLabel | ClearLabels | MoveFocus | ToggleSelected | ToggleAll


def apply(page: PageDraft, edit: Edit, task_type: TaskType) -> PageDraft:
    """The page after an edit; places outside of it change nothing."""
    match edit:
        case ApplyLabel(label):
            return _with_answers(page, _labeled(page, label, task_type))
        case ClearLabels():
            return _with_answers(page, dict.fromkeys(page.targets, Answer()))
        case MoveFocus(place, extend) if 0 <= place < len(page.items):
            chosen = page.selected | {page.focus, place} if extend else page.selected
            return replace(page, focus=place, selected=chosen)
        case ToggleSelected(place) if 0 <= place < len(page.items):
            return replace(page, selected=page.selected ^ {place})
        case ToggleAll():
            every = frozenset(range(len(page.items)))
            return replace(page, selected=frozenset() if page.selected == every else every)
    return page


def _labeled(page: PageDraft, label: LabelId, task_type: TaskType) -> dict[int, Answer]:
    if task_type is not TaskType.MULTI_LABEL:
        return {place: Answer((label,)) for place in page.targets}
    if all(label in page.answers[place].labels for place in page.targets):
        return {
            place: Answer(tuple(other for other in page.answers[place].labels if other != label))
            for place in page.targets
        }
    return {
        place: page.answers[place]
        if label in page.answers[place].labels
        else Answer((*page.answers[place].labels, label))
        for place in page.targets
    }


def _with_answers(page: PageDraft, changed: dict[int, Answer]) -> PageDraft:
    answers = tuple(changed.get(place, answer) for place, answer in enumerate(page.answers))
    return replace(page, answers=answers)


def neighbour(place: int, count: int, columns: int, step_xy: tuple[int, int]) -> int:
    """The place that an arrow leads to in a grid filled row by row; at an edge the focus stays."""
    column, row = place % columns, place // columns
    new_column, new_row = column + step_xy[0], row + step_xy[1]
    there = new_row * columns + new_column
    return there if 0 <= new_column < columns and new_row >= 0 and there < count else place


@dataclass(frozen=True)
class History:
    """A page with what it was before and what was undone; every state is kept whole, since pages are small."""

    now: PageDraft = field(default_factory=PageDraft)
    past: tuple[PageDraft, ...] = ()
    future: tuple[PageDraft, ...] = ()

    def edited(self, edit: Edit, task_type: TaskType) -> History:
        """After an edit; one that changes nothing leaves no trace, and moving the focus cannot be undone by itself."""
        after = apply(self.now, edit, task_type)
        if after == self.now:
            return self
        if isinstance(edit, MoveFocus) and not edit.extend:
            return replace(self, now=after)
        return self.changed(after)

    def changed(self, after: PageDraft) -> History:
        """After a change that was made elsewhere; one that changes nothing leaves no trace."""
        return self if after == self.now else History(after, (*self.past, self.now), ())

    def undone(self) -> History:
        """One edit back."""
        if not self.past:
            return self
        return History(self.past[-1], self.past[:-1], (self.now, *self.future))

    def redone(self) -> History:
        """One undone edit forward."""
        if not self.future:
            return self
        return History(self.future[0], (*self.past, self.now), self.future[1:])
