"""Ways to narrow the data page, found by typing part of their names. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from core.ids import ItemState, Source
from core.labels import LabelSet
from core.oversight.browse import Filter
from core.team.people import Account
from tui.screens.review.words import SOURCE_NAMES, STATE_NAMES
from tui.text import clean

DAY_MS = 86_400_000
TEXT = "part of the path"
_NUMBER = re.compile(r"(\d*\.?\d+)(%?)")
_IS_SCORE = re.compile(r"(score)?\s*[<>]?=?\s*\d*\.?\d+%?(\s*(-|to)\s*\d*\.?\d+%?)?")


@dataclass(frozen=True)
class Facet:
    """One thing to ask for: what it is called, what kind of thing it is, and the filter with it."""

    name: str
    kind: str
    wanted: Filter
    color: str = ""


def facets(typed: str, now: Filter, labels: LabelSet, people: Sequence[Account], now_ms: int) -> tuple[Facet, ...]:
    """What the typed text may mean, the likeliest first; the path last, which any text may be part of."""
    needle = typed.strip().casefold()
    found = [facet for facet in _all(now, labels, people, now_ms) if needle in f"{facet.kind} {facet.name}".casefold()]
    found.sort(key=lambda facet: not facet.name.casefold().startswith(needle))
    if not needle:
        return (Facet("everything", "no filter", Filter()), *found) if now != Filter() else tuple(found)
    return (
        *_dates(needle, now),
        *_scores(needle, now),
        *found,
        Facet(clean(typed.strip()), TEXT, replace(now, text=typed.strip())),
    )


def _all(now: Filter, labels: LabelSet, people: Sequence[Account], now_ms: int) -> Iterator[Facet]:
    for state in ItemState:
        yield Facet(STATE_NAMES[state], "state", replace(now, states=_toggled(now.states, state)))
    yield Facet("not reviewed", "review", replace(now, reviewed=None if now.reviewed is False else False))
    yield Facet("reviewed", "review", replace(now, reviewed=None if now.reviewed else True))
    yield Facet("a model disagrees", "review", replace(now, doubted=not now.doubted))
    for label in labels:
        chosen = None if now.label == label.id else label.id
        yield Facet(clean(label.path), "label", replace(now, label=chosen), label.color)
    for account in people:
        yield Facet(
            clean(account.name), "labeler", replace(now, labeler=None if now.labeler == account.id else account.id)
        )
    for source in Source:
        yield Facet(SOURCE_NAMES[source], "source", replace(now, source=None if now.source is source else source))
    today_ms = now_ms // DAY_MS * DAY_MS
    for name, days in (("today", 0), ("since yesterday", 1), ("the last seven days", 6), ("the last thirty days", 29)):
        yield Facet(name, "date", replace(now, since_ms=today_ms - days * DAY_MS, until_ms=None))


def _toggled(states: tuple[ItemState, ...], state: ItemState) -> tuple[ItemState, ...]:
    return tuple(other for other in states if other is not state) if state in states else (*states, state)


def _dates(needle: str, now: Filter) -> Iterator[Facet]:
    """On, since and before a day such as 2026-11-25, UTC."""
    word, _, rest = needle.partition(" ")
    text = rest if word in ("since", "before", "on") else needle
    try:
        day = datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return
    start_ms, end_ms = (round(when.timestamp() * 1000) for when in (day, day + timedelta(days=1)))
    ways = {
        "on": replace(now, since_ms=start_ms, until_ms=end_ms),
        "since": replace(now, since_ms=start_ms),
        "before": replace(now, until_ms=start_ms),
    }
    for name, wanted in ways.items():
        if word == name or text == needle:
            yield Facet(f"{name} {text}", "date", wanted)


def _scores(needle: str, now: Filter) -> Iterator[Facet]:
    """Surer or less sure than a number such as .8 or 80%, or from one to another."""
    numbers = [_part(number, percent) for number, percent in _NUMBER.findall(needle.removeprefix("score"))]
    if not _IS_SCORE.fullmatch(needle) or not all(0 <= number <= 1 for number in numbers):
        return
    if len(numbers) == 2:
        low, high = sorted(numbers)
        yield Facet(f"{low:g} to {high:g}", "score", replace(now, score_from=low, score_until=high))
        return
    if ">" not in needle:
        yield Facet(f"under {numbers[0]:g}", "score", replace(now, score_from=None, score_until=numbers[0]))
    if "<" not in needle:
        yield Facet(f"{numbers[0]:g} or more", "score", replace(now, score_from=numbers[0], score_until=None))


def _part(number: str, percent: str) -> float:
    return float(number) / 100 if percent else float(number)


def loosened(now: Filter) -> Filter:
    """The filter without its last part, in the order in which it is shown."""
    if now.text:
        return replace(now, text="")
    if now.by_score:
        return replace(now, score_from=None, score_until=None)
    if now.by_date:
        return replace(now, until_ms=None) if now.until_ms is not None else replace(now, since_ms=None)
    if now.doubted:
        return replace(now, doubted=False)
    for name, empty in (("reviewed", None), ("source", None), ("labeler", None), ("label", None)):
        if getattr(now, name) is not empty:
            return replace(now, **{name: empty})  # type: ignore[arg-type]
    return replace(now, states=now.states[:-1])
