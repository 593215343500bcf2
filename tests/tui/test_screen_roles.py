"""What screens can ask of core, tried by every role: the doors of leads, admins and reviewers, method by method."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from core.db.recent import Recent
from core.errors import Forbidden, TaglineError
from core.ids import ItemState, ProjectState, Role, TaskType
from core.labeling.assigning import Todo
from core.labels import LabelSet
from core.oversight.browse import Filter
from core.project.label_changes import Afterwards
from core.project.projects import NewProject, project_by_id
from core.team import people
from core.team.people import Account, KeyLine
from core.upkeep.auditlog import Wanted
from tests.tui.house import House, run
from tests.tui.reviewing import items, label_some, make_lead
from tui.desk import Desk
from tui.manager import Manager
from tui.office import Office
from tui.picture_pool import Pictures
from tui.reviewer import Reviewer
from tui.widgets.line import Line

LEADS = {"insight", "agreement", "learning", "members", "assign", "page", "known", "counts", "approve", "reject", "correct", "resolve"}  # fmt: skip
"""What a lead may do in their project; all the rest is for admins."""
Acts = dict[str, Callable[[], Awaitable[object]]]


async def acts_of(house: House, account: Account) -> Acts:
    """Everything that the doors let an account try, by name; each as harmless as it can be."""
    desk = Desk(house.db, account, Pictures(), house.clock, Recent(house.db))
    manager, office, project = Manager(desk), Office(desk), await house.db.read(project_by_id, house.project)
    p, other, key = house.project, house.other, KeyLine("SHA256:x", "ssh-ed25519 AAAA x")
    new = NewProject("Other", TaskType.MULTI_CLASS, f"local:{house.folder}", ("cat",))
    seen = (await items(house, Filter(states=(ItemState.LABELED,))))[0]
    reviewer = Reviewer(desk, project, LabelSet(()), LabelSet(()), ())
    below = [f"local:{house.folder.parent}"]
    return {
        "insight": lambda: manager.insight(p), "agreement": lambda: manager.agreement(p),
        "learning": lambda: manager.learning(p), "members": lambda: manager.members(p),
        "train": lambda: manager.train(p), "stop_learning": lambda: manager.stop_learning(p),
        "set_state": lambda: manager.set_state(p, ProjectState.PAUSED), "details": lambda: manager.details(p),
        "export": lambda: manager.export(project, "csv", all_items=False), "change": lambda: manager.change(p, {}),
        "refresh": lambda: manager.refresh(project), "assign": lambda: manager.assign(p, Todo(), []),
        "add_member": lambda: manager.add_member(p, other.id, Role.LABELER),
        "remove_member": lambda: manager.remove_member(p, other.id), "classes": lambda: manager.classes(p),
        "add_label": lambda: manager.add_label(p, "emu", Afterwards.CONTINUE),
        "rename_label": lambda: manager.rename_label(p, "cat", "lion"),
        "recolor_label": lambda: manager.recolor_label(p, "dog", "#ff0000"),
        "move_label": lambda: manager.move_label(p, "dog", 1), "retire_label": lambda: manager.retire_label(p, "dog"),
        "merge_labels": lambda: manager.merge_labels(p, "bird", "emu"),
        "name_problem": lambda: manager.name_problem("Free"),
        "survey": lambda: manager.survey(f"local:{house.folder}", "**", below),
        "make_project": lambda: manager.make_project(new, {}, [], below),
        "load_again": lambda: manager.load_again(p), "troubles": manager.troubles,
        "accounts": office.accounts, "add_account": lambda: office.add_account("eve", Role.LABELER, key),
        "set_role": lambda: office.set_role(other.id, Role.LEAD),
        "set_disabled": lambda: office.set_disabled(other.id, True), "keys": lambda: office.keys(other.id),
        "add_key": lambda: office.add_key(other.id, KeyLine("SHA256:y", "ssh-ed25519 AAAB y")),
        "remove_key": lambda: office.remove_key(other.id, "SHA256:y"),
        "wanted": lambda: office.wanted("", "", "", None), "log": lambda: office.log(Wanted(), limit=1),
        "page": lambda: reviewer.page(Filter(), 9), "known": lambda: reviewer.known(seen.path),
        "counts": reviewer.counts, "approve": lambda: reviewer.approve([seen]),
        "correct": lambda: reviewer.correct([seen], seen.answer),
        "resolve": lambda: reviewer.resolve(seen, house.labeler.id), "reject": lambda: reviewer.reject([seen], "no"),
    }  # fmt: skip


async def make(house: House, who: str) -> Account:
    """Somebody of a role; `stranger` leads another project, `disabled` was an admin, `gone` is known to nobody."""
    if who == "labeler":
        return house.labeler
    if who in ("lead", "stranger"):
        lead = await make_lead(house)
        if who == "stranger":
            await house.db.write(people.remove_member, house.project, lead.id, by=None, now_ms=house.clock())
        return lead
    other = await house.db.write(people.add_account, "olga", Role.ADMIN, by=None, now_ms=house.clock())
    if who == "disabled":
        await house.db.write(people.set_disabled, other.id, True, by=None, now_ms=house.clock())
    return other


async def refusal(act: Callable[[], Awaitable[object]]) -> Any:
    """Why it is not done; None where the role may do it, whatever else stands in its way."""
    try:
        async with asyncio.timeout(1):
            told = await act()
    except Forbidden as error:
        return str(error)
    except (TaglineError, TimeoutError):  # what a worker is to do is waited for, and here is none
        return None
    return told if isinstance(told, str) and told else None  # a field's problem is an answer


@pytest.mark.parametrize("who", ["labeler", "lead", "stranger", "disabled", "admin"])
def test_every_screen_action_by_every_role(tmp_path: Path, who: str) -> None:
    """Each is done for the roles that may do it and for no other; who may not reads one sentence, and nothing changes."""

    async def story(house: House) -> None:
        await label_some(house, house.labeler, 2)
        account = await make(house, who)
        before = await items(house), await house.db.read(people.list_accounts)
        found = {name: await refusal(act) for name, act in (await acts_of(house, account)).items()}
        done = {name for name, reason in found.items() if reason is None}
        assert done == {"admin": set(found), "lead": LEADS}.get(who, set())
        assert all(reason.endswith(".") and len(reason) < 200 for reason in found.values() if reason)
        if not done:
            assert before == (await items(house), await house.db.read(people.list_accounts))

    run(tmp_path, story)


def test_the_table_knows_every_screen_action(tmp_path: Path) -> None:
    """An action that is new on a door of the screens must be added here, so that it is tried by every role."""

    async def story(house: House) -> None:
        await label_some(house, house.labeler, 1)
        known = set(await acts_of(house, house.admin))
        doors = {name for door in (Manager, Office, Reviewer) for name, act in inspect.getmembers(door, inspect.isfunction) if inspect.iscoroutinefunction(act)}  # fmt: skip
        assert {name for name in doors if not name.startswith("_")} == known

    run(tmp_path, story)


def test_the_project_list_names_no_key_that_is_refused(tmp_path: Path) -> None:
    """A labeler's last line has nothing of what only an admin may do; an admin's has all of it."""

    async def story(house: House) -> None:
        for account, is_admin in ((house.labeler, False), (house.admin, True)):
            async with house.session(account) as seat:
                await seat.until(lambda seat=seat: "photos" in seat.text, "the project list")
                said = seat.screen.query_one("#keys", Line).plain
                assert "Enter label" in said
                assert all((word in said) is is_admin for word in (" n new ", " u people ", " l log ")), said

    run(tmp_path, story)
