"""Giving the images that a reviewer has selected to labelers, as far as they are still to do."""

from __future__ import annotations

from collections.abc import Sequence

from core.labeling.assigning import Todo
from core.oversight.browse import Browsed
from core.project.projects import Project
from core.team.people import Account
from tui.manager import Manager
from tui.screens.base import TaglineScreen
from tui.screens.manage.ask import AskMany
from tui.screens.review.base import named
from tui.text import clean

EVERYBODY = "everybody"


async def ask_to_whom(screen: TaglineScreen, project: Project, targets: Sequence[Browsed]) -> None:
    """Ask to whom these images go, deal them out in turn, and say how many that were."""
    manager = Manager(screen.desk)
    found = await screen.ask(manager.members(project.id))
    if found is None:
        return
    members: dict[str, Account] = {str(account.id): account for account, _ in found if not account.disabled}
    choices = [(key, clean(account.name), "") for key, account in members.items()]
    question = f"Give {named(targets)} to whom? Several get them in turn; what is done already stays as it is."
    back = (EVERYBODY, "everybody: whoever comes next gets them", "")
    chosen = await screen.app.push_screen_wait(AskMany(question, [*choices, back]))
    if chosen is None:
        return
    to = [members[key] for key in chosen if key != EVERYBODY]
    which = Todo(items=tuple(one.item for one in targets))
    given = await screen.ask(manager.assign(project.id, which, to))
    if given is not None:
        screen.say(given_text(given, len(targets), to))


def given_text(given: int, asked: int, to: Sequence[Account]) -> str:
    """How many went to whom, and that the others are not to do. Pure."""
    names = ", ".join(clean(one.name) for one in to) or "everybody"
    rest = f" The other {asked - given:,} are not to do any more." if given < asked else ""
    return f"{given:,} image{'' if given == 1 else 's'} given to {names}.{rest}"
