"""The pages of users and of the log, as an admin uses them by keys; who may not is told so."""

from __future__ import annotations

from pathlib import Path

import asyncssh

from core.errors import BadInput, Forbidden
from core.ids import ProjectState, Role
from core.project.settings import change_settings
from core.team import people
from core.team.people import Account
from tests.tui.house import START_MS, House, Seat, run
from tests.tui.test_dashboard import SMALL, label, open_dashboard
from tests.tui.test_wizard import paste, typed
from tui.screens.manage.log import LogScreen, in_words
from tui.screens.manage.people import PeopleScreen


def public_line() -> str:
    """A new public key as people paste it."""
    return asyncssh.generate_private_key("ssh-ed25519", comment="me@home").export_public_key().decode().strip()


async def open_people(seat: Seat) -> None:
    """From the project list to the users."""
    await seat.until(lambda: "photos" in seat.text, "the project list")
    await seat.press("u")
    await seat.until(lambda: isinstance(seat.screen, PeopleScreen) and "alice" in seat.text, "the users")


async def open_log(seat: Seat) -> None:
    """From the project list to the log."""
    await seat.until(lambda: "photos" in seat.text, "the project list")
    await seat.press("l")
    await seat.until(lambda: isinstance(seat.screen, LogScreen) and "user-added" in seat.text, "the log")


async def account(house: House, name: str) -> Account:
    """The user of that name."""
    return await house.db.read(people.account_by_name, name)


def test_a_user_is_made_with_a_key_and_a_role(tmp_path: Path) -> None:
    """Name, key, role: the user is there; a name that is taken or no key at all is said before anything is made."""

    async def story(house: House) -> None:
        async with house.session(house.admin, size=SMALL) as seat:
            await open_people(seat)
            await seat.press("n", *typed("alice"))
            await seat.until(lambda: "a user 'alice' already" in seat.text, "the taken name")
            await seat.press(*typed("carol"), "tab", *typed("ssh-rsa none"), "enter")
            await seat.until(lambda: "no OpenSSH public key" in seat.text, "the bad key")
            await paste(seat, public_line())
            await seat.press("enter")
            await seat.until(lambda: "What is carol?" in seat.text, "the roles")
            await seat.press("down", "enter")
            await seat.until(lambda: "can log in" in seat.notices and "carol" in seat.text, "the receipt")
            made = await account(house, "carol")
            assert made.role is Role.LEAD
            assert len(await house.db.read(people.keys_of, made.id)) == 1

    run(tmp_path, story)


def test_roles_change_and_an_admin_stays(tmp_path: Path) -> None:
    """A labeler becomes a lead at once, also in a session that is open; the last admin cannot stop being one."""

    async def story(house: House) -> None:
        async with house.session(house.admin, size=SMALL) as seat:
            await open_people(seat)
            await seat.press("home", "enter")
            await seat.until(lambda: "What is ada?" in seat.text, "the roles")
            await seat.press("home", "enter")
            await seat.until(lambda: "no admin left" in seat.notices, "the refusal")
            await seat.press("down", "enter")
            await seat.until(lambda: "What is alice?" in seat.text, "the roles")
            await seat.press("down", "enter")
            await seat.until(lambda: "lead" in seat.text and isinstance(seat.screen, PeopleScreen), "the new role")
            assert (await account(house, "alice")).role is Role.LEAD

    run(tmp_path, story)


def test_whoever_is_no_admin_any_more_can_change_nothing(tmp_path: Path) -> None:
    """A role taken away counts at once: core asks the database, not what the session remembers."""

    async def story(house: House) -> None:
        second = await house.db.write(people.add_account, "zoe", Role.ADMIN, by=None, now_ms=START_MS)
        await house.db.write(people.set_role, house.admin.id, Role.LABELER, by=second.id, now_ms=START_MS)
        try:
            await house.db.write(change_settings, house.admin, house.project, {"lease_s": 5}, now_ms=START_MS)
            raise AssertionError("a former admin changed a setting")
        except Forbidden:
            pass
        try:
            await house.db.write(people.set_role, second.id, Role.LEAD, by=second.id, now_ms=START_MS)
            raise AssertionError("nobody would be an admin")
        except BadInput:
            pass

    run(tmp_path, story)


def test_keys_come_and_go(tmp_path: Path) -> None:
    """A key is pasted for a user, refused where somebody has it already, and taken away again once that was asked."""

    async def story(house: House) -> None:
        line = public_line()
        async with house.session(house.admin, size=SMALL) as seat:
            await open_people(seat)
            for words in ("", "belongs to a user already"):
                await seat.press("home", "down", "k", "end", "enter")
                await seat.until(lambda: "Paste the public key" in seat.text, "the line for it")
                await paste(seat, line)
                await seat.press("enter")
                await seat.until(lambda words=words: words in seat.notices, words)  # type: ignore[misc]
                await seat.until(lambda: isinstance(seat.screen, PeopleScreen), "the users")
            alice = await account(house, "alice")
            assert len(await house.db.read(people.keys_of, alice.id)) == 1
            await seat.press("k", "home", "enter")
            await seat.until(lambda: "Take this key" in seat.text, "the question")
            await seat.press("y")
            await seat.until(lambda: isinstance(seat.screen, PeopleScreen), "the users")
            await seat.pilot.pause()
            assert await house.db.read(people.keys_of, alice.id) == ()

    run(tmp_path, story)


def test_a_user_is_shut_out_and_let_in_but_never_oneself(tmp_path: Path) -> None:
    """`x` asks, shuts out, and at the second press lets in again; an admin cannot lock themselves out."""

    async def story(house: House) -> None:
        async with house.session(house.admin, size=SMALL) as seat:
            await open_people(seat)
            await seat.press("home", "down", "x", "y")
            await seat.until(lambda: "disabled" in seat.text, "shut out")
            assert (await account(house, "alice")).disabled
            await seat.press("x")
            await seat.until(lambda: "disabled" not in seat.text, "let in")
            await seat.press("home", "x", "y")
            await seat.until(lambda: "cannot disable yourself" in seat.notices, "the refusal")

    run(tmp_path, story)


def test_the_log_is_live_and_filtered(tmp_path: Path) -> None:
    """What happens appears by itself; a filter by person and kind shows only that, and what is unknown is said."""

    async def story(house: House) -> None:
        async with house.session(house.admin, size=SMALL) as seat:
            await open_log(seat)
            await house.set_state(ProjectState.PAUSED)
            await seat.until(lambda: "project-paused" in seat.text, "the new entry")
            assert "about (in photos)" in seat.text, "a project that all is about is named once"
            await house.set_state(ProjectState.RUNNING)
            await label(house, house.labeler, 2)
            await seat.press("slash", *typed("nobody"), "enter")
            await seat.until(lambda: "no user 'nobody'" in seat.text, "the unknown user")
            await seat.press(*typed("alice"), "tab", "tab", "tab", *typed("soon"))
            await seat.until(lambda: "Write a date" in seat.text, "the bad date")
            await seat.press("ctrl+u", "enter")
            await seat.until(lambda: "by alice" in seat.text, "the filter")
            await seat.until(lambda: "item-submitted" in seat.text and "project-paused" not in seat.text, "her entries")
            await seat.press("enter")
            await seat.until(lambda: "photo-" in seat.text and "answer" in seat.text, "the entry in full")
            await seat.press("escape", "r")
            await seat.until(lambda: "everything" in seat.text and "project-paused" in seat.text, "all of it")

    run(tmp_path, story)


def test_an_entry_says_why_before_it_says_what_was_there() -> None:
    """On a narrow screen the reviewer's reason is read, whatever the answer was before."""
    rejected = {"before": {"labels": ["owl"], "regions": []}, "comment": "the wing is cut off"}
    assert in_words(rejected) == "comment the wing is cut off, before owl"


def test_the_log_goes_on_as_one_goes_down(tmp_path: Path) -> None:
    """A log of many pages is read to its very first entry with the End key, a page at a time."""

    async def story(house: House) -> None:
        for n in range(450):
            await house.db.write(
                change_settings, house.admin, house.project, {"lease_s": 100 + n}, now_ms=house.clock()
            )
        async with house.session(house.admin, size=SMALL) as seat:
            await seat.until(lambda: "photos" in seat.text, "the project list")
            await seat.press("l")
            await seat.until(lambda: "setting-changed" in seat.text, "the newest")
            for _ in range(4):
                await seat.press("end")
                await seat.pilot.pause(0.1)
            await seat.until(lambda: "user-added" in seat.text, "the first entry")

    run(tmp_path, story)


def test_users_and_log_are_the_admin_s(tmp_path: Path) -> None:
    """A lead and a labeler are told whose these pages are, from the list and from the dashboard; nothing opens."""

    async def story(house: House) -> None:
        lead = await house.db.write(people.add_account, "lena", Role.LEAD, by=None, now_ms=START_MS)
        await house.db.write(people.add_member, house.project, lead.id, Role.LEAD, by=None, now_ms=START_MS)
        for who in (lead, house.labeler):
            async with house.session(who, size=SMALL) as seat:
                await seat.until(lambda seat=seat: "photos" in seat.text, "the list")  # type: ignore[misc]
                await seat.press("u", "l")
                await seat.until(lambda seat=seat: "manages users" in seat.notices, "the refusal")  # type: ignore[misc]
                await seat.until(lambda seat=seat: "sees the log" in seat.notices, "the refusal")  # type: ignore[misc]
        async with house.session(lead, size=SMALL) as seat:
            await open_dashboard(seat)
            await seat.press("l")
            await seat.until(lambda: "sees the log" in seat.notices, "the refusal")

    run(tmp_path, story)
