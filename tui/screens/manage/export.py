"""Exporting from the details page: which format, which images; the background run and where it wrote."""

from __future__ import annotations

from collections.abc import Sequence

from core.background.jobs import Job, JobState
from core.project.projects import Project
from exporters.formats import FORMATS
from storage.images import EXPORTS
from tui.screens.manage.ask import AskChoice
from tui.screens.manage.base import ManageScreen
from tui.text import clean
from tui.widgets.bars import ago


async def ask_export(screen: ManageScreen, project: Project) -> None:
    """Ask for a format and for which images, and have it written in the background."""
    formats = [(format.name, format.name, format.summary) for format in FORMATS.values()]
    name = await screen.app.push_screen_wait(AskChoice(f"Export {clean(project.name)} as", formats))
    if name is None:
        return
    which = (
        ("labeled", "Labeled images", "what has a label now"),
        ("all", "All images", "those without a label, too"),
    )
    chosen = await screen.app.push_screen_wait(AskChoice("Which images?", which))
    if chosen is None:
        return
    asked = await screen.ask(screen.manager.export(project, name, all_items=chosen == "all"))
    if asked is not None:
        where = f"{EXPORTS}/{name}/"
        screen.say(f"It is being written into the datastore, under {where}" if asked else "That export runs already.")


def exports_text(exports: Sequence[Job], project: Project, now_ms: int) -> str:
    """Where exports lie in the datastore, and how the newest one stands. Pure."""
    where = f"{project.datastore.removeprefix('local:').rstrip('/')}/{EXPORTS}/"
    return f"{_newest(exports[0], now_ms)}   {where}" if exports else where


def _newest(job: Job, now_ms: int) -> str:
    name = job.payload.get("format", "")
    match job.state:
        case JobState.QUEUED:
            return f"{name}: waiting" + (f", {job.error}" if job.error else "")
        case JobState.RUNNING:
            return f"{name}: {job.progress:.0%}"
        case JobState.DONE:
            return f"{name}: {ago(job.ended_ms, now_ms)}"
        case _:
            return f"{name}: {job.state.value}" + (f", {job.error}" if job.error else "")
