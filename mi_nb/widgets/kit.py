"""The base of every widget: selection, live actions, and what shows where no widget can."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from mi_nb.widgets.acting import Action, Job

STATIC = Path(__file__).parent / "static"


class Widget(anywidget.AnyWidget):
    """A picture of arrays whose axes have names, with a selection that reaches Python.

    Subclasses set `_esm` and `_css`, name their `axes`, and implement `static_html`.

    Attributes:
        selection: the marked part of the picture: `{axis: value}` records. An axis left out stands for all its values.
        live: whether Python answers requests; False in an exported page.
        result: the object that the picture shows. An action may replace it by returning one under the key `"result"`.
        error: the exception of the last failed action, None after a success.
    """

    title = traitlets.Unicode().tag(sync=True)
    selection = traitlets.List(traitlets.Dict()).tag(sync=True)
    request = traitlets.Dict().tag(sync=True)
    status = traitlets.Dict().tag(sync=True)
    live = traitlets.Bool(False).tag(sync=True)

    axes: tuple[str, ...] = ()
    _esm: Any
    _css: Any

    def __init__(self, *, actions: Mapping[str, Action] | None = None, result: Any = None, **traits: Any):
        """Set up the shared part.

        Args:
            actions: callables by the kind of request that they answer. Each gets the request, a dict, and `progress`
                where it accepts one (see `mi_nb.widgets.acting`), and returns the arguments to show instead, as a dict.
            result: the object that the picture shows.
            **traits: values of the subclass's traits.
        """
        self.actions: dict[str, Action] = dict(actions or {})
        self.result = result
        self.error: Exception | None = None
        self._job: Job | None = None
        self._changing = threading.RLock()
        traits.setdefault("status", {"state": "idle"})
        super().__init__(live=bool(self.actions), **traits)
        self.observe(self._on_request, "request")
        self.on_msg(self._on_message)

    def replace(self, **arguments: Any) -> None:
        """Show something else: the given constructor arguments change, the others stay.

        Raises:
            NotImplementedError: the subclass has nothing to replace.
        """
        raise NotImplementedError(f"{type(self).__name__} does not replace what it shows")

    def accepts(self, record: Mapping[str, Any]) -> bool:
        """Whether a selection record marks something in this widget."""
        return bool(record) and record.keys() <= set(self.axes)

    def static_html(self) -> str:
        """An HTML table of the same numbers, for pages without scripts."""
        raise NotImplementedError

    def export_state(self) -> dict[str, Any]:
        """The complete synced state of an offline page, arrays included."""
        hidden = ("_model", "_view", "_dom", "_anywidget")
        state = {name: getattr(self, name) for name in self.keys if not name.startswith(hidden)}
        for name in ("layout", "tabbable", "tooltip", "_esm", "_css"):
            state.pop(name, None)
        return state | {"live": False, "request": {}, "status": {"state": "idle"}}

    def wait(self, timeout: float | int | None = None) -> bool:
        """Wait for the running action; False when the time ran out first."""
        return self._job is None or self._job.wait(timeout)

    def stop(self) -> None:
        """Stop the running action and keep what is shown."""
        with self._changing:
            if self._job is not None:
                self._job.cancel()
                self._job = None
                self.status = {"state": "idle", "message": "stopped"}

    def _on_message(self, _: Any, content: Any, __: Any) -> None:
        # The front end asks whether anybody is there: a saved page has the state but no kernel.
        if isinstance(content, dict) and content.get("kind") == "hello":
            self.send({"kind": "hello"})

    def _on_request(self, change: Any) -> None:
        request = dict(change["new"])
        kind = request.get("kind")
        if kind is None:
            return
        if kind == "stop":
            self.stop()
            return
        with self._changing:
            if self._job is not None:
                self._job.cancel()
                self._job = None
            identity = {"id": request.get("id"), "kind": kind}
            action = self.actions.get(kind)
            if action is None:
                self.status = identity | {"state": "failed", "message": f"no action answers {kind!r}"}
                return
            self.status = identity | {"state": "busy", "progress": None, "message": ""}
            job = Job(action, request)
            self._job = job
            job.start(
                report=lambda fraction, message: self._report(job, identity, fraction, message),
                done=lambda value, error: self._finish(job, identity, value, error),
            )

    def _report(self, job: Job, identity: dict[str, Any], fraction: float, message: str) -> None:
        with self._changing:
            if self._job is job:
                self.status = identity | {"state": "busy", "progress": fraction, "message": message}

    def _finish(self, job: Job, identity: dict[str, Any], value: Any, error: Exception | None) -> None:
        with self._changing:
            if self._job is not job:
                return
            if error is None:
                try:
                    self._show(value)
                except Exception as refused:
                    error = refused
            self.error = error
            self._job = None
            outcome = {"state": "failed", "message": describe(error)} if error else {"state": "idle", "message": ""}
            self.status = identity | outcome

    def _show(self, value: Any) -> None:
        if not isinstance(value, Mapping):
            raise TypeError(f"the action returned {type(value).__name__}, not a dict of arguments to show")
        arguments = dict(value)
        if arguments.keys() - {"result"}:
            self.replace(**{name: given for name, given in arguments.items() if name != "result"})
        if "result" in arguments:
            self.result = arguments["result"]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.title!r})"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        data, metadata = bundle
        return data | {"text/html": self.static_html()}, metadata


def describe(error: BaseException) -> str:
    """An exception in one line of its own words."""
    words = str(error).strip()
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
