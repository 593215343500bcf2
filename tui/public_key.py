"""SSH public keys as people paste them."""

from __future__ import annotations

import asyncssh

from core.errors import BadInput
from core.team.people import KeyLine


def parse_key(line: str) -> KeyLine:
    """A public key from its one-line OpenSSH form, without its comment. Raises BadInput."""
    try:
        key = asyncssh.import_public_key(line.strip())
    except (asyncssh.KeyImportError, ValueError) as error:
        raise BadInput(f"{line.strip()[:40]!r} is no OpenSSH public key: {error}.") from error
    return KeyLine(key.get_fingerprint(), key.export_public_key().decode().strip())
