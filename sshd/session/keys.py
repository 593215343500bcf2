"""Bytes in: the terminal's answers are sorted from keys, and keys reach the app at the pace at which it takes them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import asyncssh
from textual import messages

from sshd.session.channel import ChannelSession
from sshd.terminal import HOLD_S, NO_PROBE_TERMS, PROBE, ReplyFilter

if TYPE_CHECKING:
    from sshd.server import Connection

PROBE_TIMEOUT_S = 1.0
TYPE_AHEAD_BYTES = 4096
SLICE_BYTES = 256
QUEUE_MESSAGES = 64


class KeysSession(ChannelSession):
    """What the terminal can do is learned whenever it answers, be it after the app began."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._filter = ReplyFilter()
        self._probed = asyncio.Event()
        self._typed_ahead = b""
        self._pending = b""
        self._reading_paused = False
        self._hold: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        """Sort answers from keys, and pass keys on at the pace of the app."""
        keys, replies = self._filter.feed(data)
        for reply in replies:
            was_complete, cell_wh_px = self._probe.complete, self.terminal.cell_wh_px
            self._probe.take(reply)
            if self.driver is not None and self.terminal.cell_wh_px != cell_wh_px:
                self.stage.resized()
                self.driver.resized()
            if reply.name == "status" and was_complete:
                self.output.acknowledged()
            if self._probe.complete and not was_complete:
                self._probed.set()
                self._learn_late()
        if self._hold:
            self._hold.cancel()
            self._hold = None
        if self._filter.holding:
            self._hold = asyncio.get_running_loop().call_later(HOLD_S, self._release_held)
        if keys:
            self._take_keys(keys)

    # The terminal.

    async def _ask_terminal(self) -> None:
        if self.terminal.term not in NO_PROBE_TERMS:
            self.output.write(PROBE)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._probed.wait(), PROBE_TIMEOUT_S)
        self._probe.finish()
        self.output.acks = self.terminal.acks

    def _learn_late(self) -> None:
        """A terminal on a slow link has answered after the app began: from now on pictures are sent its best way."""
        if self.driver is None or self.app is None:
            return
        self._probe.finish()
        self.output.acks = self.terminal.acks
        self.stage.resized()
        if self.terminal.sync_updates:
            self.app.post_message(messages.TerminalSupportsSynchronizedOutput())
        self.app.terminal_learned()
        self.driver.resized()

    def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:
        """The window changed; the font may have, too, so the cell size is asked again."""
        self._probe.set_cells(width, height)
        self._probe.set_pixels(pixwidth, pixheight)
        if self.driver:
            if self._probe.cell_asked:
                self.output.write(b"\x1b[16t")
            self.stage.resized()
            self.driver.resized()

    # Keys.

    def _release_held(self) -> None:
        self._hold = None
        self._take_keys(self._filter.give_up())

    def _take_keys(self, keys: bytes) -> None:
        if self.driver is None:
            self._typed_ahead = (self._typed_ahead + keys)[:TYPE_AHEAD_BYTES]
            return
        self._pending += keys
        if not self._reading_paused:
            self._feed_slice()

    def _feed_slice(self) -> None:
        """Feed the app a little at a time; a flood of keys must neither fill its queue nor hold the loop."""
        driver, loop = self.driver, asyncio.get_running_loop()
        if driver is None or self.lost or self._channel is None:
            self._pending = b""
            return
        if driver.input_backlog <= QUEUE_MESSAGES:
            keys, self._pending = self._pending[:SLICE_BYTES], self._pending[SLICE_BYTES:]
            driver.feed(keys)
        if self._pending:
            if not self._reading_paused:
                self._reading_paused = True
                self._channel.pause_reading()
            loop.call_later(0.004, self._feed_slice)
        elif self._reading_paused:
            self._reading_paused = False
            self._channel.resume_reading()

    def replay_typed_ahead(self) -> None:
        """Give the app the keys that were typed while it started."""
        keys, self._typed_ahead = self._typed_ahead, b""
        if keys:
            asyncio.get_running_loop().call_later(0.05, self._take_keys, keys)
