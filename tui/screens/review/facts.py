"""What stands beside and over one image in review: its facts as text, its regions as outlines. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.text import Text

from core.annotation import Region
from core.ids import AssignmentState, ItemState
from core.labels import LabelSet
from core.oversight.browse import Browsed
from core.oversight.review import OneAnswer
from tui.canvas.overlay import Line, Outline
from tui.colors import ink_on
from tui.reviewer import Known
from tui.screens.review.words import (
    SOURCE_NAMES,
    STATE_WORDS,
    answer_tags,
    answer_text,
    label_name,
    past_text,
    shown_time,
)
from tui.text import clean

# Of labelers, side by side over one picture: apart in hue and in lightness.
COLORS = ("#ffca57", "#56b4e9", "#ff7ac6", "#5ec08a", "#ff8c42", "#b69cff", "#ffffff", "#7fe7e0", "#f2777a")


def current(answers: Sequence[OneAnswer]) -> tuple[OneAnswer, ...]:
    """The answers that count now."""
    return tuple(one for one in answers if one.state is AssignmentState.SUBMITTED)


def facts(known: Known, whose: int | None, labels: LabelSet, colors: Mapping[str, str]) -> Text:
    """Everything known of an item; `whose` is the place of the answer that is chosen."""
    text, item = Text(overflow="fold"), known.item
    tags = answer_tags(item.answer, labels) if item.state is ItemState.LABELED else ()
    for name, paper in tags:
        text.append(f" {name} ", f"bold {ink_on(paper)} on {paper}").append(" ")
    word, color = STATE_WORDS[item.state]
    text.append("" if tags else word, colors[color]).append("\n")
    if item.doubt is not None:
        said = answer_text(item.doubt.answer, labels)
        what = "there is also" if item.doubt.answer.regions else "it is"
        text.append(f"a model is {item.doubt.sure:.0%} sure that {what}: {said}\n", colors["warning"])
    text.append("".join(f"{fact}\n" for fact in _said_of(item)), colors["secondary"])
    answers = current(known.answers)
    text.append("\nAnswers\n" if answers else "", "bold")
    for n, one in enumerate(answers):
        _append_answer(text, n, one, labels, colors["accent"] if n == whose else "")
    text.append("\nHistory\n", "bold")
    for past in reversed(known.history):
        text.append(f"{shown_time(past.at_ms)} ", colors["secondary"])
        text.append(f"{clean(past.name)}\n", colors["primary"]).append(f"  {past_text(past, labels)}\n")
    return text.append("" if known.history else "nothing happened to it yet\n", colors["secondary"])


def _said_of(item: Browsed) -> Iterator[str]:
    if item.reason:
        yield clean(item.reason)
    if item.source is not None:
        yield SOURCE_NAMES[item.source]
    if item.score is not None:
        yield f"a model was {item.score:.0%} sure of its suggestion"
    if item.reviewed or item.state is ItemState.LABELED:
        yield "\u2713 reviewed" if item.reviewed else "not reviewed yet"
    if item.is_gold:
        yield "gold: labelers are measured by it"
    if item.size_wh[0]:
        yield f"{item.size_wh[0]} \u00d7 {item.size_wh[1]} px"
    if item.frames > 1:
        yield f"{item.frames} pages"


def _append_answer(text: Text, n: int, one: OneAnswer, labels: LabelSet, accent: str) -> None:
    """One labeler's answer with its key and its colour; `accent` is set for the one chosen."""
    text.append("\u25b6" if accent else " ", accent)
    text.append(f"{n + 1} " if n < 9 else "  ", "bold").append("\u25a0 ", COLORS[n % len(COLORS)])
    text.append(f"{clean(one.name)}: ", "bold" if accent else "")
    counted = [name for name, _ in answer_tags(one.answer, labels)] if one.answer.regions else []
    lines = "".join(f"\n      {name}" for name in counted) if len(counted) > 1 else ""
    text.append(lines or answer_text(one.answer, labels)).append("\n")


def outlines(known: Known | None, whose: int | None, labels: LabelSet) -> tuple[Outline, ...]:
    """The current answer's regions in their labels' colours; or, where answers differ or one is chosen, each labeler's."""
    if known is None:
        return ()
    if whose is None and known.item.state is ItemState.LABELED:
        return tuple(
            _outline(region, labels, label_name(labels, region.label)[1]) for region in known.item.answer.regions
        )
    found: list[Outline] = []
    for n, one in sorted(enumerate(current(known.answers)), key=lambda pair: pair[0] == whose):
        line: Line = "dashed" if whose not in (None, n) else "chosen"
        found += [_outline(region, labels, COLORS[n % len(COLORS)], line) for region in one.answer.regions]
    return tuple(found)


def _outline(region: Region, labels: LabelSet, color: str, line: Line = "plain") -> Outline:
    """A region; without its name where it only stands behind another's."""
    return Outline(region.shape, color, "" if line == "dashed" else label_name(labels, region.label)[0], line)
