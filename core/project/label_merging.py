"""Making one label class of two: current answers, defaults, gold and drafts are rewritten; events stay as they were."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import Connection, Table, bindparam, or_, select, update

from core.annotation import Answer, Draft
from core.counts import tally
from core.counts.tally import NOBODY, Count, What
from core.db.tables import ASSIGNMENT, ITEM, ITEM_LABEL, LABEL_CLASS
from core.errors import BadInput
from core.ids import LabelId, ProjectId
from core.labeling.decisions import label_uses
from core.labels import LabelSet
from core.project.label_access import record, require_paused
from core.project.projects import label_classes
from core.team.people import Account


def merge_labels(conn: Connection, by: Account, project: ProjectId, path: str, into: str, *, now_ms: int) -> int:
    """Make one class of two: every current answer and draft with `path` has `into` afterwards; returns how many items.

    Pages that were open go on: an answer that still comes in with the old class is taken as the new one.

    Raises:
        BadInput: the project runs, the two are one, or there are classes below `path`.
    """
    require_paused(conn, by, project)
    labels = LabelSet(label_classes(conn, project))
    old, new = labels.by_path(path), labels.by_path(into)
    if old.id == new.id:
        raise BadInput("A label cannot be merged into itself.")
    if any(label.path.startswith(f"{path}/") for label in labels):
        raise BadInput(f"There are labels below {path!r}; merge or retire those first.")
    conn.execute(
        update(LABEL_CLASS)
        .where(or_(LABEL_CLASS.c.id == old.id, LABEL_CLASS.c.merged_id == old.id))
        .values(merged_id=new.id, retired_ms=now_ms)
    )
    items = _relabel_items(conn, project, old.id, new.id)
    _relabel_assignments(conn, project, old.id, new.id)
    record(conn, by, project, "label-merged", {"before": path, "after": into, "items": items}, now_ms)
    return items


def _relabel_items(conn: Connection, project: ProjectId, old: LabelId, new: LabelId) -> int:
    """Rewrite current, default and gold answers; the index and the counts follow."""
    found = set(
        conn.execute(
            select(ITEM_LABEL.c.item_id).where(ITEM_LABEL.c.project_id == project, ITEM_LABEL.c.label_id == old)
        ).scalars()
    )
    counts: Counter[Count] = Counter()
    for column in ("answer", "defaults", "gold"):
        rewritten = []
        for key, body in _bodies(conn, project, ITEM, column):
            answer = Answer.from_json(body)
            if old in answer.label_set:
                after = answer.relabeled({old: new})
                rewritten.append({"b_item": key, "body": after.to_json()})
                if column == "answer":
                    uses = label_uses(after).count(new) - label_uses(answer).count(new)
                    counts[Count(NOBODY, 0, What.LABEL, new)] += uses
                    counts[Count(NOBODY, 0, What.LABEL, old)] -= label_uses(answer).count(old)
        if rewritten:
            statement = update(ITEM).where(ITEM.c.id == bindparam("b_item")).values({column: bindparam("body")})
            conn.execute(statement, rewritten)
    tally.add(conn, project, counts)
    here = (ITEM_LABEL.c.project_id == project, ITEM_LABEL.c.label_id == old)
    had_both = select(ITEM_LABEL.c.item_id).where(ITEM_LABEL.c.project_id == project, ITEM_LABEL.c.label_id == new)
    conn.execute(ITEM_LABEL.delete().where(*here, ITEM_LABEL.c.item_id.in_(had_both)))
    conn.execute(update(ITEM_LABEL).where(*here).values(label_id=new))
    return len(found)


def _relabel_assignments(conn: Connection, project: ProjectId, old: LabelId, new: LabelId) -> None:
    for column in ("body", "draft"):
        for key, body in _bodies(conn, project, ASSIGNMENT, column):
            given = Draft.from_json(body).answer if column == "draft" else Answer.from_json(body)
            if old not in given.label_set:
                continue
            after = given.relabeled({old: new}).to_json()
            values = {column: {**body, "answer": after} if column == "draft" else after}
            here = (ASSIGNMENT.c.item_id == key[0], ASSIGNMENT.c.account_id == key[1])
            conn.execute(update(ASSIGNMENT).where(*here).values(values))


def _bodies(conn: Connection, project: ProjectId, table: Table, column: str) -> list[tuple[Any, Any]]:
    """Key and body of every row of the project that may need rewriting."""
    keys = list(table.primary_key.columns)
    query = select(*keys, table.c[column]).where(table.c.project_id == project, table.c[column].is_not(None))
    return [(row[0] if len(keys) == 1 else tuple(row[: len(keys)]), row[len(keys)]) for row in conn.execute(query)]
