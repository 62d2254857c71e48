"""From prompts to token ids, and back to strings that a person can read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mi_nb.core.errors import PromptError

Prompts = Any
"""A string, strings, token ids, lists or a tensor of them, or a chat (a list of role/content dicts)."""


@dataclass(frozen=True)
class Tokens:
    """Prompts as the model reads them, padded on the right.

    Attributes:
        ids: (prompt, position) token ids.
        mask: (prompt, position) True at real tokens.
        strings: Per prompt, one readable string per real token.
        bos: Whether each prompt starts with the tokenizer's beginning-of-sequence token, and who put it there.
    """

    ids: Tensor
    mask: Tensor
    strings: list[list[str]]
    bos: str = "not known"

    @property
    def lengths(self) -> list[int]:
        """Number of real tokens of each prompt."""
        return [len(s) for s in self.strings]

    @property
    def padded(self) -> bool:
        """Whether any prompt is shorter than the batch is wide."""
        return not bool(self.mask.all())

    def to(self, device: Any) -> Tokens:
        """The same prompts on another device."""
        return Tokens(self.ids.to(device), self.mask.to(device), self.strings, self.bos)

    def __len__(self) -> int:
        return len(self.strings)

    def __getitem__(self, prompts: slice | list[int]) -> Tokens:
        """Some of the prompts, with the same padding."""
        index = list(range(len(self)))[prompts] if isinstance(prompts, slice) else list(prompts)
        return Tokens(self.ids[index], self.mask[index], [self.strings[i] for i in index], self.bos)


def _byte_alphabet() -> dict[str, int]:
    """The printable stand-ins that byte-level vocabularies use for the 256 bytes."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {chr(b): b for b in kept}
    table.update({chr(256 + i): b for i, b in enumerate(b for b in range(256) if b not in set(kept))})
    return table


_BYTES = _byte_alphabet()


class TokenStrings:
    """Readable strings of single tokens: leading spaces kept, lone bytes of a longer character shown as `<0xE2>`."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self._cache: dict[int, str] = {}
        backend = getattr(tokenizer, "backend_tokenizer", None)
        decoder = str(getattr(backend, "decoder", "")) + str(getattr(backend, "pre_tokenizer", ""))
        self._byte_level = "ByteLevel" in decoder

    def __getitem__(self, token_id: int) -> str:
        token_id = int(token_id)
        if token_id not in self._cache:
            self._cache[token_id] = self._string(token_id)
        return self._cache[token_id]

    def __call__(self, ids: Sequence[int]) -> list[str]:
        return [self[i] for i in ids]

    def _string(self, token_id: int) -> str:
        if self.tokenizer is None:
            return f"<{token_id}>"
        try:
            token = self.tokenizer.convert_ids_to_tokens(token_id)
        except (IndexError, OverflowError):
            token = None
        if token is None:  # models often have more rows than the tokenizer has tokens
            return f"<{token_id}>"
        if isinstance(token, bytes):
            token = token.decode("utf-8", "replace")
        if self._byte_level and all(c in _BYTES for c in token):
            raw = bytes(_BYTES[c] for c in token)
            try:
                return raw.decode("utf-8")
            except UnicodeDecodeError:
                return "".join(f"<0x{b:02X}>" for b in raw)
        return token.replace("\u2581", " ")


def _is_ids(value: Any) -> bool:
    return isinstance(value, Tensor) or (
        isinstance(value, (list, tuple)) and len(value) > 0 and all(isinstance(i, int) for i in value)
    )


def _as_lists(prompts: Any, tokenizer: Any, add_special: bool) -> list[list[int]]:
    if isinstance(prompts, dict) or hasattr(prompts, "input_ids"):
        raise PromptError("got a tokenizer's output: pass its ['input_ids'] instead, or the text itself")
    if isinstance(prompts, Tensor):
        if prompts.is_floating_point() or prompts.ndim not in (1, 2):
            raise PromptError(
                f"token ids are integers, (position,) or (prompt, position); got {prompts.dtype} {tuple(prompts.shape)}"
            )
        return prompts.reshape(-1, prompts.shape[-1]).tolist()
    if isinstance(prompts, str) or _is_ids(prompts):
        prompts = [prompts]
    elif prompts and isinstance(prompts, (list, tuple)) and isinstance(prompts[0], dict):
        prompts = [prompts]  # one chat
    if not isinstance(prompts, (list, tuple)) or not prompts:
        raise PromptError("no prompt: pass a string, a list of strings, or token ids")
    rows = []
    for i, prompt in enumerate(prompts):
        if _is_ids(prompt):
            rows.append([int(t) for t in prompt])
        elif isinstance(prompt, (list, tuple)) and not prompt:
            rows.append([])
        elif tokenizer is None:
            raise PromptError("this model has no tokenizer: pass token ids, or load it with tokenizer=")
        elif prompt == "":  # many tokenizers would silently make it a lone beginning-of-sequence token
            raise PromptError(f"prompt {i} is empty: write some text, or pass token ids")
        elif isinstance(prompt, str):
            rows.append(tokenizer(prompt, add_special_tokens=add_special)["input_ids"])
        elif isinstance(prompt, (list, tuple)) and all(isinstance(turn, dict) for turn in prompt):
            if not getattr(tokenizer, "chat_template", None):
                raise PromptError("this tokenizer has no chat template: pass the text as a plain string")
            text = tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)
            rows.append(tokenizer(text, add_special_tokens=False)["input_ids"])
        else:
            raise PromptError(
                f"prompt {i} is {type(prompt).__name__} {prompt!r:.40}: pass a string, a list of token ids, or a chat"
            )
    return rows


def tokenize(
    prompts: Prompts,
    tokenizer: Any,
    *,
    bos: bool | None = None,
    limit: int | None = None,
    truncate: bool = False,
    vocabulary: int | None = None,
    strings: TokenStrings | None = None,
    device: Any = None,
) -> Tokens:
    """Turns prompts into a right-padded batch.

    Args:
        prompts: See `Prompts`.
        tokenizer: A Hugging Face tokenizer, or None when only ids are passed.
        bos: None leaves the beginning-of-sequence token to the tokenizer's own rule; True puts one in front of every
            text that has none; False takes it away. Token ids and chats are taken as they are.
        limit: The longest prompt, in tokens, that the model can read.
        truncate: Cut longer prompts at `limit`, keeping their start, instead of refusing them.
        vocabulary: Number of rows of the embedding, to refuse ids beyond it.
        strings: A cache of token strings to share.
        device: Where to put the ids.

    Raises:
        PromptError: with the prompt's index, when one is empty, too long, or holds unknown ids.
    """
    rows = _as_lists(prompts, tokenizer, add_special=bos is not False)
    start = getattr(tokenizer, "bos_token_id", None)
    textual = isinstance(prompts, str) or (isinstance(prompts, (list, tuple)) and isinstance(prompts[0], str))
    if bos and start is None:
        raise PromptError("this tokenizer has no beginning-of-sequence token: leave bos out")
    if bos and textual:
        rows = [row if row[:1] == [start] else [start, *row] for row in rows]
    for i, row in enumerate(rows):
        if not row:
            raise PromptError(f"prompt {i} has no tokens: it is empty, or the tokenizer drops everything in it")
        if limit is not None and len(row) > limit:
            if not truncate:
                raise PromptError(
                    f"prompt {i} has {len(row)} tokens and the model reads {limit}: shorten it, or pass truncate=True"
                )
            rows[i] = row[:limit]
        if min(row) < 0 or (vocabulary is not None and max(row) >= vocabulary):
            raise PromptError(f"prompt {i} holds token ids outside of 0 to {(vocabulary or 0) - 1}")
    has = [row[0] == start for row in rows] if start is not None else [False]
    state = (
        "none in this vocabulary" if start is None else "present" if all(has) else "absent" if not any(has) else "mixed"
    )
    width = max(map(len, rows))
    padding = getattr(tokenizer, "pad_token_id", None)
    ids = torch.full((len(rows), width), 0 if padding is None else padding, dtype=torch.long)
    mask = torch.zeros(len(rows), width, dtype=torch.bool)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
        mask[i, : len(row)] = True
    show = strings or TokenStrings(tokenizer)
    return Tokens(ids.to(device), mask.to(device), [show(row) for row in rows], state)
