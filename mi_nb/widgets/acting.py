"""Run what a widget asks for, in Python, with progress, a way to stop and the error's own words.

The callable runs in a worker thread, so the kernel goes on reading messages and a stop arrives while it works. All
widgets share one worker slot: two actions never run at once. A cell started meanwhile waits for the running action,
since both may use the same model; interrupting that cell stops the action.

A callable that accepts `progress` is stopped at its next `progress.update(...)`. Any other gets `Cancelled` raised
between two Python instructions, as the notebook's stop button does, so one long call into compiled code is stopped when
it returns.
"""

from __future__ import annotations

import contextlib
import contextvars
import ctypes
import inspect
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

Action = Callable[..., dict[str, Any]]

_slot = threading.Lock()
_jobs: set[Job] = set()
_watched: weakref.WeakSet[Any] = weakref.WeakSet()


class Cancelled(BaseException):
    """The action was stopped, or a newer request replaced it. `except Exception` lets it pass, as an interrupt."""


class Progress:
    """Handed to an action that accepts `progress`."""

    def __init__(self, report: Callable[[float, str], None], cancelled: threading.Event):
        self._report = report
        self._cancelled = cancelled
        self._last_report = 0.0

    def update(self, fraction: float | int, message: str = "") -> None:
        """Show how much is done.

        Args:
            fraction: the part that is done, from 0 to 1.
            message: a few words on what is going on.

        Raises:
            Cancelled: the user stopped the action or asked for something newer.
        """
        if self._cancelled.is_set():
            raise Cancelled
        now = time.monotonic()
        if fraction >= 1 or now - self._last_report > 0.05:
            self._last_report = now
            self._report(min(max(float(fraction), 0.0), 1.0), message)


class Job:
    """One run of an action in its own thread.

    Args:
        action: the callable; gets the request, and `progress` where it accepts one.
        request: what the front end asked for.
    """

    def __init__(self, action: Action, request: dict[str, Any]):
        self._action = action
        self._request = request
        self._cancelled = threading.Event()
        self._cooperative = accepts_progress(action)
        self._interruptible = threading.Lock()
        self._in_action = False
        self._thread: threading.Thread | None = None

    def start(self, *, report: Callable[[float, str], None], done: Callable[[Any, Exception | None], None]) -> None:
        """Run the action.

        Args:
            report: called with the fraction and a message at each progress update.
            done: called with the returned value and the exception, one of them None, unless the job was cancelled.
        """
        progress = Progress(report, self._cancelled)
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._run, progress, done), daemon=True)
        _jobs.add(self)
        _watch_cells()
        self._thread.start()

    def cancel(self) -> None:
        """Ask the action to stop; its outcome is dropped whenever it comes."""
        self._cancelled.set()
        with self._interruptible:
            if self._in_action and self._thread is not None and not self._cooperative:
                _raise_in_thread(self._thread, Cancelled)

    def wait(self, timeout: float | int | None = None) -> bool:
        """Wait for the thread to end; False when the time ran out first."""
        if self._thread is None:
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self, progress: Progress, done: Callable[[Any, Exception | None], None]) -> None:
        try:
            with _slot:
                value, error = self._call(progress)
            if not self._cancelled.is_set():
                done(value, error)
        except Cancelled:
            self._cancelled.set()
        finally:
            _jobs.discard(self)

    def _call(self, progress: Progress) -> tuple[Any, Exception | None]:
        with self._interruptible:
            if self._cancelled.is_set():
                raise Cancelled
            self._in_action = True
        try:
            if self._cooperative:
                return self._action(self._request, progress=progress), None
            return self._action(self._request), None
        except Exception as error:
            return None, error
        finally:
            with self._interruptible:
                self._in_action = False
                # A stop that came while the action was returning must not go off in the code that follows it.
                _raise_in_thread(threading.current_thread(), None)


def accepts_progress(action: Action) -> bool:
    """Whether an action takes a `progress` argument."""
    try:
        parameters = inspect.signature(action).parameters
    except (TypeError, ValueError):
        return False
    return "progress" in parameters


def wait_for_jobs() -> None:
    """Wait until no action runs; an interrupt while waiting cancels what runs."""
    for job in list(_jobs):
        try:
            job.wait()
        except KeyboardInterrupt:
            job.cancel()
            job.wait()


def _raise_in_thread(thread: threading.Thread, exception: type[BaseException] | None) -> None:
    if thread.ident is not None:
        target = ctypes.py_object(exception) if exception else None
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), target)


def _watch_cells() -> None:
    with contextlib.suppress(ImportError):
        from IPython.core.getipython import get_ipython

        shell = get_ipython()
        if shell is not None and shell not in _watched:
            _watched.add(shell)
            shell.events.register("pre_run_cell", lambda info: wait_for_jobs())
