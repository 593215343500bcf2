"""Values as people type them, and as they are shown: lengths of time, counts, shares. Pure."""

from __future__ import annotations

import re

from core.errors import BadInput

UNITS_S = {"s": 1, "min": 60, "m": 60, "h": 3600, "d": 86400}
_SPAN = re.compile(r"(\d+)\s*([a-z]*)\Z")


def read_span_s(text: str) -> int:
    """Seconds from `90`, `90 s`, `15 min`, `2 h`, `1 d`, or `never` for 0. Raises BadInput."""
    text = text.strip().lower()
    if text in ("never", "off", "0"):
        return 0
    found = _SPAN.match(text)
    unit = UNITS_S.get(found[2].rstrip("s") or "s") if found else None
    if found is None or unit is None:
        raise BadInput("Write a length of time such as 90 s, 15 min, 2 h or 1 d.")
    return int(found[1]) * unit


def show_span_s(seconds: int) -> str:
    """Seconds in the largest unit that divides them; 0 is `never`."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds // length} {unit}"
    return f"{seconds} s" if seconds else "never"


def read_count(text: str) -> int:
    """A whole number, with or without commas between thousands. Raises BadInput."""
    plain = text.strip().removesuffix("labels").strip().replace(",", "").replace("_", "")
    if not plain.isdecimal() or len(plain) > 12:
        raise BadInput("Write a whole number.")
    return int(plain)


def read_range(text: str) -> tuple[int, int]:
    """A least and a most number from `2`, `2-3` or `2 to 3`. Raises BadInput."""
    parts = re.split(r"\s*(?:-|\bto\b|,|\s)\s*", text.strip())
    if not 1 <= len(parts) <= 2 or not all(part.isdecimal() and len(part) < 6 for part in parts):
        raise BadInput("Write one number, or the least and the most such as 2 to 3.")
    return int(parts[0]), int(parts[-1])


def show_range(least: int, most: int) -> str:
    """The form that `read_range` takes."""
    return str(least) if least == most else f"{least} to {most}"


def read_share(text: str) -> float:
    """A part of one from `5%` or `0.05`. Raises BadInput."""
    plain = text.strip()
    try:
        share = float(plain.removesuffix("%")) / (100 if plain.endswith("%") else 1)
    except ValueError:
        raise BadInput("Write a share such as 5% or 0.05.") from None
    if not 0 <= share <= 1:
        raise BadInput("A share lies between 0% and 100%.")
    return round(share, 6)


def show_share(share: float) -> str:
    """The form that `read_share` takes."""
    return f"{share * 100:g}%"


def read_switch(text: str) -> bool:
    """True for `on`, False for `off`. Raises BadInput."""
    word = text.strip().lower()
    if word not in ("on", "off", "yes", "no"):
        raise BadInput("Write on or off.")
    return word in ("on", "yes")


def show_switch(is_on: bool) -> str:
    """The form that `read_switch` takes."""
    return "on" if is_on else "off"
