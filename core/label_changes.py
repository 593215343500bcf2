"""Label classes that change while a project lives: added, renamed, recoloured, moved, merged, retired.

History is never rewritten: events keep the ids and answers that were given. What changes is the current set: merging rewrites
current answers and drafts, starting over takes them out after putting each into the history.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Select,
    Table,
    bindparam,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    update,
)

from core import audit, tally
from core.access import actor, require_in
from core.annotation import Answer, Draft
from core.audit import Happening
from core.decisions import label_uses
from core.errors import BadInput
from core.ids import AssignmentState, ItemKind, ItemState, LabelId, ProjectId, ProjectState
from core.labels import COLORS, LabelClass, LabelSet, check_names, expand_paths
from core.people import Account
from core.projects import label_classes, project_by_id
from core.roles import Action
from core.tables import ASSIGNMENT, EVENT, IS_LEASED, ITEM, ITEM_LABEL, LABEL_CLASS, PROJECT
from core.tally import NOBODY, Count, What

_COLOR = re.compile(r"#[0-9a-fA-F]{6}\Z")


class Afterwards(StrEnum):
    """What becomes of the labels that are there when a class is added."""

    START_OVER = "start-over"  # all labels leave the current set; every image is labeled anew
    KEEP_AS_DEFAULTS = "keep-as-defaults"  # every image is labeled anew, its labels so far filled in
    CONTINUE = "continue"  # labels stay; images still to do may have the new class


def add_labels(
    conn: Connection, by: Account, project: ProjectId, paths: Sequence[str], afterwards: Afterwards, *, now_ms: int
) -> int:
    """Add classes at the end of the order, missing parents included; returns how many items are to do again.

    A class of that path that was retired comes back.

    Raises:
        BadInput: the project runs, a path is impossible, or every one is there already.
        Forbidden: only admins change classes.
    """
    _require_paused(conn, by, project)
    known = {row.path: row for row in _all(conn, project)}
    new = [path for path in expand_paths(paths) if path not in known or known[path].retired_ms is not None]
    if not new:
        raise BadInput("The project has every one of these labels already.")
    position = max((row.position for row in known.values()), default=-1) + 1
    ids = {path: row.id for path, row in known.items()}
    for n, path in enumerate(new):
        ids[path] = _add(conn, project, path, position + n, ids, known)
    _record(conn, by, project, "label-added", {"paths": new, "afterwards": afterwards.value}, now_ms)
    if afterwards is Afterwards.CONTINUE:
        return 0
    return start_over(conn, by, project, keep=afterwards is Afterwards.KEEP_AS_DEFAULTS, now_ms=now_ms)


def _add(
    conn: Connection, project: ProjectId, path: str, position: int, ids: dict[str, int], known: dict[str, Row[Any]]
) -> int:
    if path in known:
        row: Row[Any] = known[path]
        values = {"retired_ms": None, "merged_id": None, "position": position}
        conn.execute(update(LABEL_CLASS).where(LABEL_CLASS.c.id == row.id).values(values))
        return int(row.id)
    parent, _, name = path.rpartition("/")
    fresh = {
        "project_id": project, "parent_id": ids.get(parent), "name": name, "path": path,
        "position": position, "color": COLORS[position % len(COLORS)],
    }  # fmt: skip
    return LabelId(conn.execute(insert(LABEL_CLASS).values(fresh).returning(LABEL_CLASS.c.id)).scalar_one())


def start_over(conn: Connection, by: Account, project: ProjectId, *, keep: bool, now_ms: int) -> int:
    """Take every answer out of the current set, each put into the history first; returns how many items that were.

    Args:
        keep: show each item's answer so far as the starting answer of whoever labels it anew.
    """
    _require_paused(conn, by, project)
    answered = (ITEM.c.state.in_([s.value for s in _ANSWERED]), ITEM.c.project_id == project, ITEM.c.gold.is_(None))
    counts = {
        (ItemKind(kind), ItemState(state)): n
        for kind, state, n in conn.execute(
            select(ITEM.c.kind, ITEM.c.state, func.count()).where(*answered).group_by(ITEM.c.kind, ITEM.c.state)
        )
    }
    _into_history(conn, by, project, answered, now_ms)
    gold = select(ITEM.c.id).where(ITEM.c.project_id == project, ITEM.c.gold.is_not(None))
    _empty_hands(conn, project, gold)
    slots = select(PROJECT.c.min_labelers).where(PROJECT.c.id == project).scalar_subquery()
    cleared = {
        "state": ItemState.TODO.value, "answer": None, "decided_ms": None, "source": None,
        "reviewed_ms": None, "reviewer_id": None,
    }  # fmt: skip
    if keep:
        conn.execute(update(ITEM).where(*answered, ITEM.c.answer.is_not(None)).values(defaults=ITEM.c.answer))
    conn.execute(update(ITEM).where(*answered).values(cleared))
    conn.execute(
        update(ITEM)
        .where(ITEM.c.project_id == project, ITEM.c.state == ItemState.TODO.value)
        .values(open_slots=slots, **({} if keep else {"defaults": None}))
    )
    conn.execute(ITEM_LABEL.delete().where(ITEM_LABEL.c.project_id == project, ITEM_LABEL.c.item_id.not_in(gold)))
    _uncount(conn, project, counts)
    total: int = sum(counts.values())
    _record(conn, by, project, "labels-restarted", {"items": total, "kept_as_defaults": keep}, now_ms)
    return total


def _empty_hands(conn: Connection, project: ProjectId, gold: Select[tuple[int]]) -> None:
    """Answers leave the assignments; pages in hand go back to the queue, with what was begun kept for their labelers."""
    theirs = (ASSIGNMENT.c.project_id == project, ASSIGNMENT.c.item_id.not_in(gold))
    expired = {"state": AssignmentState.EXPIRED.value, "version": ASSIGNMENT.c.version + 1}
    conn.execute(
        update(ASSIGNMENT)
        .where(*theirs, ASSIGNMENT.c.state != AssignmentState.LEASED.value)
        .values(**expired, body=None, draft=None, comment="")
    )
    conn.execute(update(ASSIGNMENT).where(*theirs, IS_LEASED).values(**expired))


_ANSWERED = (ItemState.LABELED, ItemState.NEEDS_REVIEW, ItemState.SKIPPED)


def _into_history(conn: Connection, by: Account, project: ProjectId, answered: Any, now_ms: int) -> None:
    """One event an item, with the answer that it had; made by the database itself, for there may be half a million."""
    build = func.json_object if conn.dialect.name == "sqlite" else func.json_build_object
    answer = func.json(ITEM.c.answer) if conn.dialect.name == "sqlite" else ITEM.c.answer
    rows = select(
        literal(now_ms), literal("item-restarted"), literal(actor(by)), ITEM.c.project_id, ITEM.c.id,
        build(literal_column("'before'"), answer),
    ).where(*answered)  # fmt: skip
    columns = ["at_ms", "what", "account_id", "project_id", "item_id", "body"]
    conn.execute(insert(EVENT).from_select(columns, rows))


def _uncount(conn: Connection, project: ProjectId, counts: dict[tuple[ItemKind, ItemState], int]) -> None:
    """The counts after starting over: items back in the queue, and only gold answers have labels."""
    changes: Counter[Count] = Counter()
    for (kind, state), n in counts.items():
        changes.update(tally.moved(NOBODY, kind, state, ItemState.TODO, n))
    tally.clear(conn, project, What.LABEL)
    gold = select(ITEM.c.answer).where(ITEM.c.project_id == project, ITEM.c.gold.is_not(None))
    for body in conn.execute(gold).scalars():
        changes.update(Count(NOBODY, 0, What.LABEL, label) for label in label_uses(Answer.from_json(body)))
    tally.add(conn, project, changes)


def rename_label(
    conn: Connection, by: Account, project: ProjectId, path: str, new_name: str, *, now_ms: int
) -> LabelClass:
    """Give a class another name; the paths of those below it follow. Ids stay, so every answer keeps its meaning.

    Raises:
        BadInput: an impossible name, or a path that another class, also a retired one, has.
    """
    require_in(conn, project, by, Action.CHANGE_PROJECT)
    label = LabelSet(label_classes(conn, project)).by_path(path)
    parent, _, _ = path.rpartition("/")
    renamed = f"{parent}/{new_name}" if parent else new_name
    check_names(renamed, [new_name])
    if "/" in new_name:
        raise BadInput("A name holds no '/': that joins the levels of the tree.")
    rows = _all(conn, project)
    moved = {
        row.id: renamed + row.path[len(path) :] for row in rows if row.path == path or row.path.startswith(f"{path}/")
    }
    taken = {row.path for row in rows if row.id not in moved}
    if clash := taken & set(moved.values()):
        raise BadInput(
            f"There is a label {min(clash)!r} already, in use or retired; merge the two or choose another name."
        )
    for id_, new_path in moved.items():
        values = {"path": new_path, **({"name": new_name} if id_ == label.id else {})}
        conn.execute(update(LABEL_CLASS).where(LABEL_CLASS.c.id == id_).values(values))
    _record(conn, by, project, "label-renamed", {"before": path, "after": renamed}, now_ms)
    return LabelSet(label_classes(conn, project)).by_id(label.id)


def recolor_label(conn: Connection, by: Account, project: ProjectId, path: str, color: str, *, now_ms: int) -> None:
    """Give a class another colour, `#rrggbb`. Raises BadInput."""
    require_in(conn, project, by, Action.CHANGE_PROJECT)
    label = LabelSet(label_classes(conn, project)).by_path(path)
    if not _COLOR.match(color):
        raise BadInput(f"{color!r} is no colour; write it as #rrggbb, such as #e69f00.")
    conn.execute(update(LABEL_CLASS).where(LABEL_CLASS.c.id == label.id).values(color=color.lower()))
    _record(conn, by, project, "label-recolored", {"path": path, "before": label.color, "after": color.lower()}, now_ms)


def move_label(conn: Connection, by: Account, project: ProjectId, path: str, position: int, *, now_ms: int) -> None:
    """Put a class at a place of the order, from 1; the first nine have the number keys. Raises BadInput."""
    require_in(conn, project, by, Action.CHANGE_PROJECT)
    labels = LabelSet(label_classes(conn, project))
    label = labels.by_path(path)
    if not 1 <= position <= len(labels):
        raise BadInput(f"The project has places 1 to {len(labels)}, not {position}.")
    order = [other.id for other in labels if other.id != label.id]
    order.insert(position - 1, label.id)
    for n, id_ in enumerate(order):
        conn.execute(update(LABEL_CLASS).where(LABEL_CLASS.c.id == id_).values(position=n))
    _record(conn, by, project, "label-moved", {"path": path, "position": position}, now_ms)


def retire_label(conn: Connection, by: Account, project: ProjectId, path: str, *, now_ms: int) -> int:
    """Take a class, and those below it, out of the choice. Answers that have it keep it; returns how many classes.

    Raises:
        BadInput: the project would have no class left.
    """
    require_in(conn, project, by, Action.CHANGE_PROJECT)
    labels = LabelSet(label_classes(conn, project))
    labels.by_path(path)
    gone = [label for label in labels if label.path == path or label.path.startswith(f"{path}/")]
    if len(gone) == len(labels):
        raise BadInput("A project needs at least one label; add another before you retire this one.")
    conn.execute(
        update(LABEL_CLASS).where(LABEL_CLASS.c.id.in_([label.id for label in gone])).values(retired_ms=now_ms)
    )
    _record(conn, by, project, "label-retired", {"paths": [label.path for label in gone]}, now_ms)
    return len(gone)


def merge_labels(conn: Connection, by: Account, project: ProjectId, path: str, into: str, *, now_ms: int) -> int:
    """Make one class of two: every current answer and draft with `path` has `into` afterwards; returns how many items.

    Pages that were open go on: an answer that still comes in with the old class is taken as the new one.

    Raises:
        BadInput: the project runs, the two are one, or there are classes below `path`.
    """
    _require_paused(conn, by, project)
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
    _record(conn, by, project, "label-merged", {"before": path, "after": into, "items": items}, now_ms)
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


def _all(conn: Connection, project: ProjectId) -> Sequence[Row[Any]]:
    """Every class of the project, retired ones too."""
    return conn.execute(select(LABEL_CLASS).where(LABEL_CLASS.c.project_id == project)).all()


def _require_paused(conn: Connection, by: Account, project: ProjectId) -> None:
    require_in(conn, project, by, Action.CHANGE_PROJECT)
    if project_by_id(conn, project).state is ProjectState.RUNNING:
        raise BadInput("Pause the project first, so that nobody labels while its classes change.")


def _record(conn: Connection, by: Account, project: ProjectId, what: str, body: dict[str, Any], now_ms: int) -> None:
    audit.record(conn, [Happening(what, actor(by), project, body=body)], now_ms=now_ms)
