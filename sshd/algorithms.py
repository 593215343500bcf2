"""Which of SSH's algorithms are spoken. asyncssh's own defaults end with key exchange over SHA-1 and 2048-bit RSA; these do not.

Every OpenSSH since 7.2 (2016), PuTTY since 0.75, libssh, paramiko and asyncssh find one of each; a client of FIPS mode takes the NIST curves.
Finite-field Diffie-Hellman is left out: a client without a key can make a server compute it for nothing.
"""

from __future__ import annotations

from asyncssh.kex import get_kex_algs
from asyncssh.rsa import RSAKey

_KEX = (
    "mlkem768x25519-sha256",  # holds against quantum computers, where the library has it
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp256",
)
ENCRYPTION = (
    "chacha20-poly1305@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-gcm@openssh.com",
    "aes256-ctr",
    "aes128-ctr",
)
MAC = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "umac-128-etm@openssh.com")
SIGNATURES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-256",
    "rsa-sha2-512",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)


def key_exchanges() -> tuple[str, ...]:
    """Those of ours that the libraries of this machine have, the best first."""
    there = {name.decode() for name in get_kex_algs()}
    return tuple(name for name in _KEX if name in there)


def refuse_sha1_signatures() -> None:
    """Let no RSA key prove itself by SHA-1: asyncssh tells clients what it wants, but takes what it can verify."""
    RSAKey.all_sig_algorithms = {b"rsa-sha2-256", b"rsa-sha2-512"}
