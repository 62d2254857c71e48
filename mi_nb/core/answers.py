"""Tokens that a user names: from words to ids, with an error that says which words are more than one token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mi_nb.core.errors import PromptError

if TYPE_CHECKING:
    from mi_nb.core.model import Model


def token_ids(model: Model, targets: Any, what: str = "target") -> list[int]:
    """Ids of single tokens given as strings or ids.

    Args:
        model: Whose vocabulary counts.
        targets: One string or id, or a sequence of them; None for none.
        what: What to call them in errors.

    Raises:
        PromptError: a string is no token, or more than one; an id is outside of the vocabulary.
    """
    if targets is None:
        return []
    given: Sequence[Any] = [targets] if isinstance(targets, (str, int)) else list(targets)
    return [_one(model, target, what) for target in given]


def _one(model: Model, target: Any, what: str) -> int:
    if isinstance(target, bool) or not isinstance(target, (str, int)):
        raise PromptError(f"a {what} is a token's text or its id, not {target!r}")
    if isinstance(target, int):
        if not 0 <= target < model.vocabulary_size:
            raise PromptError(f"{what} {target} is outside of the vocabulary (0 to {model.vocabulary_size - 1})")
        return target
    if model.tokenizer is None:
        raise PromptError(f"this model has no tokenizer: give the id of {what} {target!r}")
    ids = model.tokenizer(target, add_special_tokens=False)["input_ids"]
    unknown = getattr(model.tokenizer, "unk_token_id", None)
    if len(ids) != 1:
        pieces = ", ".join(map(repr, model.token_strings(ids))) or "nothing"
        raise PromptError(f"{what} {target!r} is {len(ids)} tokens ({pieces}), not one: name a single token, or its id")
    if ids[0] == unknown and target != model.tokenizer.unk_token:
        hint = "" if target.startswith(" ") else f"; in the middle of a text it would be {' ' + target!r}"
        raise PromptError(f"{what} {target!r} is not in this vocabulary{hint}")
    return ids[0]
