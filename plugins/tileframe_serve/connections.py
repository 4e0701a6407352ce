"""uvicorn's side of a connection, with bounds for clients that send or read slowly, and for how many there are."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

from tileframe_serve.answers import Refused, refusal

CONNECTIONS = 1024
"""At a time, of each process; further ones get 503."""
SENT_WITHIN = 20.0
"""Seconds in which a request has to come."""
MOST_HEAD, MOST_PIPELINED = 1 << 16, 256
"""Bytes of a request without its body, and requests that come before the answer of the first: no more is kept.

httptools has no bound of its own for either; h11 has.
"""
READ_WITHIN, LEAST_READ = 30.0, 1 << 16
"""Seconds in which a client has to read so many bytes of what is sent to it, or all that is left."""


class Bounded(AutoHTTPProtocol):  # type: ignore[misc, valid-type]  # one of two, by what is installed
    """A connection that is closed when its client keeps it waiting for too long."""

    def connection_made(self, transport: Any) -> None:
        """Wait for a request."""
        super().connection_made(transport)
        self._request: asyncio.TimerHandle | None = None
        self._reading: asyncio.TimerHandle | None = None
        self._begun, self._in_head, self._head = 0, False, 0
        if len(self.connections) > CONNECTIONS:
            self.app = _full
        self._await_request()

    def data_received(self, data: bytes) -> None:
        """Take what came; until that is a whole request, its time goes on."""
        begun = self._begun
        super().data_received(data)
        if self._in_head and self._begun == begun:
            self._head += len(data)
        if self._head > MOST_HEAD or len(getattr(self, "pipeline", ())) > MOST_PIPELINED:
            self.transport.abort()
        if self.cycle is None or self.cycle.response_complete:
            self._await_request()
        elif self._request is not None:
            self._request.cancel()
            self._request = None

    def on_message_begin(self) -> None:
        """Count the bytes of a request from here on, without its body; httptools calls it, h11 does not."""
        super().on_message_begin()
        self._begun, self._in_head, self._head = self._begun + 1, True, 0

    def on_body(self, body: bytes) -> None:
        """Begin to count anew: headers may come behind a body, too."""
        super().on_body(body)
        self._begun, self._head = self._begun + 1, 0

    def on_message_complete(self) -> None:
        """Count no more of them."""
        self._in_head, self._head = False, 0
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        for timer in (self._request, self._reading):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Wait for the client to read."""
        super().pause_writing()
        self._await_reading()

    def resume_writing(self) -> None:
        """Go on: it has read most."""
        super().resume_writing()
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def timeout_keep_alive_handler(self) -> None:
        """Close it, after what is left to be read."""
        super().timeout_keep_alive_handler()
        self._await_reading()

    def shutdown(self) -> None:
        """End with the answer that is being made, which tells its client so; httptools sees to that, h11 does not."""
        if hasattr(self, "conn") and self.cycle is not None and not self.cycle.response_complete:
            self.cycle.default_headers = [*self.cycle.default_headers, (b"connection", b"close")]
        super().shutdown()

    def _await_request(self) -> None:
        if self._request is None:
            self._request = self.loop.call_later(SENT_WITHIN, self.transport.close)

    def _await_reading(self) -> None:
        if self._reading is None:
            left = self.transport.get_write_buffer_size()
            self._reading = self.loop.call_later(READ_WITHIN, self._look, left)

    def _look(self, before: int) -> None:
        left, self._reading = self.transport.get_write_buffer_size(), None
        if left > max(0, before - LEAST_READ):
            self.transport.abort()
        elif left:
            self._await_reading()


async def _full(scope: Any, receive: Any, send: Any) -> None:
    """Send a client away that is one too many."""
    answer = refusal(Refused(503, "there are too many connections"), "")
    headers = [*answer.raw_headers([], ""), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body})
