"""Shows a widget in a browser page without a kernel.

The real Python widget lives in the test's process with a comm whose other end is a queue; its real front end lives in
the page and exchanges the messages that a notebook would carry: trait updates with their binary buffers, and others.
"""

from __future__ import annotations

import json
import queue
from typing import Any

from mi_nb.widgets import Widget
from mi_nb.widgets.export import encode

HOST = """<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<body style="margin:0"><div id="out"></div><script type="module">
const listeners = new Map(), dirty = {};
const revive = (_, v) => v && typeof v.base64 === "string"
  ? new DataView(Uint8Array.from(atob(v.base64), (c) => c.charCodeAt(0)).buffer) : v;
const parse = (text) => JSON.parse(text, revive);
const state = parse(await window.py_state());
const fire = (event, ...values) => [...(listeners.get(event) ?? [])].forEach((f) => f(...values));
const apply = (changes) => { Object.assign(state, changes); for (const name in changes) fire("change:" + name); };
const model = {
  get: (name) => state[name],
  set: (name, value) => { dirty[name] = value; apply({ [name]: value }); },
  save_changes: () => {
    const sent = JSON.stringify(dirty);
    for (const name in dirty) delete dirty[name];
    window.py_set(sent);
  },
  send: (content) => window.py_message(JSON.stringify(content)),
  on: (event, f) => { if (!listeners.has(event)) listeners.set(event, new Set()); listeners.get(event).add(f); },
  off: (event, f) => listeners.get(event)?.delete(f),
};
const poll = async () => {
  for (const message of parse(await window.py_poll())) {
    if (message.method === "update") apply(message.state);
    if (message.method === "custom") fire("msg:custom", message.content, []);
  }
  setTimeout(poll, 15);
};
const style = document.head.appendChild(document.createElement("style"));
style.textContent = state._css;
const module = await import(URL.createObjectURL(new Blob([state._esm], { type: "text/javascript" })));
const began = performance.now();
window.cleanup = module.default.render({ model, el: document.getElementById("out") });
await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
window.drawn = performance.now() - began;
window.model = model;
poll();
window.ready = true;
</script>"""


class QueueComm:
    """The kernel's end of a comm, without a kernel."""

    comm_id = "bridge"

    def __init__(self) -> None:
        self.sent: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def send(self, data: dict[str, Any] | None = None, metadata: Any = None, buffers: Any = None) -> None:
        """Queue a message for the page, its buffers put back where they were."""
        message = dict(data or {})
        if message.get("method") == "echo_update":
            return
        for path, buffer in zip(message.pop("buffer_paths", []), buffers or [], strict=True):
            target = message["state"]
            for key in path[:-1]:
                target = target[key]
            if isinstance(target, list):
                target.insert(path[-1], buffer)
            else:
                target[path[-1]] = buffer
        self.sent.put(message)

    def on_msg(self, callback: Any) -> None:
        """Messages reach the widget through its own handler."""

    def on_close(self, callback: Any) -> None:
        """The bridge never closes a comm from the page's side."""

    def close(self, *_: Any, **__: Any) -> None:
        """Nothing to close."""

    def drain(self) -> list[dict[str, Any]]:
        """The messages since the last call."""
        messages = []
        while not self.sent.empty():
            messages.append(self.sent.get())
        return messages


def show(page: Any, widget: Widget, *, kernel: bool = True) -> Any:
    """Render a widget in a page and return its root; without `kernel`, nobody answers the page."""
    comm = QueueComm()
    widget.comm = comm

    def receive(data: dict[str, Any]) -> None:
        if kernel:
            widget._handle_msg({"content": {"data": data}, "buffers": []})

    def state() -> str:
        hidden = ("_model", "_view", "_dom", "_anywidget")
        names = [
            name
            for name in widget.keys
            if not name.startswith(hidden) and name not in ("layout", "tabbable", "tooltip")
        ]
        comm.drain()
        return json.dumps(encode(widget.get_state(names)))

    page.expose_function("py_state", state)
    page.expose_function(
        "py_set", lambda text: receive({"method": "update", "state": json.loads(text), "buffer_paths": []})
    )
    page.expose_function("py_message", lambda text: receive({"method": "custom", "content": json.loads(text)}))
    page.expose_function("py_poll", lambda: json.dumps(encode(comm.drain())))
    page.set_content(HOST)
    page.wait_for_function("window.ready === true")
    return page.locator(".mi-root")
