"""The small world: its words, its people, its texts, and which of them no model has seen."""

from __future__ import annotations

import functools
import sys
import types
from dataclasses import dataclass

import pandas as pd

from . import lexicon
from .behaviours import BEHAVIOURS, TEXTS, Behaviour
from .document import Case, Document
from .people import CAPITALS, PARAPHRASES, PEOPLE, held_out_paraphrase

__all__ = ["BEHAVIOURS", "TEXTS", "Behaviour", "Case", "Document", "World", "world"]


@dataclass(frozen=True)
class World:
    """The truth about the small world as tables."""

    @functools.cached_property
    def lexicon(self) -> pd.DataFrame:
        """One row per token and concept: token, id, concept (empty for marks)."""
        rows = [
            {"token": token, "id": index, "concept": concept}
            for index, token in enumerate(lexicon.vocabulary())
            for concept in lexicon.concepts_of(token) or [""]
        ]
        return pd.DataFrame(rows)

    @functools.cached_property
    def people(self) -> pd.DataFrame:
        """One row per person: name, first, last, gender, city, country, job, color, pet, food."""
        return pd.DataFrame(
            [{"name": p.name, "first": p.first, "last": p.last, "gender": p.gender, **p.facts} for p in PEOPLE]
        )

    @functools.cached_property
    def facts(self) -> pd.DataFrame:
        """One row per fact: subject, relation, object, and the paraphrase that no training text used for it."""
        rows = [(person.name, relation, value) for person in PEOPLE for relation, value in person.facts.items()] + [
            (country, "capital", city) for country, city in CAPITALS.items()
        ]
        table = pd.DataFrame(rows, columns=pd.Index(["subject", "relation", "object"]))
        table["held_out_paraphrase"] = [held_out_paraphrase(s, r) for s, r, _ in rows]
        return table

    @functools.cached_property
    def behaviours(self) -> pd.DataFrame:
        """One row per behaviour: name, question, score, least (the accuracy asked for), and an example."""
        rows = []
        for behaviour in BEHAVIOURS.values():
            case = behaviour.cases(1)[0]
            rows.append(
                {
                    "behaviour": behaviour.name,
                    "question": behaviour.question,
                    "score": behaviour.score,
                    "least": behaviour.least,
                    "prompt": case.prompt,
                    "answer": case.answer,
                }
            )
        return pd.DataFrame(rows)

    def held_out(self, behaviour: str, n: int = 100, *, seed: int = 0) -> pd.DataFrame:
        """Held-out questions of a behaviour: prompt, answers, distractors, and a column per labelled position.

        Args:
            behaviour: one of `behaviours`.
            n: number of questions.
            seed: which ones; the same seed gives the same questions everywhere.

        Raises:
            KeyError: for an unknown behaviour; the message lists the known ones.
        """
        if behaviour not in BEHAVIOURS:
            raise KeyError(f"unknown behaviour {behaviour!r}; known are {', '.join(BEHAVIOURS)}")
        cases = BEHAVIOURS[behaviour].cases(n, seed=seed)
        table = pd.DataFrame(
            {
                "prompt": [case.prompt for case in cases],
                "answers": [case.answers for case in cases],
                "distractors": [case.distractors for case in cases],
            }
        )
        return table.join(pd.DataFrame([case.positions for case in cases]).add_prefix("position_"))

    @property
    def paraphrases(self) -> dict[str, list[str]]:
        """The sentences that state each relation."""
        return PARAPHRASES

    def __repr__(self) -> str:
        return (
            f"World({len(PEOPLE)} people, {len(self.facts)} facts, {len(lexicon.vocabulary())} tokens, "
            f"{len(BEHAVIOURS)} behaviours)"
        )


@functools.cache
def world() -> World:
    """The truth about the small world on which the bundled models are trained.

    Probing, dictionary learning, editing and explanations can be checked against it: which concept a word belongs to,
    which facts hold, and which combinations no training text contains.
    """
    return World()


class _Callable(types.ModuleType):
    """This package under the name `mi_nb.models.world` is also the function: Python binds a name only once."""

    def __call__(self) -> World:
        return world()


sys.modules[__name__].__class__ = _Callable
