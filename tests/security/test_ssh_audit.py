"""What the SSH port offers to anybody who asks, read from its first packet as a scanner reads it; and what it does to clients that misbehave."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from core.errors import BadInput
from core.team.passwords import hash_password, verify
from core.team.people import account_by_name, add_key
from sshd.algorithms import ENCRYPTION, MAC
from sshd.limits import Limits
from tests.ssh.client import run_ssh
from tests.ssh.house import NOW_MS, House, in_house, key_line, make_key

KINDS = ("kex", "host key", "encryption in", "encryption out", "mac in", "mac out", "compression in", "compression out")
WEAK = (
    "sha1",
    "md5",
    "cbc",
    "arcfour",
    "3des",
    "umac-64",
    "ripemd",
    "blowfish",
    "cast",
    "group1-",
    "group14",
    "rsa1024",
    "rsa2048",
    "dss",
)


async def offered(port: int) -> tuple[str, dict[str, list[str]]]:
    """The server's version line, and the lists of its KEXINIT packet."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    version = (await reader.readline()).decode().strip()
    writer.write(b"SSH-2.0-scanner\r\n")
    (size,) = struct.unpack(">I", await reader.readexactly(4))
    body = (await reader.readexactly(size))[1 + 1 + 16 :]
    found = {}
    for kind in KINDS:
        (length,) = struct.unpack(">I", body[:4])
        found[kind], body = body[4 : 4 + length].decode().split(","), body[4 + length :]
    writer.close()
    return version, found


def test_only_strong_algorithms_are_offered(tmp_path: Path) -> None:
    """No SHA-1, CBC, short RSA or 64-bit MAC; strict key exchange against Terrapin; the version tells no number."""

    async def story(house: House) -> None:
        version, found = await offered(house.login.port)
        assert version == "SSH-2.0-Tagline"
        names = [name for kind in found.values() for name in kind]
        assert not [name for name in names if any(weak in name for weak in WEAK)]
        assert {"curve25519-sha256", "kex-strict-s-v00@openssh.com"} <= set(found["kex"])
        assert found["host key"] == ["ssh-ed25519"]
        assert found["compression in"] == ["none"]
        assert tuple(found["encryption in"]) == ENCRYPTION
        assert tuple(found["mac out"]) == MAC

    in_house(tmp_path, story)


def test_every_promised_client_finds_a_way_in(tmp_path: Path) -> None:
    """OpenSSH with each cipher and each MAC alone, on the modern, the older and the NIST exchange, logs in."""

    async def story(house: House) -> None:
        ways = [("Ciphers", name) for name in ENCRYPTION] + [("MACs", name) for name in MAC]
        ways += [("KexAlgorithms", name) for name in ("curve25519-sha256", "ecdh-sha2-nistp256")]
        for option, name in ways:
            options = ("-o", f"{option}={name}", *(("-o", "Ciphers=aes128-ctr") if option == "MACs" else ()))
            assert (await run_ssh(house.login, "alice", "hello", options=options))[0] == 3, name
        weak = await run_ssh(house.login, "alice", "hello", options=("-o", "KexAlgorithms=diffie-hellman-group14-sha1"))
        assert weak[0] == 255

    in_house(tmp_path, story)


def test_signatures_of_sha_1_are_refused(tmp_path: Path) -> None:
    """An RSA key logs in by SHA-2, and not by SHA-1 even where a client insists on it."""

    async def story(house: House) -> None:
        key, path = asyncssh.generate_private_key("ssh-rsa"), make_key(tmp_path / "rsa")
        key.write_private_key(str(path))
        key.write_public_key(f"{path}.pub")
        account = await house.db.read(account_by_name, "alice")
        await house.db.write(add_key, account.id, key_line(path), by=None, now_ms=NOW_MS)
        login = replace(house.login, key=path)
        for name, status in (("rsa-sha2-256", 3), ("rsa-sha2-512", 3), ("ssh-rsa", 255)):
            options = ("-o", f"PubkeyAcceptedAlgorithms={name}")
            assert (await run_ssh(login, "alice", "hello", options=options))[0] == status, name
        with pytest.raises(asyncssh.PermissionDenied):  # this client signs without asking what the server wants
            await asyncssh.connect(
                "127.0.0.1", house.login.port, username="alice", client_keys=[key], known_hosts=None, agent_path=None,
                config=None, signature_algs=["ssh-rsa"],
            )  # fmt: skip

    in_house(tmp_path, story)


def test_garbage_costs_a_connection_and_nothing_else(tmp_path: Path) -> None:
    """Whatever bytes come instead of SSH, the connection ends, and others log in as before."""

    async def story(house: House) -> None:
        for data in (
            b"GET / HTTP/1.1\r\n\r\n",
            b"\x00" * 4096,
            b"SSH-2.0-x\r\n" + b"\xff" * 4096,
            b"SSH-1.5-old\r\n",
            b"A" * 100_000,
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", house.login.port)
            writer.write(data)
            async with asyncio.timeout(20):
                while await reader.read(4096):
                    pass
            writer.close()
        assert (await run_ssh(house.login, "alice", "hello"))[0] == 3
        assert not house.front_end.gate.unauthenticated

    in_house(tmp_path, story, Limits(login_timeout_s=5))


@pytest.mark.parametrize("word", ["password12", "1234567890", "aaaaaaaaaaaa", "alicealice", "qwertyuiop"])
def test_passwords_that_are_guessed_first_are_refused(word: str) -> None:
    """Short ones, the commonest ones, one sign again and again, one's own name: refused with the reason."""
    with pytest.raises(BadInput):
        hash_password(word, user="alice")
    with pytest.raises(BadInput):
        hash_password(word[:6], user="bob")
    assert verify(hash_password("correct horse battery", user="alice"), "correct horse battery")
