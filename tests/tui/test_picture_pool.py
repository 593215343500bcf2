"""Pictures that sessions share: what is kept of them, and what is not."""

from __future__ import annotations

import asyncio
import gc
import weakref
from pathlib import Path

from core.annotation import HeldItem
from core.ids import ItemId, ItemKind
from storage.base import UnreadableImage
from tui.picture_pool import Pictures


def test_a_broken_file_does_not_stay_in_memory(tmp_path: Path) -> None:
    """Whoever asks is told what is wrong with it; neither the error nor the file that it holds is kept."""
    (tmp_path / "broken.png").write_bytes(b"no picture")
    item = HeldItem(ItemId(1), "broken.png", "", (48, 32), 1, ItemKind.MANUAL, 0, 0)

    async def story() -> None:
        shared = Pictures()
        try:
            await shared.image(f"local:{tmp_path}", item)
        except UnreadableImage as found:
            error = weakref.ref(found)
        async with asyncio.timeout(10):
            while error() is not None:  # the thread that decoded lets go of it in its own time
                await asyncio.sleep(0.01)
                gc.collect()
        shared.close()

    asyncio.run(story())
