"""Which passwords are taken, and their hashes. A key is better than any password; this keeps out what is guessed first."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from core.errors import BadInput

MIN_PASSWORD = 10
MAX_PASSWORD = 1024  # bytes: more costs the server time before it is refused
MIN_DIFFERENT = 5
_HASHER = PasswordHasher()
# The commonest words and rows of keys in published lists of stolen passwords; digits and signs around them change nothing.
_COMMON = frozenset({
    "password", "passwort", "motdepasse", "contrasena", "qwerty", "qwertz", "azerty", "qwertyuiop", "qwertzuiop",
    "azertyuiop", "asdfghjkl", "zxcvbnm", "letmein", "welcome", "iloveyou", "monkey", "dragon", "sunshine",
    "princess", "football", "baseball", "superman", "batman", "trustno", "changeme", "secret", "administrator",
    "admin", "tagline", "labeler", "login", "starwars", "whatever", "computer", "internet", "samsung", "michael",
    "charlie",
})  # fmt: skip
_ROWS = ("01234567890", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "qwertzuiop", "asdfghjkl", "yxcvbnm", "zxcvbnm")


def weak_reason(password: str, user: str = "") -> str | None:
    """Why a password is not taken, or None. Pure."""
    word = password.casefold()
    core = word.strip("0123456789!?.,;:-_*#+$%&/()= ")
    if len(password) < MIN_PASSWORD:
        return f"The password is too short: {MIN_PASSWORD} characters are the least."
    if len(password.encode("utf-8", "replace")) > MAX_PASSWORD:
        return f"The password is too long: {MAX_PASSWORD} bytes are the most."
    if len(set(word)) < MIN_DIFFERENT:
        return f"The password has too few different characters: {MIN_DIFFERENT} are the least."
    if core in _COMMON or any(word in row or word in row[::-1] for row in _ROWS):
        return "The password is among those that are guessed first; choose another, such as four words."
    if user and user.casefold() in word and len(word) < len(user) + MIN_PASSWORD:
        return "The password is little more than the user's name; choose another, such as four words."
    return None


def hash_password(password: str, user: str = "") -> str:
    """The argon2id hash of a password; takes tens of ms, so call it off the event loop. Raises BadInput for a weak one."""
    if reason := weak_reason(password, user):
        raise BadInput(reason)
    return _HASHER.hash(password)


def verify(password_hash: str, password: str) -> bool:
    """True when the password is the hash's; takes tens of ms, so call it off the event loop."""
    try:
        return len(password) <= MAX_PASSWORD and _HASHER.verify(password_hash, password)
    except (Argon2Error, InvalidHashError):
        return False
