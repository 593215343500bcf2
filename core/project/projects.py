"""Projects: made, found, listed, paused and deleted. A deleted project's name is never free again."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from core.counts.progress import Progress, project_progress
from core.db.tables import LABEL_CLASS, MEMBERSHIP, PROJECT
from core.errors import BadInput, DuplicateName, NotFound, Stale
from core.ids import AccountId, LabelId, ProjectId, ProjectState, Role, TaskType
from core.labels import COLORS, LabelClass, LabelSet, expand_paths
from core.team import audit
from core.team.people import Viewer

DEFAULT_LEASE_S = 900
DEFAULT_MAX_ITEMS = 500_000
MAX_LEASE_S = 30 * 24 * 3600
MAX_MAX_ITEMS = 100_000_000

LEGAL_MOVES: Mapping[ProjectState, frozenset[ProjectState]] = {
    ProjectState.INITIALIZING: frozenset({ProjectState.RUNNING, ProjectState.DELETED}),
    ProjectState.RUNNING: frozenset({ProjectState.PAUSED, ProjectState.DELETED}),
    ProjectState.PAUSED: frozenset({ProjectState.RUNNING, ProjectState.DELETED}),
    ProjectState.DELETED: frozenset(),
}


@dataclass(frozen=True)
class NewProject:
    """What an admin decides when a project is made; labels are paths such as `Animal/Cat`."""

    name: str
    task_type: TaskType
    datastore: str
    labels: tuple[str, ...]
    pattern: str = "**"
    instructions: str = ""
    lease_s: int = DEFAULT_LEASE_S
    seed: int | None = None
    max_items: int = DEFAULT_MAX_ITEMS


@dataclass(frozen=True)
class Project:
    """One project as it stands."""

    id: ProjectId
    name: str
    task_type: TaskType
    state: ProjectState
    datastore: str
    pattern: str
    seed: int
    max_items: int
    min_labelers: int
    max_labelers: int
    lease_s: int
    instructions: str
    import_done: int
    import_total: int
    created_ms: int
    version: int


@dataclass(frozen=True)
class ProjectSummary:
    """A line of the project list: the project, the viewer's role in it, and how far it is."""

    project: Project
    role: Role
    progress: Progress = field(default_factory=Progress)


def create_project(conn: Connection, new: NewProject, *, by: AccountId | None, now_ms: int) -> Project:
    """Make a project in state initializing, with its label classes.

    Raises:
        DuplicateName: the name is, or once was, a project's.
        BadInput: an impossible name, setting or label.
    """
    check_new(new)
    labels = expand_paths(new.labels)
    values: dict[str, Any] = {
        "name": new.name, "task_type": new.task_type.value, "state": ProjectState.INITIALIZING.value,
        "datastore": new.datastore, "pattern": new.pattern, "instructions": new.instructions,
        "seed": secrets.randbits(62) if new.seed is None else new.seed, "max_items": new.max_items,
        "min_labelers": 1, "max_labelers": 1, "lease_s": new.lease_s,
        "assist": {}, "import_done": 0, "import_total": 0, "created_ms": now_ms, "version": 1,
    }  # fmt: skip
    refuse_taken_name(conn, new.name)
    try:
        with conn.begin_nested():
            project_id = ProjectId(conn.execute(insert(PROJECT).values(values).returning(PROJECT.c.id)).scalar_one())
    except IntegrityError as error:
        raise DuplicateName(_taken(new.name)) from error
    _insert_labels(conn, project_id, labels)
    audit.record(conn, [audit.Happening("project-created", by, project_id, body={"name": new.name})], now_ms=now_ms)
    return project_by_id(conn, project_id)


def check_new(new: NewProject) -> None:
    """Refuse settings that no project can have. Raises BadInput."""
    if not new.name.strip() or len(new.name) > 128 or not new.name.isprintable() or new.name != new.name.strip():
        raise BadInput("A project's name is 1 to 128 printable characters, with no space at either end.")
    if not new.labels:
        raise BadInput("A project needs at least one label; name them with --label, such as --label cat --label dog.")
    if len(set(new.labels)) != len(new.labels):
        raise BadInput("A label is named twice; each label path can stand once.")
    if not 1 <= new.lease_s <= MAX_LEASE_S or not 1 <= new.max_items <= MAX_MAX_ITEMS:
        raise BadInput(f"The lease is 1 to {MAX_LEASE_S} seconds, the largest number of items 1 to {MAX_MAX_ITEMS}.")
    if new.seed is not None and not 0 <= new.seed < 2**62:
        raise BadInput("The seed is a whole number from 0 to 2^62 - 1.")


def refuse_taken_name(conn: Connection, name: str) -> None:
    """Raises DuplicateName when a project has, or once had, the name."""
    if conn.execute(select(PROJECT.c.id).where(PROJECT.c.name == name)).first():
        raise DuplicateName(_taken(name))


def _taken(name: str) -> str:
    return f"There is, or once was, a project named {name!r}; names are never used again. Choose another."


def _insert_labels(conn: Connection, project: ProjectId, paths: tuple[str, ...]) -> None:
    ids: dict[str, int] = {}
    for position, path in enumerate(paths):
        parent, _, name = path.rpartition("/")
        values = {
            "project_id": project, "parent_id": ids.get(parent), "name": name, "path": path,
            "position": position, "color": COLORS[position % len(COLORS)],
        }  # fmt: skip
        ids[path] = conn.execute(insert(LABEL_CLASS).values(values).returning(LABEL_CLASS.c.id)).scalar_one()


def get_project(conn: Connection, name: str) -> Project:
    """The project of that name. Raises NotFound, for a deleted one as well."""
    row = conn.execute(select(PROJECT).where(PROJECT.c.name == name)).one_or_none()
    if row is None or row.state == ProjectState.DELETED:
        raise NotFound(f"There is no project {name!r}.")
    return _project(row)


def project_by_id(conn: Connection, project: ProjectId) -> Project:
    """The project with this id, deleted or not. Raises NotFound."""
    row = conn.execute(select(PROJECT).where(PROJECT.c.id == project)).one_or_none()
    if row is None:
        raise NotFound("That project is gone.")
    return _project(row)


def _project(row: Row[Any]) -> Project:
    return Project(
        id=ProjectId(row.id), name=row.name, task_type=TaskType(row.task_type), state=ProjectState(row.state),
        datastore=row.datastore, pattern=row.pattern, seed=row.seed, max_items=row.max_items,
        min_labelers=row.min_labelers, max_labelers=row.max_labelers, lease_s=row.lease_s,
        instructions=row.instructions, import_done=row.import_done, import_total=row.import_total,
        created_ms=row.created_ms, version=row.version,
    )  # fmt: skip


def list_projects(conn: Connection, viewer: Viewer) -> tuple[ProjectSummary, ...]:
    """The projects that this account may see, by name; an admin sees all, others those given to them."""
    query = select(PROJECT).where(PROJECT.c.state != ProjectState.DELETED.value).order_by(PROJECT.c.name)
    roles: dict[int, Role] = {}
    if viewer.role is not Role.ADMIN:
        rows = conn.execute(select(MEMBERSHIP).where(MEMBERSHIP.c.account_id == viewer.id))
        roles = {row.project_id: Role(row.role) for row in rows}
        query = query.where(PROJECT.c.id.in_(roles))
    return tuple(
        ProjectSummary(_project(row), roles.get(row.id, Role.ADMIN), project_progress(conn, ProjectId(row.id)))
        for row in conn.execute(query).all()
    )


def label_classes(conn: Connection, project: ProjectId) -> tuple[LabelClass, ...]:
    """A project's labels in their order, without the retired ones."""
    return label_set(conn, project).classes


def label_set(conn: Connection, project: ProjectId) -> LabelSet:
    """A project's labels in their order, and apart from them the retired ones."""
    rows = conn.execute(
        select(LABEL_CLASS).where(LABEL_CLASS.c.project_id == project).order_by(LABEL_CLASS.c.position)
    ).all()
    return LabelSet(
        tuple(_label(row) for row in rows if row.retired_ms is None),
        tuple(_label(row) for row in rows if row.retired_ms is not None),
    )


def _label(row: Row[Any]) -> LabelClass:
    parent = LabelId(row.parent_id) if row.parent_id else None
    return LabelClass(LabelId(row.id), row.name, row.path, row.position, row.color, parent)


def set_state(
    conn: Connection, project: ProjectId, state: ProjectState, *, by: AccountId | None, now_ms: int
) -> Project:
    """Move a project along its life.

    Raises:
        BadInput: the life of a project has no such step.
        Stale: somebody else changed it just now.
    """
    found = project_by_id(conn, project)
    if found.state is state:
        return found
    if state not in LEGAL_MOVES[found.state]:
        raise BadInput(f"The project {found.name!r} is {found.state}; it cannot become {state}.")
    changed = conn.execute(
        update(PROJECT)
        .where(PROJECT.c.id == project, PROJECT.c.version == found.version)
        .values(state=state.value, version=found.version + 1)
    )
    if changed.rowcount != 1:
        raise Stale(f"The project {found.name!r} was changed by somebody else just now; look again.")
    audit.record(conn, [audit.Happening(f"project-{state.value}", by, project)], now_ms=now_ms)
    return project_by_id(conn, project)


def set_import_progress(conn: Connection, project: ProjectId, done: int, total: int) -> None:
    """Say how far the import is, for the screens that watch it."""
    conn.execute(update(PROJECT).where(PROJECT.c.id == project).values(import_done=done, import_total=total))
