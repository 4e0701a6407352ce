"""Several runs at once, in threads, whose events are told by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from queue import Empty, SimpleQueue
from threading import Event as Flag
from typing import TypeVar

import click
from click.globals import push_context

from tileframe_batch.events import Event

T = TypeVar("T")
R = TypeVar("R")
Tell = Callable[[Event], None]


def side_by_side(
    work: Callable[[T, Tell], R],
    things: Iterable[T],
    *,
    at_once: int,
    say: Callable[[Event], None],
    end: Callable[[R], None],
) -> None:
    """Call ``work(thing, tell)`` for each of ``things`` in ``at_once`` threads.

    This thread calls ``say`` with what they tell, and ``end`` with each result, in the order in which they come. On an
    exception here, Ctrl-C too, ``tell`` raises a `KeyboardInterrupt` in the threads, and they are waited for; the notes
    of what they then raise are added to the exception.
    """
    came: SimpleQueue[Event | Future[R]] = SimpleQueue()
    stopped, begun, waiting = Flag(), set[Future[R]](), iter(things)

    def tell(event: Event) -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        came.put(event)

    def begin(count: int) -> None:
        for thing in islice(waiting, count):
            future = pool.submit(work, thing, tell)
            begun.add(future)
            future.add_done_callback(came.put)

    context = click.get_current_context(silent=True)
    pool = ThreadPoolExecutor(at_once, "tileframe-slide", _within, (context,))
    try:
        begin(2 * at_once)  # one for each waits: no thread does, while something is told here
        while begun:
            try:
                one = came.get(timeout=0.2)  # in short waits: Windows lets no Ctrl-C through an endless one
            except Empty:
                continue
            if isinstance(one, Future):
                begun.discard(one)
                end(one.result())
                begin(1)
            else:
                say(one)
    except BaseException as error:
        stopped.set()
        pool.shutdown(cancel_futures=True)
        for future in begun:
            raised = None if future.cancelled() else future.exception()
            for note in getattr(raised, "__notes__", ()):
                error.add_note(note)
        raise
    pool.shutdown()


def _within(context: click.Context | None) -> None:
    """Let this thread see the command that runs, if one does: by it plugins know whether to print what they say."""
    if context is not None:
        push_context(context)
