"""Other machines, or processes of this one, that share work: dask.distributed, an extra.

    with cluster.connect("tcp://host:8786") as workers:
        for outcome in cluster.map(workers, accuracy_of, settings):
            print(outcome.failure or outcome.value)

What is sent to workers and comes back is pickled by dask: a cluster is people who trust each other.
"""

from __future__ import annotations

import contextlib
import logging
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from qembed.errors import QembedError, ToolError

CONNECT_SECONDS = 10
AHEAD = 3
"""Tasks a worker that are handed out at once: what is computed ahead of its turn is kept."""
LOCAL = re.compile(r"local(?::(\d{1,3}))?")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one item: its value, or why there is none.

    Attributes
    ----------
    value : object
        None where it failed.
    failure : str, optional
        One sentence.
    """

    value: Any
    failure: str | None = None


@contextlib.contextmanager
def connect(where: str) -> Iterator[Any]:
    """Connect to a cluster for as long as the block runs; give its client.

    Parameters
    ----------
    where : str
        Address of a dask scheduler, ``tcp://host:8786``; or ``local:N`` for N processes here.

    Raises
    ------
    ToolError
        If dask is not installed, the address is none, or nobody answers there.
    """
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise ToolError("a cluster needs dask: pip install 'qembed[dask]'") from None
    local = LOCAL.fullmatch(where)
    if not local and "://" not in where:
        raise ToolError(f"cluster '{where}' is neither local:N nor an address like tcp://host:8786")
    with contextlib.ExitStack() as stack:
        stack.enter_context(_quiet())
        if local:
            count = max(1, int(local[1] or 2))
            address: Any = stack.enter_context(
                LocalCluster(  # type: ignore[no-untyped-call]  # distributed has no types
                    n_workers=count, threads_per_worker=1, dashboard_address=":0"
                )
            )
        else:
            address = where
        try:
            client = Client(address, timeout=CONNECT_SECONDS)  # type: ignore[no-untyped-call]  # as above
        except (OSError, ValueError, TimeoutError) as error:
            raise ToolError(f"no cluster answers at {where}: {_first_line(error)}") from None
        yield stack.enter_context(client)


def map(client: Any, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Outcome]:
    """Apply a function to every item on the workers; yield the outcomes in order.

    Few items are handed out at a time, so that neither items nor outcomes pile up. An item whose
    worker is lost goes to another; one that several workers are lost over has failed. The function
    and the items must be such as pickle takes, and the function must give the same value whenever
    it is called again.

    Raises
    ------
    ToolError
        If the cluster is lost.
    """
    pending: deque[Any] = deque()
    rest = iter(items)
    while True:
        while len(pending) < AHEAD * max(1, sum(client.nthreads().values())):
            item = next(rest, _NOTHING)
            if item is _NOTHING:
                break
            pending.append(client.submit(_attempt, function, item, pure=False))
        if not pending:
            return
        yield _outcome(pending.popleft())


_NOTHING = object()


def _attempt(function: Callable[[Any], Any], item: Any) -> Outcome:
    """On a worker: a refusal is an answer, not a reason to try again."""
    try:
        return Outcome(function(item))
    except QembedError as error:
        return Outcome(None, str(error))


def _outcome(future: Any) -> Outcome:
    from concurrent.futures import CancelledError

    from distributed import KilledWorker

    try:
        outcome: Outcome = future.result()
    except KilledWorker:
        return Outcome(None, "several workers were lost over it")
    except (CancelledError, OSError) as error:
        raise ToolError(f"the cluster was lost: {_first_line(error)}") from None
    except Exception as error:  # whatever the worker met: another version, no memory
        return Outcome(None, f"{type(error).__name__}: {_first_line(error)}")
    finally:
        future.release()
    return outcome


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep dask's remarks about lost and restarted workers to itself."""
    loggers = [logging.getLogger(name) for name in ("distributed", "asyncio", "tornado")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
