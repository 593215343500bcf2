"""The admin's door to what concerns the whole house: users with their roles and keys, and the log."""

from __future__ import annotations

from core.errors import BadInput
from core.ids import AccountId, Role
from core.project import projects
from core.roles import Action
from core.team import people
from core.team.access import if_allowed, require_anywhere
from core.team.people import Account, KeyLine
from core.upkeep import lognames
from core.upkeep.auditlog import Entry, Wanted
from tui.desk import Desk


class Office:
    """What one account may see and change of the house. Every method raises Forbidden where the role does not allow it."""

    def __init__(self, desk: Desk) -> None:
        self.account = desk.account
        self.now_ms = desk.now_ms
        self._db = desk._db

    async def accounts(self) -> tuple[Account, ...]:
        """Everybody, by name."""
        return await self._db.read(if_allowed, self.account, Action.MANAGE_PEOPLE, None, people.list_accounts)

    async def add_account(self, name: str, role: Role, key: KeyLine) -> Account:
        """Make a user who logs in with a key. Raises BadInput, DuplicateName."""
        return await self._db.write(
            if_allowed, self.account, Action.MANAGE_PEOPLE, None,
            people.add_account, name, role, keys=[key], by=self.account.id, now_ms=self.now_ms(),
        )  # fmt: skip

    async def set_role(self, account: AccountId, role: Role) -> None:
        """Give a user another role. Raises BadInput where no admin would be left."""
        await self._db.write(
            if_allowed, self.account, Action.MANAGE_PEOPLE, None,
            people.set_role, account, role, by=self.account.id, now_ms=self.now_ms(),
        )  # fmt: skip

    async def set_disabled(self, account: AccountId, disabled: bool) -> None:
        """Shut a user out at once, or let them in again. Raises BadInput for oneself."""
        if disabled and account == self.account.id:
            raise BadInput("You cannot disable yourself.")
        await self._db.write(
            if_allowed, self.account, Action.MANAGE_PEOPLE, None,
            people.set_disabled, account, disabled, by=self.account.id, now_ms=self.now_ms(),
        )  # fmt: skip

    async def keys(self, account: AccountId) -> tuple[KeyLine, ...]:
        """A user's keys, oldest first."""
        return await self._db.read(if_allowed, self.account, Action.MANAGE_PEOPLE, None, people.keys_of, account)

    async def add_key(self, account: AccountId, key: KeyLine) -> None:
        """Let a key log a user in. Raises DuplicateName."""
        await self._db.write(
            if_allowed, self.account, Action.MANAGE_PEOPLE, None,
            people.add_key, account, key, by=self.account.id, now_ms=self.now_ms(),
        )  # fmt: skip

    async def remove_key(self, account: AccountId, fingerprint: str) -> None:
        """Take a key from a user. Raises NotFound."""
        await self._db.write(
            if_allowed, self.account, Action.MANAGE_PEOPLE, None,
            people.remove_key, account, fingerprint, by=self.account.id, now_ms=self.now_ms(),
        )  # fmt: skip

    async def wanted(self, who: str, what: str, project: str, since_ms: int | None) -> Wanted:
        """Which entries of the log names mean. Raises NotFound, Forbidden."""
        await self._db.read(require_anywhere, self.account, Action.SEE_AUDIT)
        account = await self._db.read(people.account_by_name, who) if who else None
        found = await self._db.read(projects.get_project, project) if project else None
        return Wanted(found.id if found else None, account.id if account else None, what, since_ms)

    async def log(self, wanted: Wanted, *, limit: int, before: int | None = None) -> tuple[Entry, ...]:
        """Entries of the log with names in them, the newest first, those before an id where one is given."""
        return await self._db.read(lognames.named_entries, self.account, wanted, limit=limit, before=before)
