"""One offline page with a widget's own front end on its saved state."""

from __future__ import annotations

import base64
import html
import json
import os
from pathlib import Path
from typing import Any

from mi_nb.widgets.kit import STATIC, Widget

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{page_css}</style>
<style>{css}</style>
</head>
<body>
<main id="widget"></main>
<noscript>{table}</noscript>
<script type="application/json" id="state">{state}</script>
<script type="application/json" id="front-end">{esm}</script>
<script>{host}</script>
</body>
</html>
"""


def export_html(widget: Widget, path: str | os.PathLike[str]) -> Path:
    """Write a widget as one self-contained page that works from the disk, without a kernel and without a network.

    What needs Python is greyed in the page, with a line that says why.

    Args:
        widget: the widget; its view (prompt, measure, selection ...) is kept.
        path: the file to write; replaced only once the page is complete.

    Returns:
        The path.

    Raises:
        OSError: the file cannot be written.
    """
    target = Path(path)
    page = _PAGE.format(
        title=html.escape(widget.title or type(widget).__name__),
        page_css=_style("page.css"),
        css=str(widget._css).replace("</", "<\\/"),
        table=widget.static_html(),
        state=_script_json(encode(widget.export_state())),
        esm=_script_json(str(widget._esm)),
        host=_style("page_host.js"),
    )
    partial = target.with_name(f".{target.name}.partial")
    partial.write_text(page, encoding="utf-8")
    partial.replace(target)
    return target


def encode(value: Any) -> Any:
    """Make a widget's state fit JSON: bytes become `{"base64": str}`."""
    if isinstance(value, bytes | memoryview):
        return {"base64": base64.b64encode(value).decode("ascii")}
    if isinstance(value, dict):
        return {key: encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    return value


def _script_json(value: Any) -> str:
    # `<` could end the script element or open a comment; JSON reads the escape as the same character.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _style(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")
