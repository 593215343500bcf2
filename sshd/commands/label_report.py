"""What a file of labels has for a project, in lines for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from exporters.importers.compare import As

MOST = 12
NOUNS = {As.LABELS: "labels", As.PRELABELS: "prelabels", As.GOLD: "gold items"}


def report(facts: Mapping[str, Any], written: int | None, use: As) -> str:
    """The report of a comparison, as `Comparison.facts` tells it; `written` is None where it was only looked at."""
    head = f"{facts['images']:,} images in {facts['format']}: "
    if written is None:
        head += f"{facts['to_write']:,} would be taken as {NOUNS[use]}. Nothing was written."
    else:
        head += f"{written:,} taken as {NOUNS[use]}."
    lines = [head]
    for count, what in (
        (facts["same"], "have this very answer already"),
        (facts["kept"], "have another answer, which stays (--replace takes the file's)"),
        (facts["unanswered"], "are not labeled in the file"),
        (facts["items_without"], "items of the project are not in the file"),
    ):
        lines += [f"  {count:,} {what}"] if count else []
    lines += [*_reasons("not found", facts["unmatched"]), *_reasons("not taken", facts["refused"])]
    lines += [f"  note: {what}, {n:,} times" for what, n in facts["notes"].items()]
    return "\n".join([*lines, *_classes(facts["classes"])])


def _reasons(head: str, reasons: Iterable[Mapping[str, Any]]) -> list[str]:
    return [
        f"  {one['count']:,} {head}: {one['reason']}: {', '.join(one['examples'][:3])}{' …' if one['count'] > 3 else ''}"
        for one in list(reasons)[:MOST]
    ]


def _classes(classes: Iterable[Mapping[str, Any]]) -> list[str]:
    found = list(classes)
    unknown = [one["name"] for one in found if one["label"] is None]
    lines = ["labels in the file:"] if found else []
    for one in found:
        name, label = one["name"], one["label"]
        to = "unknown to the project" if label is None else ("" if label == name else f"taken as {label}")
        lines.append(f"  {one['annotations']:8,} {name}{'  ' + to if to else ''}")
    if unknown:
        what = "One label is unknown: add it" if len(unknown) == 1 else f"{len(unknown)} labels are unknown: add them"
        lines.append(
            f"{what} (`tagline label add`, while the project is paused) or name the label meant with --map '{unknown[0]}=…'."
        )
    return lines
