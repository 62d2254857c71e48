"""What a vocabulary can say: words that are one token in it, and whether it is the small world's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from mi_nb.core.errors import PromptError
from mi_nb.models.world import lexicon

if TYPE_CHECKING:
    from mi_nb.core.model import Model

T = TypeVar("T")

_BEFORE = "We saw"
_MOST_WORDS = 4000
_PLAIN_WORD = re.compile(r" [a-z]{3,}")


def of_the_world(model: Model) -> bool:
    """Whether the model reads the words of the small world, so that its own texts can be used."""
    if model.tokenizer is None:
        raise PromptError("a task is made of text, and this model has no tokenizer: load it with tokenizer=")
    return model.tokenizer.get_vocab() == {token: index for index, token in enumerate(lexicon.vocabulary())}


class Vocabulary:
    """Picks the words that are one token behind other text, and remembers the others.

    Attributes:
        left_out: Words that are not one token, and what they are instead.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.left_out: dict[str, str] = {}

    def problems(self, continuations: Sequence[str], before: str = _BEFORE) -> dict[str, str]:
        """Which continuations of a text are not one token, and what they are instead."""
        found = {}
        start, *wholes = self.model.tokenizer([before, *(before + text for text in continuations)])["input_ids"]
        for text, whole in zip(continuations, wholes, strict=True):
            added = whole[len(start) :]
            if whole[: len(start)] != start:
                found[text] = "joined to the text before it"
            elif len(added) != 1:
                found[text] = f"{len(added)} tokens: {' + '.join(map(repr, self.model.token_strings(added)))}"
            elif added[0] == getattr(self.model.tokenizer, "unk_token_id", None):
                found[text] = "not in the vocabulary"
        return found

    def kept(self, continuations: Sequence[str], before: str = _BEFORE) -> list[str]:
        """The continuations of a text that are one token."""
        problems = self.problems(continuations, before)
        return [text for text in continuations if text not in problems]

    def single(self, words: Iterable[str], *, least: int = 2, what: str = "words") -> list[str]:
        """The words that are one token behind a space.

        Raises:
            PromptError: fewer than `least` are.
        """
        return [word for (word,) in self.tuples(((word,) for word in words), least=least, what=what)]

    def tuples(
        self,
        groups: Iterable[tuple[T, ...]],
        *,
        parts: Sequence[int] | None = None,
        least: int = 2,
        what: str = "words",
    ) -> list[tuple[T, ...]]:
        """The groups of which all words, or those at `parts`, are one token behind a space."""
        groups = list(groups)
        words = [[f" {group[i]}" for i in (range(len(group)) if parts is None else parts)] for group in groups]
        problems = self.problems(list(dict.fromkeys(word for group in words for word in group)))
        self.left_out.update({word[1:]: why for word, why in problems.items()})
        kept = [group for group, asked in zip(groups, words, strict=True) if not problems.keys() & set(asked)]
        if len(kept) < least:
            raise PromptError(
                f"of {len(groups)} {what} only {len(kept)} are single tokens of this vocabulary, {least} are needed: "
                f"{_some(self.left_out)}"
            )
        return kept

    def plain_words(self, least: int = 50) -> list[str]:
        """The first tokens of the vocabulary that are a lower-case word behind a space, as words."""
        strings = map(self.model.token_strings.__getitem__, range(len(self.model.tokenizer)))
        plain = islice(filter(_PLAIN_WORD.fullmatch, strings), _MOST_WORDS)
        words = [string[1:] for string in self.kept(list(dict.fromkeys(plain)))]
        if len(words) < least:
            raise PromptError(f"this vocabulary has only {len(words)} tokens that are words; {least} are needed")
        return words


def _some(left_out: Mapping[str, str]) -> str:
    return "; ".join(f"{word!r} is {why}" for word, why in list(left_out.items())[:3])
