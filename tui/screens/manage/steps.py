"""The steps of making a project that are lines and lists: name, new files, quality, assist, members, the last look."""

from __future__ import annotations

from functools import partial

from rich.table import Table
from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from core.errors import TaglineError
from core.ids import Role
from core.project.settings import LEAST_REFRESH_S
from core.team.people import Account
from tui.screens.manage.ask import Many
from tui.screens.manage.plan import TYPES, Plan, check_name, read_most, summary
from tui.screens.manage.setting_rows import BLANK, SETTINGS
from tui.screens.manage.step import Step
from tui.text import clean
from tui.widgets.field import Field
from tui.widgets.reading import read_span_s


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

    async def is_ready(self) -> bool:
        """A name that was ever used cannot be used again."""
        if not await super().is_ready():
            return False
        wrong = await self.wizard.manager.name_problem(self.plan.name)
        return not self.refuse(self.query_one("#field-name", Field), wrong)

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

    async def is_ready(self) -> bool:
        """What core would refuse, alone or together."""
        if not await super().is_ready():
            return False
        wrong = self.wizard.settings_problem()
        self.wizard.note(wrong, is_wrong=True)
        return not wrong


class AssistStep(Step):
    """Whether a model learns from the labels."""

    TITLE = "ML assist"
    WORDS = (
        ("off", "Off", "every image is labeled by hand"),
        ("on", "On", "learns from the labels, groups similar images, fills in what it is sure of"),
    )

    def compose(self) -> ComposeResult:
        """Off or on."""
        secondary = self.app.theme_variables["secondary"]
        yield Static("A worker that learns while people label", classes="name")
        yield OptionList(
            *[Option(Text.assemble((word, "bold"), (f"\n  {means}", secondary)), id=id_) for id_, word, means in self.WORDS],
            markup=False,
        )  # fmt: skip
        yield Static("\nIt can be switched on and off at any time in the settings.", classes="note")

    def on_mount(self) -> None:
        """As it is."""
        self.query_one(OptionList).highlighted = int(self.plan.assist)

    def read(self) -> None:
        """The marked one."""
        self.plan.assist = self.query_one(OptionList).highlighted == 1


NOBODY = (
    "There is nobody but admins yet, and they see every project. Users are added with u in the list of projects; "
    "members of this one are then added in its details."
)


class MembersStep(Step):
    """Who may label it."""

    TITLE = "Members"

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._accounts: dict[str, Account] = {}

    def compose(self) -> ComposeResult:
        """The list comes when it is known."""
        yield Static("Who gets the project? Space chooses; more can be added at any time", classes="name")
        yield Static(classes="note")

    async def enter(self) -> None:
        """Everybody who is no admin."""
        found = await self.wizard.ask(self.wizard.office.accounts())
        accounts = [one for one in found or () if not one.disabled and one.role is not Role.ADMIN]
        self.query_one(".note", Static).update("" if accounts else NOBODY)
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
        table = Table.grid("name", "what", padding=(0, 2, 0, 0))
        for name, what in summary(self.plan):
            table.add_row(Text(name, f"bold {self.app.theme_variables['primary']}"), clean(what))
        self.query_one("#summary", Static).update(table)
