"""The step that says where a project's images are, and shows what is there."""

from __future__ import annotations

import asyncio

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from core.annotation import HeldItem
from core.errors import BadInput, TaglineError
from core.ids import ItemId, ItemKind
from storage.base import StorageError, StoredFile
from storage.survey import Survey
from tui.colors import rgb_of
from tui.manager import shown_source
from tui.picture.view import PictureView
from tui.screens.manage.plan import Plan
from tui.screens.manage.step import Step
from tui.text import clean
from tui.widgets.field import Field, anything
from tui.widgets.folders import FolderSuggester

PICTURES = 5
LOOK_AFTER_S = 0.4


class DataStep(Step):
    """A folder or container, a pattern, and a preview of what that gives."""

    TITLE = "Data"
    DEFAULT_CSS = """
    DataStep #found { height: 3; margin-bottom: 1; }
    DataStep #pictures { height: 1fr; min-height: 6; max-height: 14; }
    DataStep PictureView { width: 1fr; height: 100%; margin-right: 1; background: $background; }
    """

    def __init__(self, plan: Plan, sources: tuple[str, ...]) -> None:
        super().__init__(plan)
        self._sources = sources
        self._survey: Survey | None = None
        self._told = ""
        self._looked = ("", "")

    def compose(self) -> ComposeResult:
        """Where, which files, what is there."""
        below = ", ".join(shown_source(source) for source in self._sources)
        yield Field(
            "where", "Folder of the server, or azure://ACCOUNT/CONTAINER/FOLDER", _check_where,
            value=shown_source(self._sources[0]) if self._sources else "",
            hint=f"below {below}; \N{RIGHTWARDS ARROW} completes",
            suggester=FolderSuggester(self._sources),
        )  # fmt: skip
        hint = "** takes all below, birds/** one folder, **/*.jpg one kind"
        yield Field("pattern", "Which files", anything, value=self.plan.pattern, hint=hint)
        yield Static(id="found")
        with Horizontal(id="pictures"):
            for _ in range(PICTURES):
                yield PictureView(self.wizard.tagline.stage)

    async def enter(self) -> None:
        """Look at once."""
        self._look_soon()

    def read(self) -> None:
        """Both texts, and what was found."""
        self.plan.where, self.plan.pattern = self.text("where"), self.text("pattern")
        if self._survey is not None:
            self.plan.images = found_text(self._survey)

    async def is_ready(self) -> bool:
        """Nothing can be made of nothing."""
        if not await super().is_ready():
            return False
        if self._looked != (self.plan.datastore, self.plan.pattern):
            await self._look()
        if self._survey is None:
            self.wizard.note("Look at the folder again: what is wrong with it stands above.", is_wrong=True)
        elif not self._survey.images:
            self.wizard.note("There is no image; check the folder and the pattern.", is_wrong=True)
        return bool(self._survey and self._survey.images)

    def on_resize(self) -> None:
        """Pictures are made for the room that they have."""
        if self._survey is not None:
            self.call_after_refresh(self._show_pictures, self._survey.first)

    @on(Field.Typed)
    def _look_soon(self) -> None:
        self.query_one("#found", Static).update(Text("Looking …", self.app.theme_variables["secondary"]))
        self._look_when_still()

    @work(exclusive=True, group="survey")
    async def _look_when_still(self) -> None:
        await asyncio.sleep(LOOK_AFTER_S)
        if self._is_there:
            self.read()
            await self._look()

    @property
    def _is_there(self) -> bool:
        """False once the wizard was left, also while its parts go."""
        return bool(self.query("#found"))

    async def _look(self) -> None:
        self._told, self._survey = "", None
        looked = (self.plan.datastore, self.plan.pattern)
        try:
            self._survey = await self.wizard.manager.survey(*looked, self._sources)
        except (TaglineError, StorageError) as error:
            self._told = str(error)
        if not self._is_there:
            return
        self._looked = looked
        self.read()
        colors = self.app.theme_variables
        found = self._survey
        text = Text(self._told, colors["error"]) if found is None else survey_text(found, colors["secondary"])
        self.query_one("#found", Static).update(text)
        for view in self.query(PictureView):
            view.show(None)
        if found is not None:
            self._show_pictures(found.first)

    @work(exclusive=True, group="pictures")
    async def _show_pictures(self, files: tuple[StoredFile, ...]) -> None:
        """The first images themselves; one that cannot be shown leaves its place empty."""
        color = rgb_of(self.app.theme_variables["background"])
        for view, file in zip(self.query(PictureView), files, strict=False):
            item = HeldItem(ItemId(0), file.path, file.etag, (0, 0), 1, ItemKind.MANUAL, 0, 0)
            size_cells = (view.size.width, view.size.height)
            try:
                pictures = self.wizard.desk.pictures
                view.show(await pictures.get(self.plan.datastore, item, self.wizard.terminal, size_cells, color))
            except StorageError:
                view.show(None)


def _check_where(text: str) -> None:
    if not text.strip().startswith(("/", "azure://", "local:/")):
        raise BadInput("Write a folder of the server, such as /data/birds, or azure://ACCOUNT/CONTAINER.")


def found_text(found: Survey) -> str:
    """How many images there are, in words. Pure."""
    kinds = ", ".join(f"{n:,} {kind}" for kind, n in found.kinds.items())
    return f"{'' if found.is_whole else 'at least '}{found.images:,} images ({kinds})" if found.images else "no image"


def survey_text(found: Survey, secondary: str) -> Text:
    """What was found: counts, kinds, first names. Pure."""
    text = Text.assemble((found_text(found)[:1].upper() + found_text(found)[1:], "bold"))
    if not found.images:
        text.append(
            ". Copy images into the folder, or write another one; what is there is shown here as you type.", secondary
        )
    if found.others:
        text.append(f"; {found.others:,} other files are passed over", secondary)
    names = ", ".join(clean(file.path) for file in found.first)
    return text.append(f"\n{names}" + (", …" if found.images > len(found.first) else ""), secondary)
