"""Tokens as a person can read them: white space and control characters are visible, everything else is itself.

The front end has the same rules (`widgets/src/kit/glyphs.ts`); both are tested on `widgets/tests/glyph_cases.json`.
"""

from __future__ import annotations

import re
import unicodedata

SPACE = "\u2423"
_NAMED = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\u00a0": "NBSP"}
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"}
_EMOJI = {"So", "Sk"}
_JOINERS = {"\u200d", "\ufe0f"}
_LONGEST_SPACES = 3


def visible(token: str) -> str:
    """A token with its white space and control characters written out.

    Spaces become U+2423, runs of more than three are counted, newline and tab are `\\n` and `\\t`, other invisible
    characters their code point. The joiners inside an emoji stay. The empty token is U+2205.
    """
    if token == "":
        return "\u2205"
    parts: list[str] = []
    for match in re.finditer(r" +|[^ ]", token, re.DOTALL):
        text = match.group()
        if text[0] == " ":
            parts.append(SPACE * len(text) if len(text) <= _LONGEST_SPACES else f"{SPACE}\u00d7{len(text)}")
        else:
            parts.append(_character(text, token[match.start() - 1] if match.start() else ""))
    return "".join(parts)


def clean(token: object) -> str:
    """A string that JSON over the wire can carry: lone surrogates become the replacement character."""
    return str(token).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _character(character: str, before: str) -> str:
    if character in _NAMED:
        return _NAMED[character]
    if character in _JOINERS and (before in _JOINERS or (before and unicodedata.category(before) in _EMOJI)):
        return character
    category = unicodedata.category(character)
    if category in _HIDDEN or character in _JOINERS:
        return f"U+{ord(character):04X}"
    # A combining mark needs something to sit on.
    return f"\u25cc{character}" if category[0] == "M" and (not before or before.isspace()) else character
