"""What reviewers read: answers, states, times, events and filters in a few words. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

from core.annotation import Answer, Receipt
from core.ids import AccountId, ItemId, ItemState, LabelId, Source
from core.labels import LabelSet
from core.oversight.browse import Browsed, Filter
from core.oversight.review import Past
from core.team.people import Account
from tui.text import clean

STATE_WORDS = {
    ItemState.TODO: ("to do", "secondary"),
    ItemState.LABELED: ("nothing to mark", "success"),
    ItemState.SKIPPED: ("skipped", "warning"),
    ItemState.NEEDS_REVIEW: ("needs review", "accent"),
    ItemState.UNREADABLE: ("unreadable", "error"),
    ItemState.MISSING: ("missing", "error"),
}
STATE_NAMES = {state: "labeled" if state is ItemState.LABELED else word for state, (word, _) in STATE_WORDS.items()}
SOURCE_NAMES = {
    Source.MANUAL: "by hand",
    Source.PRELABEL_ACCEPTED: "prelabel accepted",
    Source.PRELABEL_CORRECTED: "prelabel corrected",
    Source.IMPORTED: "imported",
}
EVENT_WORDS = {
    "item-submitted": "labeled", "item-skipped": "skipped", "item-corrected": "corrected", "item-approved": "approved",
    "item-rejected": "rejected", "item-resolved": "settled", "item-unreadable": "unreadable", "item-missing": "missing",
    "item-returned": "file is back", "file-changed": "file changed", "gold-added": "made gold", "gold-removed": "no longer gold",
}  # fmt: skip
NAMED = 3


def label_name(labels: LabelSet, label: LabelId) -> tuple[str, str]:
    """A label's name and colour; of one that is gone, its number."""
    if label not in labels:
        return f"label {label}", "#888888"
    found = labels.by_id(label)
    return clean(found.name), found.color


def answer_tags(answer: Answer, labels: LabelSet) -> tuple[tuple[str, str], ...]:
    """(text, colour) of each label of an answer, regions counted."""
    if not answer.regions:
        return tuple(label_name(labels, label) for label in answer.labels)
    counts = Counter(region.label for region in answer.regions)
    names = {label: label_name(labels, label) for label in counts}
    return tuple((f"{n} {names[label][0]}", names[label][1]) for label, n in counts.items())


def answer_text(answer: Answer, labels: LabelSet) -> str:
    """An answer in a few words."""
    return ", ".join(text for text, _ in answer_tags(answer, labels)) or "nothing to mark"


def shown_time(at_ms: int | None) -> str:
    """A time for people, UTC."""
    return "" if not at_ms else datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def past_text(past: Past, labels: LabelSet) -> str:
    """One event: what was done, and what was said with it."""
    what = EVENT_WORDS.get(past.what, past.what)
    said = past.body.get("comment") or past.body.get("reason")
    if said:
        return f"{what}: {clean(str(said))}"
    body = past.body.get("answer")
    return f"{what}: {answer_text(Answer.from_json(body), labels)}" if isinstance(body, Mapping) else what


def filter_chips(wanted: Filter, labels: LabelSet, people: Mapping[AccountId, Account]) -> tuple[str, ...]:
    """What a filter asks for, a few words a part."""
    chips = [STATE_NAMES[state] for state in wanted.states]
    if wanted.label is not None:
        chips.append(f"label {label_name(labels, wanted.label)[0]}")
    if wanted.labeler is not None:
        known = people.get(wanted.labeler)
        chips.append(f"by {clean(known.name) if known else wanted.labeler}")
    if wanted.source is not None:
        chips.append(SOURCE_NAMES[wanted.source])
    if wanted.reviewed is not None:
        chips.append("reviewed" if wanted.reviewed else "not reviewed")
    if wanted.since_ms is not None:
        chips.append(f"since {shown_time(wanted.since_ms)}")
    if wanted.until_ms is not None:
        chips.append(f"before {shown_time(wanted.until_ms)}")
    if wanted.score_from is not None:
        chips.append(f"score {wanted.score_from:g} or more")
    if wanted.score_until is not None:
        chips.append(f"score under {wanted.score_until:g}")
    if wanted.doubted:
        chips.append("a model disagrees")
    if wanted.text:
        chips.append(f"\N{LEFT DOUBLE QUOTATION MARK}{clean(wanted.text)}\N{RIGHT DOUBLE QUOTATION MARK}")
    return tuple(chips)


def receipt_text(done: str, receipt: Receipt, seen: Mapping[ItemId, Browsed]) -> str:
    """What became of a verdict: how many were taken, and by name what was left as it is."""
    count = len(receipt.accepted)
    text = f"{count:,} image{'' if count == 1 else 's'} {done}." if count or not receipt.refused else ""
    lines = [f"{clean(seen[item].path)} was left as it is: {reason}." for item, reason in receipt.refused.items()]
    more = f"And {len(lines) - NAMED:,} more." if len(lines) > NAMED else ""
    return "\n".join(part for part in (text, *lines[:NAMED], more) if part)
