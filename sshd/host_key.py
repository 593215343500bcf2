"""The server's own key: made once, by whichever process comes first."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import asyncssh


def ensure_host_key(path: Path) -> str:
    """Make the server's ed25519 key once, readable by its owner only; returns its fingerprint."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.part")
        part.touch(mode=0o600)
        part.write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
        with suppress(FileExistsError):  # several front ends start at once: the first one's key is everybody's
            path.hardlink_to(part)
        part.unlink()
    return asyncssh.read_private_key(str(path)).get_fingerprint()
