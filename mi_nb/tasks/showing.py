"""A task as an HTML table with its labelled tokens marked."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mi_nb.core.tokens import Tokens
    from mi_nb.tasks.task import Task

LIMIT = 40
_WORDS_SHOWN = 3

# Light tints of Okabe and Ito's colours, which people with any colour vision can tell apart, under dark ink.
_TINTS = ("#f6d58e", "#b5dcf4", "#9fdcc5", "#f8f0a0", "#a9cbe6", "#f0bd97", "#e9c3da", "#d5d5d5")
_CELL = "padding:2px 6px;text-align:left;vertical-align:top;"
_TEXT = "white-space:pre-wrap;font-family:var(--jp-code-font-family,monospace);font-size:12px;line-height:1.7;"
_MARK = "color:#111;border-radius:2px;"
_LABEL = "font-size:9px;color:#111;padding-left:1px"


def as_table(task: Task) -> str:
    """The table: a row per prompt, at most 40, the rest counted; every labelled token carries its labels' names."""
    shown = min(len(task), LIMIT)
    tint = {label: _TINTS[i % len(_TINTS)] for i, label in enumerate(task.labels)}
    head = "".join(
        f'<th scope="col" style="{_CELL}">{name}</th>' for name in ("", "clean", "corrupted", "answer", "distractor")
    )
    body = "".join(_row(task, prompt, tint) for prompt in range(shown))
    legend = " ".join(
        f'<span style="background:{colour};{_MARK}padding:0 4px">{html.escape(label)}</span>'
        for label, colour in tint.items()
    )
    rest = len(task) - shown
    more = f" Not shown: {rest:,} more prompt{'' if rest == 1 else 's'}." if rest else ""
    out = f" Left out: {_left_out(task)}." if task.left_out else ""
    caption = f"Task {html.escape(task.name)}. Labels: {legend}.{more}{out}"
    return (
        '<table style="border-collapse:collapse;font-size:12px">'
        f'<caption style="text-align:left;padding:4px 0">{caption}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _left_out(task: Task) -> str:
    words = [html.escape(word) for word in list(task.left_out)[:LIMIT]]
    return ", ".join(words) + (f" and {len(task.left_out) - LIMIT} more" if len(task.left_out) > LIMIT else "")


def _row(task: Task, prompt: int, tint: dict[str, str]) -> str:
    labels: dict[int, list[tuple[str, str]]] = {}
    for label in task.labels:
        first, last = int(task.starts[label][prompt]), int(task.positions[label][prompt])
        for position in range(first, last + 1) if last >= 0 else ():
            name = label if position == last else f"{label}\u2026" if position == first else ""
            labels.setdefault(position, []).append((label, name))
    cells = [_prompt(tokens, prompt, labels, tint) for tokens in (task.clean, task.corrupted)]
    cells += [_words(words[prompt]) for words in (task.answer_strings, task.distractor_strings)]
    columns = "".join(f'<td style="{_CELL}{_TEXT}">{cell}</td>' for cell in cells)
    return f'<tr><th scope="row" style="{_CELL}font-weight:normal">{prompt}</th>{columns}</tr>'


def _prompt(tokens: Tokens, prompt: int, labels: dict[int, list[tuple[str, str]]], tint: dict[str, str]) -> str:
    parts = []
    for position, string in enumerate(tokens.strings[prompt]):
        here = labels.get(position)
        if not here:
            parts.append(html.escape(string))
            continue
        word = string.lstrip(" ") or string
        space = string[: len(string) - len(word)]
        named = ", ".join(shown for _, shown in here if shown)
        name = f'<sup style="{_LABEL}">{html.escape(named)}</sup>' if named else ""
        innermost = here[-1][0]
        parts.append(f'{space}<span style="background:{tint[innermost]};{_MARK}">{html.escape(word)}{name}</span>')
    return "".join(parts)


def _words(words: list[str]) -> str:
    shown = ", ".join(html.escape(word.strip(" ") or word) for word in words[:_WORDS_SHOWN])
    rest = len(words) - _WORDS_SHOWN
    return shown + (f" and {rest} more" if rest > 0 else "")
