"""Label classes that change while a project lives: added, renamed, recoloured, moved, retired.

History is never rewritten: events keep the ids and answers that were given. Merging two is in `core.project.label_merging`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from core.db.tables import LABEL_CLASS
from core.errors import BadInput
from core.ids import LabelId, ProjectId
from core.labels import COLORS, LabelClass, LabelSet, check_names, expand_paths
from core.project.label_access import record, require_paused
from core.project.projects import label_classes
from core.project.starting_over import start_over
from core.roles import Action
from core.team.access import require_in
from core.team.people import Account

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
    require_paused(conn, by, project)
    known = {row.path: row for row in _all(conn, project)}
    new = [path for path in expand_paths(paths) if path not in known or known[path].retired_ms is not None]
    if not new:
        raise BadInput("The project has every one of these labels already.")
    position = max((row.position for row in known.values()), default=-1) + 1
    ids = {path: row.id for path, row in known.items()}
    for n, path in enumerate(new):
        ids[path] = _add(conn, project, path, position + n, ids, known)
    record(conn, by, project, "label-added", {"paths": new, "afterwards": afterwards.value}, now_ms)
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
    record(conn, by, project, "label-renamed", {"before": path, "after": renamed}, now_ms)
    return LabelSet(label_classes(conn, project)).by_id(label.id)


def recolor_label(conn: Connection, by: Account, project: ProjectId, path: str, color: str, *, now_ms: int) -> None:
    """Give a class another colour, `#rrggbb`. Raises BadInput."""
    require_in(conn, project, by, Action.CHANGE_PROJECT)
    label = LabelSet(label_classes(conn, project)).by_path(path)
    if not _COLOR.match(color):
        raise BadInput(f"{color!r} is no colour; write it as #rrggbb, such as #e69f00.")
    conn.execute(update(LABEL_CLASS).where(LABEL_CLASS.c.id == label.id).values(color=color.lower()))
    record(conn, by, project, "label-recolored", {"path": path, "before": label.color, "after": color.lower()}, now_ms)


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
    record(conn, by, project, "label-moved", {"path": path, "position": position}, now_ms)


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
    record(conn, by, project, "label-retired", {"paths": [label.path for label in gone]}, now_ms)
    return len(gone)


def _all(conn: Connection, project: ProjectId) -> Sequence[Row[Any]]:
    """Every class of the project, retired ones too."""
    return conn.execute(select(LABEL_CLASS).where(LABEL_CLASS.c.project_id == project)).all()
