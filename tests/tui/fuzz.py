"""Random keys on the region screen, through its own key handling, as fast as it takes them."""

from __future__ import annotations

import random

from core.geometry import invalid_reason
from tests.tui.house import Seat
from tui.keymap import keys_of
from tui.screens.canvas.screen import CanvasScreen

NEVER = {"help", "leave", "back", "skip", "earlier", "instructions", "search", "reload"}
LETTERS = "abcdefghijklmnopqrstuvwxyz"
LOOK_EVERY = 200


async def fuzz(seat: Seat, screen: CanvasScreen, count: int, seed: int) -> int:
    """Press so many random keys; returns how many submissions that made. Fails at the first impossible region."""
    rng = random.Random(seed)
    bound = [(name, key) for key in keys_of(*screen.SCOPES) if key.action not in NEVER for name in key.keys]
    drawing = [(name, key) for name, key in bound if key.action in ("tool", "place", "move", "extend", "next", "digit")]
    submits = 0
    for n in range(count):
        if rng.random() < 0.35:
            letter = rng.choice(LETTERS)
            if screen._takes_letter(letter):
                continue
        name, key = rng.choice(drawing if rng.random() < 0.7 else bound)
        if key.action == "submit" and rng.random() < 0.9:
            continue
        submits += key.action == "submit"
        await screen.run_action(f"{key.action}({name!r})" if len(key.keys) > 1 else key.action)
        if rng.random() < 0.02:
            await screen.action_back() if screen._hand.points or screen._hints or screen._proposed else None
        if seat.app.screen is not screen:
            await seat.pilot.press("escape")
        check(screen)
        if n % LOOK_EVERY == 0:
            await seat.pilot.pause()
    return submits


def check(screen: CanvasScreen) -> None:
    """Every region may be stored, and the one that is chosen is there."""
    for item, answer in zip(screen.page.items, screen.page.answers, strict=True):
        for region in answer.regions:
            reason = invalid_reason(region.shape, item.size_wh)
            assert reason is None, f"{reason}: {region}"
    chosen = screen._regions.chosen
    assert chosen is None or chosen < len(screen._regions.regions)
