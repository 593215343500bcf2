"""A project's label classes: the tree in the order of the number keys, and everything that can be changed about it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult

from core.errors import BadInput
from core.ids import ProjectState
from core.labels import COLORS, LabelClass, LabelSet, check_names, expand_paths
from core.project.label_changes import Afterwards
from core.project.projects import Project
from tui.keymap import Scope
from tui.manager import Classes
from tui.screens.dialogs import Confirm, LabelSearch
from tui.screens.manage.ask import AskChoice, AskText, Choice
from tui.screens.manage.base import FRAME_CSS, ManageScreen
from tui.text import clean
from tui.widgets.bars import column
from tui.widgets.line import Line
from tui.widgets.rows import Rows

REFRESH_S = 2.0
COLOR_NAMES = (
    "sky blue", "orange", "green", "pink", "yellow", "red", "blue", "pale blue", "sand",
    "dark green", "purple", "teal", "olive", "rose", "wine", "indigo",
)  # fmt: skip
OTHER = "other"


class ClassesScreen(ManageScreen):
    """A list; what changed elsewhere shows by itself."""

    SCOPES = (Scope.EVERYWHERE, Scope.CLASSES)
    DEFAULT_CSS = f"ClassesScreen {{ {FRAME_CSS} }}"

    def __init__(self, project: Project) -> None:
        super().__init__()
        self._project = project
        self._found: Classes | None = None

    def compose(self) -> ComposeResult:
        """Title, column names, labels, keys."""
        yield Line(id="title")
        yield Line(id="note")
        yield Rows()
        yield Line(id="keys")

    async def on_mount(self) -> None:
        """Fill in, and keep it fresh."""
        self.show_footer(self.query_one("#keys", Line))
        await self._refresh()
        self.query_one(Rows).focus()
        self.set_interval(REFRESH_S, self._refresh)

    async def _refresh(self) -> None:
        found = await self.ask(self.manager.classes(self._project.id)) if self.is_current else None
        if found is None:
            return
        self._found, self._project = found, found.project
        self.head_project(found.project, "label classes")
        self.note(f" key    {column('label', 38)}{column('images', 9, right=True)}")
        rows = label_rows(found, self.app.theme_variables)
        self.query_one(Rows).fill(rows)

    @property
    def _marked(self) -> LabelClass | None:
        """The label under the mark; none where that is retired."""
        key = self.query_one(Rows).marked
        labels = self._found.labels if self._found else ()
        return next((label for label in labels if str(label.id) == key), None)

    async def _paused(self, why: str) -> bool:
        """True once the project is paused, which is asked for."""
        if self._project.state is not ProjectState.RUNNING:
            return True
        question = f"{clean(self._project.name)} is running. Pause it {why}? Labelers are told and lose nothing."
        if not await self.app.push_screen_wait(Confirm(question)):
            return False
        paused = await self.ask(self.manager.set_state(self._project.id, ProjectState.PAUSED))
        await self._refresh()
        return paused is not None

    @work(exclusive=True)
    async def action_add(self) -> None:
        """A new label with the parents of the marked one."""
        marked = self._marked
        await self._add(marked.path.rpartition("/")[0] if marked else "")

    @work(exclusive=True)
    async def action_add_below(self) -> None:
        """A new label below the marked one."""
        if (marked := self._marked) is not None:
            await self._add(marked.path)

    async def _add(self, parent: str) -> None:
        if self._found is None or not await self._paused("to add a label"):
            return
        taken = {label.path for label in self._found.labels}

        def check(text: str) -> None:
            if expand_paths([text])[-1] in taken:
                raise BadInput("The project has this label already.")

        value = f"{parent}/" if parent else ""
        question = AskText("New label; levels are joined by /", check, value=value, yes="go on")
        path = await self.app.push_screen_wait(question)
        if path is None or (then := await self._ask_afterwards()) is None:
            return
        again = await self.ask(self.manager.add_label(self._project.id, path, then))
        if again is not None:
            told = f"; {again:,} images are to be labeled again" if then is not Afterwards.CONTINUE else ""
            self.say(f"Added {clean(path)}{told}. Space lets the project run again.")
        await self._refresh()

    async def _ask_afterwards(self) -> Afterwards | None:
        answered = self._found.answered if self._found else 0
        if not answered:
            return Afterwards.CONTINUE
        choices = (
            (Afterwards.CONTINUE, "continue", f"the {answered:,} images done stay done"),
            (Afterwards.KEEP_AS_DEFAULTS, "start over, labels kept as defaults",
             f"all {answered:,} are labeled again, their labels so far filled in"),
            (Afterwards.START_OVER, "start over, all labels removed",
             f"all {answered:,} are labeled again from nothing; history keeps what was there"),
        )  # fmt: skip
        chosen = await self.app.push_screen_wait(AskChoice("And the labels given so far?", choices))
        return None if chosen is None else Afterwards(chosen)

    @on(Rows.OptionSelected)
    def _selected(self) -> None:
        self.action_rename()

    @work(exclusive=True)
    async def action_rename(self) -> None:
        """Another name for the marked label."""
        if (label := self._marked) is None:
            return

        def check(text: str) -> None:
            check_names(text, [text.strip()])
            if "/" in text:
                raise BadInput("A name holds no '/': that joins the levels of the tree.")

        question = AskText(f"New name of {clean(label.path)}", check, value=label.name, yes="rename")
        name = await self.app.push_screen_wait(question)
        if name is not None and name.strip() != label.name:
            await self.ask(self.manager.rename_label(self._project.id, label.path, name.strip()))
            await self._refresh()

    @work(exclusive=True)
    async def action_recolor(self) -> None:
        """Another colour for the marked label."""
        if (label := self._marked) is None:
            return
        choices: list[Choice] = [
            (color, Text.assemble(("\N{BLACK SQUARE}\N{BLACK SQUARE} ", color), name), "")
            for color, name in zip(COLORS, COLOR_NAMES, strict=True)
        ]
        ask = AskChoice(f"Colour of {clean(label.path)}", [*choices, (OTHER, "another: #rrggbb", "")], now=label.color)
        color = await self.app.push_screen_wait(ask)
        if color == OTHER:
            question = AskText("Colour as #rrggbb", check_color, value=label.color, yes="take it")
            color = await self.app.push_screen_wait(question)
        if color is not None and color != label.color:
            await self.ask(self.manager.recolor_label(self._project.id, label.path, color.strip()))
            await self._refresh()

    async def action_shift(self, key: str) -> None:
        """The marked label one place up or down."""
        if (label := self._marked) is not None and self._found is not None:
            place = [one.id for one in self._found.labels].index(label.id) + 1
            await self._move(label, place + (1 if key.endswith("down") else -1))

    async def action_digit(self, key: str) -> None:
        """Give the marked label this number key."""
        if (label := self._marked) is not None:
            await self._move(label, int(key))

    async def _move(self, label: LabelClass, place: int) -> None:
        if self._found is not None and 1 <= place <= len(self._found.labels):
            await self.ask(self.manager.move_label(self._project.id, label.path, place))
            await self._refresh()
            self.query_one(Rows).mark(str(label.id))

    @work(exclusive=True)
    async def action_merge(self) -> None:
        """Make one label of two."""
        label, found = self._marked, self._found
        if label is None or found is None or not await self._paused("to merge two labels"):
            return
        others = LabelSet(tuple(one for one in found.labels if one.id != label.id))
        question = f"Into which label does {clean(label.path)} go?"
        chosen = await self.app.push_screen_wait(LabelSearch(others, question=question))
        if chosen is None:
            return
        into = found.labels.by_id(chosen)
        question = (
            f"Make {clean(label.path)} part of {clean(into.path)}? {found.uses.get(label.id, 0):,} answers change, "
            f"and {clean(label.path)} can no longer be chosen."
        )
        if not await self.app.push_screen_wait(Confirm(question)):
            return
        n = await self.ask(self.manager.merge_labels(self._project.id, label.path, into.path))
        if n is not None:
            self.say(f"{clean(label.path)} is part of {clean(into.path)} now; {n:,} images had it.")
        await self._refresh()

    @work(exclusive=True)
    async def action_retire(self) -> None:
        """Take the marked label, and those below it, out of the choice."""
        if (label := self._marked) is None or self._found is None:
            return
        below = sum(one.path.startswith(f"{label.path}/") for one in self._found.labels)
        also = f" and the {below} below it" if below else ""
        question = f"Take {clean(label.path)}{also} out of the choice? Answers that have it keep it."
        if await self.app.push_screen_wait(Confirm(question)):
            await self.ask(self.manager.retire_label(self._project.id, label.path))
            await self._refresh()

    async def action_pause(self) -> None:
        """Pause a running project, or let a paused one run again."""
        running = self._project.state is ProjectState.RUNNING
        wanted = ProjectState.PAUSED if running else ProjectState.RUNNING
        if await self.ask(self.manager.set_state(self._project.id, wanted)) is not None:
            await self._refresh()


def check_color(text: str) -> None:
    """Raises BadInput where a text is no colour."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", text.strip()):
        raise BadInput("Write a colour as #rrggbb, such as #e69f00.")


def label_rows(found: Classes, colors: Mapping[str, str]) -> list[tuple[str, Text]]:
    """A line a label in the order of the keys; a label whose parent is elsewhere says so. Pure."""
    rows: list[tuple[str, Text]] = []
    above: list[str] = []
    for label in found.labels:
        names = label.path.split("/")
        number = found.labels.number_of(label.id)
        text = Text.assemble((f" {number or ' '}   ", "bold"), ("\N{BLACK SQUARE} ", label.color))
        under = above[: len(names) - 1] == names[:-1]
        shown = "  " * (len(names) - 1) + label.name if under else label.path
        text.append(column(clean(shown), 38)).append(_uses(found, label))
        rows.append((str(label.id), text))
        above = names
    for label in found.retired:
        text = Text("     \N{BLACK SQUARE} ", colors["secondary"]).append(column(clean(label.path), 38))
        rows.append((str(label.id), text.append(_uses(found, label)).append("  retired")))
    return rows


def _uses(found: Classes, label: LabelClass) -> str:
    return column(f"{found.uses.get(label.id, 0):,}", 9, right=True)
