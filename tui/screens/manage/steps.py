"""The steps of making a project: each reads what is typed into the plan, and says what is still wrong with it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import OptionList, Static, TextArea
from textual.widgets.option_list import Option

from core.errors import TaglineError
from core.ids import Role
from core.labels import COLORS, NUMBER_KEYS
from core.people import Account
from core.settings import LEAST_REFRESH_S, MOST_TEXT
from tui.screens.manage.ask import Many
from tui.screens.manage.plan import TYPES, Plan, check_name, read_labels, read_most, summary
from tui.screens.manage.setting_rows import BLANK, SETTINGS
from tui.text import clean
from tui.widgets.bars import column
from tui.widgets.field import Field
from tui.widgets.reading import read_span_s

if TYPE_CHECKING:
    from tui.screens.manage.wizard import WizardScreen


class Step(VerticalScroll, can_focus=False, inherit_bindings=False):
    """One page of the wizard."""

    TITLE = ""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan

    @property
    def wizard(self) -> WizardScreen:
        """The screen, with what steps ask of core."""
        return cast("WizardScreen", self.screen)

    async def enter(self) -> None:
        """The step is shown; look at what earlier ones decided."""

    def read(self) -> None:
        """Take what is typed into the plan."""

    async def problem(self) -> str:
        """Why the wizard cannot go on, or nothing. Each field says its own."""
        for field in self.query(Field):
            if field.display and (wrong := field.problem()):
                field.tell(wrong)
                field.focus_line()
                return wrong
        return ""

    def text(self, key: str) -> str:
        """What a field of this step holds."""
        return self.query_one(f"#field-{key}", Field).text


class NameStep(Step):
    """What it is called, and what labelers make of an image."""

    TITLE = "Name and type"

    def compose(self) -> ComposeResult:
        """Name, then the four types."""
        hint = "unique for ever: the name of a deleted project is never free again"
        yield Field("name", "Name", check_name, hint=hint)
        yield Static("Task type, which cannot change later", classes="name")
        secondary = self.app.theme_variables["secondary"]
        yield OptionList(
            *[Option(Text.assemble((word, "bold"), (f"  {means}", secondary)), id=kind) for kind, word, means in TYPES],
            markup=False,
        )

    def on_mount(self) -> None:
        """The first type is marked."""
        self.query_one(OptionList).highlighted = 0

    def read(self) -> None:
        """The name, and the marked type."""
        self.plan.name = self.text("name").strip()
        self.plan.task_type = TYPES[self.query_one(OptionList).highlighted or 0][0]

    async def problem(self) -> str:
        """A name that was ever used cannot be used again."""
        if wrong := await super().problem():
            return wrong
        field = self.query_one("#field-name", Field)
        if wrong := await self.wizard.manager.name_problem(self.plan.name):
            field.tell(wrong)
            field.focus_line()
        return wrong

    @on(Field.Typed)
    def _look(self) -> None:
        self._look_up()

    @work(exclusive=True, group="name")
    async def _look_up(self) -> None:
        field = self.query_one("#field-name", Field)
        if not field.problem() and (wrong := await self.wizard.manager.name_problem(field.text.strip())):
            field.tell(wrong)


class RefreshStep(Step):
    """Whether new files are looked for, and how many there may be."""

    TITLE = "New files"

    def compose(self) -> ComposeResult:
        """The interval and the cap."""
        every = f"never, or how often: 1 h, 1 d, at least {LEAST_REFRESH_S} s; files that are gone make images missing"
        yield Field("refresh", "Look for new files", _check_refresh, value=self.plan.refresh, hint=every)
        most = "files beyond it, in the order of their names, are reported and not loaded"
        yield Field("most", "Most images", read_most, value=self.plan.most, hint=most)

    def read(self) -> None:
        """Both texts."""
        self.plan.refresh, self.plan.most = self.text("refresh"), self.text("most")


def _check_refresh(text: str) -> None:
    seconds = read_span_s(text)
    if seconds and seconds < LEAST_REFRESH_S:
        raise TaglineError(f"At least {LEAST_REFRESH_S} s lie between two looks; or write never.")


class LabelsStep(Step):
    """The label classes, a line each."""

    TITLE = "Label classes"

    def compose(self) -> ComposeResult:
        """A page to write on, and what it means."""
        yield Static("One label a line; levels of a tree are joined by /, such as Animal/Cat", classes="name")
        yield TextArea(self.plan.labels, tab_behavior="focus")
        yield Static(classes="note")

    async def enter(self) -> None:
        """Show what is there already."""
        self._show()

    def read(self) -> None:
        """The lines."""
        self.plan.labels = self.query_one(TextArea).text

    async def problem(self) -> str:
        """At least one label, each once."""
        try:
            read_labels(self.plan.labels)
        except TaglineError as error:
            return str(error)
        return ""

    @on(TextArea.Changed)
    def _show(self) -> None:
        note = self.query_one(".note", Static)
        try:
            paths = read_labels(self.query_one(TextArea).text)
        except TaglineError as error:
            note.update(Text(str(error), self.app.theme_variables["error"]))
            return
        note.update(tree(paths))


def tree(paths: tuple[str, ...]) -> Text:
    """The labels as labelers will have them: number key, colour, place in the tree. Pure."""
    text = Text(no_wrap=True, overflow="ellipsis")
    for n, path in enumerate(paths):
        depth = path.count("/")
        text.append(f" {n + 1 if n < NUMBER_KEYS else ' '} ", "bold").append(
            "\N{BLACK SQUARE} ", COLORS[n % len(COLORS)]
        )
        text.append(f"{'  ' * depth}{clean(path.rpartition('/')[2])}\n")
    return text


class InstructionsStep(Step):
    """What labelers read first."""

    TITLE = "Instructions"

    def compose(self) -> ComposeResult:
        """A page to write on."""
        yield Static("For labelers, in Markdown, or a link; may stay empty", classes="name")
        yield TextArea(self.plan.instructions, tab_behavior="focus")
        yield Static("Shown at their first visit, and with i always. Tab leaves the text.", classes="note")

    def read(self) -> None:
        """The text."""
        self.plan.instructions = self.query_one(TextArea).text

    async def problem(self) -> str:
        """It has an end."""
        too_long = len(self.plan.instructions) > MOST_TEXT
        return f"That is longer than {MOST_TEXT:,} characters; give a link instead." if too_long else ""


class QualityStep(Step):
    """How many labelers are asked, and how they are measured."""

    TITLE = "Quality control"

    def compose(self) -> ComposeResult:
        """The settings that the details page has, too."""
        for setting in SETTINGS:
            if setting.key in ("labelers", "iou", "gold"):
                hint = setting.hint.removesuffix("; pause first")
                check = partial(setting.changes, BLANK)
                yield Field(setting.key, setting.name, check, value=getattr(self.plan, setting.key), hint=hint)

    async def enter(self) -> None:
        """Overlap matters where there are regions."""
        self.query_one("#field-iou").display = self.plan.task_type.has_regions

    def read(self) -> None:
        """The texts."""
        for key in ("labelers", "iou", "gold"):
            setattr(self.plan, key, self.text(key))

    async def problem(self) -> str:
        """What core would refuse, alone or together."""
        return await super().problem() or self.wizard.settings_problem()


class AssistStep(Step):
    """Whether a model learns from the labels."""

    TITLE = "ML assist"
    WORDS = (
        ("off", "Off", "every image is labeled by hand"),
        ("on", "On", "a model learns from the labels, groups similar images and fills in labels that it is sure of"),
    )

    def compose(self) -> ComposeResult:
        """Off or on."""
        secondary = self.app.theme_variables["secondary"]
        yield Static("A worker that learns while people label", classes="name")
        yield OptionList(
            *[Option(Text.assemble((word, "bold"), (f"\n  {means}", secondary)), id=id_) for id_, word, means in self.WORDS],
            markup=False,
        )  # fmt: skip
        yield Static("It can be switched on and off at any time in the settings.", classes="note")

    def on_mount(self) -> None:
        """As it is."""
        self.query_one(OptionList).highlighted = int(self.plan.assist)

    def read(self) -> None:
        """The marked one."""
        self.plan.assist = self.query_one(OptionList).highlighted == 1


class MembersStep(Step):
    """Who may label it."""

    TITLE = "Members"

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._accounts: dict[str, Account] = {}

    def compose(self) -> ComposeResult:
        """The list comes when it is known."""
        yield Static("Who gets the project? Space chooses; more can be added at any time", classes="name")

    async def enter(self) -> None:
        """Everybody who is no admin."""
        found = await self.wizard.ask(self.wizard.office.accounts())
        accounts = [one for one in found or () if not one.disabled and one.role is not Role.ADMIN]
        if self._accounts or not accounts:
            return
        self._accounts = {str(one.id): one for one in accounts}
        many = Many([(key, f"{clean(one.name)} ({one.role})") for key, one in self._accounts.items()])
        await self.mount(many)
        many.focus()

    def read(self) -> None:
        """The chosen ones."""
        chosen = [key for many in self.query(Many) for key in many.chosen]
        self.plan.members = tuple(self._accounts[key] for key in chosen)


class ConfirmStep(Step):
    """Everything once more, before it is made."""

    TITLE = "Confirm"

    def compose(self) -> ComposeResult:
        """The summary."""
        yield Static(id="summary")

    async def enter(self) -> None:
        """What was decided."""
        text = Text()
        for name, what in summary(self.plan):
            text.append(column(name, 14), f"bold {self.app.theme_variables['primary']}").append(f"{clean(what)}\n")
        self.query_one("#summary", Static).update(text)
