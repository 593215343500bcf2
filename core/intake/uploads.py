"""Files that people send: where a project keeps them, and how each becomes an item at once.

They lie in the project's own datastore, in a folder `uploads` where its pattern finds them; so a refresh finds them too.
"""

from __future__ import annotations

from sqlalchemy import Connection

from core.db.database import Database
from core.errors import BadInput
from core.ids import ProjectState
from core.intake.ingest import NewItem, add_items, item_count, known_paths, probe_file
from core.project.projects import Project, get_project
from core.roles import Action
from core.team import audit
from core.team.access import actor, require_in
from core.team.audit import Happening
from core.team.people import Account
from storage.base import Store, StoredFile
from storage.images import is_image_path
from storage.pattern import compile_pattern, fixed_folder
from storage.waiting import waited

FOLDER = "uploads"
LABEL_ENDINGS = (".json", ".jsonl", ".csv", ".parquet", ".xml", ".zip")
EXAMPLE = "photo.jpg"


def open_uploads(conn: Connection, by: Account, name: str) -> Project:
    """The project of that name, for who may bring files in. Raises NotFound, Forbidden."""
    project = get_project(conn, name)
    require_in(conn, project.id, by, Action.IMPORT)
    return project


def upload_folder(pattern: str) -> str:
    """The folder of a datastore in which a project with this pattern finds what is sent to it. Pure.

    Raises:
        BadInput: the pattern names files so narrowly that nothing new would be found.
    """
    fixed = fixed_folder(pattern)
    for folder in (f"{fixed}/{FOLDER}" if fixed else FOLDER, fixed):
        if compile_pattern(pattern)(f"{folder}/{EXAMPLE}" if folder else EXAMPLE):
            return folder
    raise BadInput(f"The project's pattern {pattern!r} would find no new file; nothing can be sent to it.")


def refused_path(pattern: str, path: str) -> str | None:
    """Why a file is not taken at this path of the datastore, or None. Images and files of labels are. Pure."""
    parts = path.split("/")
    if not path.isprintable() or "\\" in path or any(part.startswith(".") or not part for part in parts):
        return f"{path!r} is no name for a file here: it is hidden, or has signs that names do not have"
    if path.lower().endswith(LABEL_ENDINGS):
        return None
    if not is_image_path(path):
        return f"{parts[-1]!r} is neither an image nor a file of labels"
    return None if compile_pattern(pattern)(path) else f"the project's pattern {pattern!r} does not find {path!r}"


def require_room(conn: Connection, project: Project) -> None:
    """Raises BadInput where the project has as many items as it may have."""
    if item_count(conn, project.id) >= project.max_items:
        raise BadInput(
            f"{project.name} has {project.max_items:,} items, the most it may have; an admin can raise that."
        )


async def add_upload(
    db: Database, by: Account, project: Project, store: Store, file: StoredFile, *, now_ms: int
) -> NewItem | None:
    """Make an item of an image that was sent, unless it is one; None for other files. Raises Unreachable."""
    if not is_image_path(file.path):
        return None
    new = await waited(lambda: probe_file(store, file))
    await db.write(_add, by, project, new, now_ms=now_ms)
    return new


def _add(conn: Connection, by: Account, project: Project, new: NewItem, *, now_ms: int) -> None:
    here = open_uploads(conn, by, project.name)
    if here.state is ProjectState.DELETED:
        raise BadInput(f"The project {here.name!r} was deleted.")
    if known_paths(conn, here.id, [new.path]):
        return
    require_room(conn, here)
    add_items(conn, here.id, here.seed, [new])
    facts = {"path": new.path, "bytes": new.bytes}
    audit.record(conn, [Happening("file-uploaded", actor(by), here.id, body=facts)], now_ms=now_ms)
