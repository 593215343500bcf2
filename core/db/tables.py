"""Every table, as SQLModel classes. Used inside core only; other rooms see the value types of `core.annotation` and friends.

Times are epoch milliseconds UTC (`*_ms`). CHECK constraints forbid impossible rows. Item.key is a 62-bit random order.
"""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
    text,
)
from sqlmodel import Field, SQLModel

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(SQLModel):
    """Gives all tables one naming convention, so that migrations can name every constraint."""

    metadata = MetaData(naming_convention=NAMING)


def big_id() -> Any:
    """A 64-bit surrogate key that is SQLite's rowid and PostgreSQL's identity."""
    return Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)


def ref(target: str, *, nullable: bool = False, index: bool = False, primary_key: bool = False) -> Any:
    """A 64-bit foreign key."""
    return Column(BigInteger, ForeignKey(target), nullable=nullable, index=index, primary_key=primary_key)


def ms(*, nullable: bool = False) -> Any:
    """Epoch milliseconds, UTC."""
    return Column(BigInteger, nullable=nullable)


class Account(Base, table=True):
    """A person who can log in."""

    id: int | None = Field(default=None, sa_column=big_id())
    name: str = Field(sa_column=Column(String(64), nullable=False, unique=True))
    role: str = Field(sa_column=Column(String(16), nullable=False))
    password_hash: str | None = Field(default=None, sa_column=Column(String(255)))
    settings: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    created_ms: int = Field(sa_column=ms())
    disabled_ms: int | None = Field(default=None, sa_column=ms(nullable=True))

    __table_args__ = (CheckConstraint("role IN ('admin','lead','labeler')", name="role"),)


class PublicKey(Base, table=True):
    """An SSH public key that logs an account in."""

    __tablename__ = "public_key"
    id: int | None = Field(default=None, sa_column=big_id())
    account_id: int = Field(sa_column=ref("account.id", index=True))
    fingerprint: str = Field(sa_column=Column(String(64), nullable=False, unique=True))
    line: str = Field(sa_column=Column(Text, nullable=False))
    created_ms: int = Field(sa_column=ms())


class Project(Base, table=True):
    """One labeling project. A deleted project keeps its row, so its name is never free again."""

    id: int | None = Field(default=None, sa_column=big_id())
    name: str = Field(sa_column=Column(String(128), nullable=False, unique=True))
    task_type: str = Field(sa_column=Column(String(32), nullable=False))
    state: str = Field(sa_column=Column(String(16), nullable=False))
    datastore: str = Field(sa_column=Column(Text, nullable=False))
    pattern: str = Field(sa_column=Column(Text, nullable=False))
    seed: int = Field(sa_column=Column(BigInteger, nullable=False))
    max_items: int = Field(sa_column=Column(Integer, nullable=False))
    min_labelers: int = Field(default=1, sa_column=Column(SmallInteger, nullable=False))
    max_labelers: int = Field(default=1, sa_column=Column(SmallInteger, nullable=False))
    lease_s: int = Field(sa_column=Column(Integer, nullable=False))
    instructions: str = Field(default="", sa_column=Column(Text, nullable=False))
    assist: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    quality: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False, server_default="{}"))
    refresh_every_s: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    refreshed_ms: int | None = Field(default=None, sa_column=ms(nullable=True))
    refresh_found: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    import_done: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    import_total: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    created_ms: int = Field(sa_column=ms())
    version: int = Field(default=1, sa_column=Column(Integer, nullable=False))

    __table_args__ = (
        CheckConstraint(
            "task_type IN ('multi-class','multi-label','object-detection','instance-segmentation')", name="task_type"
        ),
        CheckConstraint("state IN ('initializing','running','paused','deleted')", name="state"),
        CheckConstraint("min_labelers >= 1 AND max_labelers >= min_labelers", name="labelers"),
        CheckConstraint("lease_s > 0", name="lease_s"),
    )


class Membership(Base, table=True):
    """Which projects an account that is no admin may see, and as what."""

    project_id: int = Field(sa_column=ref("project.id", primary_key=True))
    account_id: int = Field(sa_column=ref("account.id", primary_key=True, index=True))
    role: str = Field(sa_column=Column(String(16), nullable=False))
    instructions_seen_ms: int | None = Field(default=None, sa_column=ms(nullable=True))
    page_size: int = Field(default=4, sa_column=Column(SmallInteger, nullable=False))

    __table_args__ = (
        CheckConstraint("role IN ('admin','lead','labeler')", name="role"),
        CheckConstraint("page_size IN (1,4,6,9)", name="page_size"),
    )


class LabelClass(Base, table=True):
    """One label; `path` is the names from the root joined by '/', any level of which can be chosen."""

    __tablename__ = "label_class"
    id: int | None = Field(default=None, sa_column=big_id())
    project_id: int = Field(sa_column=ref("project.id"))
    parent_id: int | None = Field(default=None, sa_column=ref("label_class.id", nullable=True))
    name: str = Field(sa_column=Column(String(128), nullable=False))
    path: str = Field(sa_column=Column(String(800), nullable=False))
    position: int = Field(sa_column=Column(Integer, nullable=False))
    color: str = Field(sa_column=Column(String(7), nullable=False))
    retired_ms: int | None = Field(default=None, sa_column=ms(nullable=True))
    merged_id: int | None = Field(default=None, sa_column=Column(BigInteger))

    __table_args__ = (UniqueConstraint("project_id", "path"),)


OPEN = text("open_slots > 0")
CLUSTERED = text("open_slots > 0 AND cluster IS NOT NULL")
ASSIGNED = text("open_slots > 0 AND assignee_id IS NOT NULL")
DECIDED = text("decided_ms IS NOT NULL")
UNREVIEWED = text("state = 1 AND reviewed_ms IS NULL")
NOT_MANUAL = text("source <> 'manual'")
GOLD = text("gold IS NOT NULL")
AUDIT = text("audit = 1")
OPEN_AUDIT = text("open_slots > 0 AND audit = 1")


class Item(Base, table=True):
    """One image file of a project. `open_slots` is how many more labelers may be given it now."""

    id: int | None = Field(default=None, sa_column=big_id())
    project_id: int = Field(sa_column=ref("project.id"))
    path: str = Field(sa_column=Column(Text, nullable=False))
    etag: str = Field(sa_column=Column(String(128), nullable=False))
    bytes: int = Field(sa_column=Column(BigInteger, nullable=False))
    width: int = Field(sa_column=Column(Integer, nullable=False))
    height: int = Field(sa_column=Column(Integer, nullable=False))
    frames: int = Field(default=1, sa_column=Column(Integer, nullable=False))
    key: int = Field(sa_column=Column(BigInteger, nullable=False))
    kind: int = Field(default=2, sa_column=Column(SmallInteger, nullable=False))
    priority: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    cluster: int | None = Field(default=None, sa_column=Column(Integer))
    assignee_id: int | None = Field(default=None, sa_column=ref("account.id", nullable=True))
    open_slots: int = Field(sa_column=Column(SmallInteger, nullable=False))
    state: int = Field(default=0, sa_column=Column(SmallInteger, nullable=False))
    reason: str | None = Field(default=None, sa_column=Column(Text))
    answer: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    decided_ms: int | None = Field(default=None, sa_column=ms(nullable=True))
    source: str | None = Field(default=None, sa_column=Column(String(24)))
    reviewed_ms: int | None = Field(default=None, sa_column=ms(nullable=True))
    reviewer_id: int | None = Field(default=None, sa_column=Column(BigInteger))
    defaults: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    gold: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    state_before: int | None = Field(default=None, sa_column=Column(SmallInteger))
    audit: int = Field(default=0, sa_column=Column(SmallInteger, nullable=False, server_default="0"))
    model_id: int | None = Field(default=None, sa_column=Column(BigInteger))

    __table_args__ = (
        UniqueConstraint("project_id", "path"),
        CheckConstraint("open_slots >= 0", name="open_slots"),
        CheckConstraint("state BETWEEN 0 AND 5", name="state"),
        CheckConstraint("state IN (0,3) OR open_slots = 0", name="closed"),
        CheckConstraint("state NOT IN (4,5) OR reason IS NOT NULL", name="reason"),
        CheckConstraint("state <> 1 OR answer IS NOT NULL", name="labeled"),
        Index("ix_item_open", "project_id", "kind", "priority", "key", sqlite_where=OPEN, postgresql_where=OPEN),
        Index(
            "ix_item_open_cluster",
            "project_id",
            "cluster",
            "key",
            sqlite_where=CLUSTERED,
            postgresql_where=CLUSTERED,
        ),
        Index("ix_item_open_assignee", "assignee_id", "key", sqlite_where=ASSIGNED, postgresql_where=ASSIGNED),
        Index("ix_item_state", "project_id", "state", "id"),
        Index("ix_item_decided", "project_id", "decided_ms", "id", sqlite_where=DECIDED, postgresql_where=DECIDED),
        Index("ix_item_unreviewed", "project_id", "id", sqlite_where=UNREVIEWED, postgresql_where=UNREVIEWED),
        Index("ix_item_source", "project_id", "source", "id", sqlite_where=NOT_MANUAL, postgresql_where=NOT_MANUAL),
        Index("ix_item_gold", "project_id", "key", sqlite_where=GOLD, postgresql_where=GOLD),
        Index("ix_item_open_audit", "project_id", "key", sqlite_where=OPEN_AUDIT, postgresql_where=OPEN_AUDIT),
        Index("ix_item_audit", "project_id", "state", sqlite_where=AUDIT, postgresql_where=AUDIT),
    )


class ItemLabel(Base, table=True):
    """Which items hold which label now: the index of the data page, kept with every answer (see `core.labeling.decisions`)."""

    __tablename__ = "item_label"
    project_id: int = Field(sa_column=ref("project.id", primary_key=True))
    label_id: int = Field(sa_column=ref("label_class.id", primary_key=True))
    item_id: int = Field(sa_column=ref("item.id", primary_key=True))

    __table_args__ = ({"sqlite_with_rowid": False},)


SUBMITTED = text("state = 1")
LEASED = text("state = 0")
REJECTED = text("state = 3")


class Assignment(Base, table=True):
    """One labeler's hold on, or answer to, one item. The primary key forbids giving the same item twice."""

    item_id: int = Field(sa_column=ref("item.id", primary_key=True))
    account_id: int = Field(sa_column=ref("account.id", primary_key=True))
    project_id: int = Field(sa_column=ref("project.id"))
    state: int = Field(sa_column=Column(SmallInteger, nullable=False))
    token: int = Field(default=1, sa_column=Column(Integer, nullable=False))
    lease_until_ms: int | None = Field(default=None, sa_column=ms(nullable=True))
    held_seq: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    active_ms: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    draft: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    body: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    source: str | None = Field(default=None, sa_column=Column(String(24)))
    comment: str = Field(default="", sa_column=Column(Text, nullable=False))
    submitted_ms: int | None = Field(default=None, sa_column=ms(nullable=True))
    version: int = Field(default=1, sa_column=Column(Integer, nullable=False))

    __table_args__ = (
        CheckConstraint("state BETWEEN 0 AND 4", name="state"),
        CheckConstraint("state <> 0 OR lease_until_ms IS NOT NULL", name="lease"),
        CheckConstraint("state <> 1 OR (body IS NOT NULL AND submitted_ms IS NOT NULL)", name="submitted"),
        Index("ix_assignment_leased", "lease_until_ms", sqlite_where=LEASED, postgresql_where=LEASED),
        Index(
            "ix_assignment_held", "account_id", "project_id", "held_seq", sqlite_where=LEASED, postgresql_where=LEASED
        ),
        Index(
            "ix_assignment_rejected",
            "account_id",
            "project_id",
            sqlite_where=REJECTED,
            postgresql_where=REJECTED,
        ),
        Index("ix_assignment_submitted", "account_id", "project_id", "submitted_ms"),
        Index(
            "ix_assignment_items",
            "account_id",
            "project_id",
            "item_id",
            sqlite_where=SUBMITTED,
            postgresql_where=SUBMITTED,
        ),
    )


class Event(Base, table=True):
    """Append-only history: who did what to which item when."""

    id: int | None = Field(default=None, sa_column=big_id())
    at_ms: int = Field(sa_column=ms())
    what: str = Field(sa_column=Column(String(32), nullable=False))
    account_id: int | None = Field(default=None, sa_column=ref("account.id", nullable=True))
    project_id: int | None = Field(default=None, sa_column=ref("project.id", nullable=True))
    item_id: int | None = Field(default=None, sa_column=ref("item.id", nullable=True))
    body: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))

    __table_args__ = (Index("ix_event_item", "item_id", "id"), Index("ix_event_project", "project_id", "id"))


class Tally(Base, table=True):
    """Counts kept as things happen, so that a dashboard never groups over items. `day` is days since the epoch, UTC."""

    project_id: int = Field(sa_column=ref("project.id", primary_key=True))
    what: str = Field(sa_column=Column(String(24), primary_key=True))
    account_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    day: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    code: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    n: int = Field(sa_column=Column(BigInteger, nullable=False))


class ModelRun(Base, table=True):
    """One run of the learning worker. `labels` is how many answers it learned from, `weights` what it learned."""

    __tablename__ = "model_run"
    id: int | None = Field(default=None, sa_column=big_id())
    project_id: int = Field(sa_column=ref("project.id", index=True))
    kind: str = Field(sa_column=Column(String(24), nullable=False))
    state: str = Field(sa_column=Column(String(16), nullable=False))
    device: str = Field(default="", sa_column=Column(String(64), nullable=False))
    threshold: float | None = None
    metrics: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    log: str = Field(default="", sa_column=Column(Text, nullable=False))
    started_ms: int = Field(sa_column=ms())
    ended_ms: int | None = Field(default=None, sa_column=ms(nullable=True))
    job_id: int | None = Field(default=None, sa_column=Column(BigInteger))
    labels: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    weights: bytes | None = Field(default=None, sa_column=Column(LargeBinary))


JUDGED = text("kept IS NOT NULL")


class Prediction(Base, table=True):
    """What one model says of one item; `kept` is the part of it that a person left standing, once one has judged."""

    item_id: int = Field(sa_column=ref("item.id", primary_key=True))
    model_id: int = Field(sa_column=ref("model_run.id", primary_key=True))
    score: float
    body: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    kept: float | None = None

    __table_args__ = (
        Index("ix_prediction_judged", "model_id", "item_id", "kept", sqlite_where=JUDGED, postgresql_where=JUDGED),
    )


class Doubt(Base, table=True):
    """An answer that a model confidently disagrees with; over as soon as the item's `decided_ms` is another."""

    project_id: int = Field(sa_column=ref("project.id", primary_key=True))
    item_id: int = Field(sa_column=ref("item.id", primary_key=True))
    model_id: int = Field(sa_column=ref("model_run.id"))
    sure: float
    body: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    decided_ms: int = Field(sa_column=ms())


UNFINISHED = text("state IN ('queued','running')")


class Job(Base, table=True):
    """Background work; `attempt` is its fencing token, `needs` what a worker must have to do it."""

    id: int | None = Field(default=None, sa_column=big_id())
    kind: str = Field(sa_column=Column(String(24), nullable=False))
    dedup: str = Field(sa_column=Column(String(128), nullable=False))
    payload: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    state: str = Field(sa_column=Column(String(16), nullable=False))
    attempt: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    lease_until_ms: int | None = Field(default=None, sa_column=ms(nullable=True))
    progress: float = 0.0
    error: str | None = Field(default=None, sa_column=Column(Text))
    created_ms: int = Field(sa_column=ms())
    project_id: int | None = Field(default=None, sa_column=Column(BigInteger))
    needs: str = Field(default="", sa_column=Column(String(24), nullable=False, server_default=""))
    worker: str = Field(default="", sa_column=Column(String(80), nullable=False, server_default=""))
    ended_ms: int | None = Field(default=None, sa_column=ms(nullable=True))

    __table_args__ = (
        CheckConstraint("state IN ('queued','running','done','failed','cancelled')", name="state"),
        Index("uq_job_unfinished", "kind", "dedup", unique=True, sqlite_where=UNFINISHED, postgresql_where=UNFINISHED),
        Index("ix_job_unfinished", "id", sqlite_where=UNFINISHED, postgresql_where=UNFINISHED),
        Index("ix_job_project", "project_id", "id"),
    )


class WorkerProcess(Base, table=True):
    """A background worker that was seen: on what it computes, and what it cannot do."""

    __tablename__ = "worker"
    name: str = Field(sa_column=Column(String(80), primary_key=True))
    device: str = Field(sa_column=Column(String(64), nullable=False))
    note: str = Field(default="", sa_column=Column(Text, nullable=False))
    seen_ms: int = Field(sa_column=ms())


class ServerProcess(Base, table=True):
    """A process of this installation as it last reported; `figures` are its counters and gauges."""

    __tablename__ = "process"
    name: str = Field(sa_column=Column(String(160), primary_key=True))
    kind: str = Field(sa_column=Column(String(24), nullable=False))
    host: str = Field(sa_column=Column(String(80), nullable=False))
    version: str = Field(sa_column=Column(String(40), nullable=False))
    started_ms: int = Field(sa_column=ms())
    seen_ms: int = Field(sa_column=ms())
    figures: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))


def _table(model: type[SQLModel]) -> Table:
    return cast("Table", model.__table__)  # type: ignore[attr-defined]


ACCOUNT = _table(Account)
PUBLIC_KEY = _table(PublicKey)
PROJECT = _table(Project)
MEMBERSHIP = _table(Membership)
LABEL_CLASS = _table(LabelClass)
ITEM = _table(Item)
ITEM_LABEL = _table(ItemLabel)
ASSIGNMENT = _table(Assignment)
EVENT = _table(Event)
TALLY = _table(Tally)
MODEL_RUN = _table(ModelRun)
PREDICTION = _table(Prediction)
DOUBT = _table(Doubt)
JOB = _table(Job)
WORKER = _table(WorkerProcess)
PROCESS = _table(ServerProcess)

# Written into the SQL, not bound: a partial index is only used where its condition stands word for word.
NONE: ColumnElement[int] = literal_column("0")
IS_LEASED = ASSIGNMENT.c.state == literal_column("0")
IS_SUBMITTED = ASSIGNMENT.c.state == literal_column("1")
IS_REJECTED = ASSIGNMENT.c.state == literal_column("3")
