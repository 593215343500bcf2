"""How SSH is spoken: asyncssh's settings, made strict."""

from __future__ import annotations

from pathlib import Path

import asyncssh

from sshd.algorithms import ENCRYPTION, MAC, SIGNATURES, key_exchanges, refuse_sha1_signatures
from sshd.server import Connection, FrontEnd


def server_options(front_end: FrontEnd, host_key: Path) -> asyncssh.SSHServerConnectionOptions:
    """Its defaults made strict: no forwarding, no line editor, no SHA-1, keepalives."""
    refuse_sha1_signatures()
    return asyncssh.SSHServerConnectionOptions(
        server_factory=lambda: Connection(front_end),
        server_host_keys=[str(host_key)],
        server_version="Tagline",
        line_editor=False,
        agent_forwarding=False,
        x11_forwarding=False,
        kbdint_auth=False,
        host_based_auth=False,
        gss_kex=False,
        gss_auth=False,
        login_timeout=front_end.limits.login_timeout_s,
        keepalive_interval=15,
        keepalive_count_max=4,
        tcp_keepalive=True,
        compression_algs=["none"],
        kex_algs=key_exchanges(),
        encryption_algs=ENCRYPTION,
        mac_algs=MAC,
        signature_algs=SIGNATURES,
    )
