"""Makes a data folder ready to serve: the folder itself, the database's schema, the host key."""

from __future__ import annotations

from core.db.schema import migrate
from core.errors import BadInput
from sshd.config import Config
from sshd.host_key import ensure_host_key


async def install(config: Config) -> str:
    """Make or update the data folder; safe to repeat. Returns the host key's fingerprint.

    Raises:
        BadInput: the folder cannot be made.
        DatabaseTrouble, DatabaseNewer: the database cannot be brought up to date; it is as it was.
    """
    try:
        config.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not config.sources:
            (config.data_dir / "images").mkdir(exist_ok=True)
    except OSError as error:
        raise BadInput(f"The data folder {config.data_dir} cannot be made: {error.strerror}.") from error
    await migrate(config.database_url)
    return ensure_host_key(config.host_key_path)
