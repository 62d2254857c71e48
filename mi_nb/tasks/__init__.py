"""Behaviours as data: clean and corrupted prompts, answers, distractors, labelled positions.

Every generator takes a model and gives a `Task` that its vocabulary can read.
"""

from __future__ import annotations

from mi_nb.tasks.closing_bracket import closing_bracket
from mi_nb.tasks.coloured_objects import coloured_objects
from mi_nb.tasks.docstring import docstring
from mi_nb.tasks.factual_recall import factual_recall
from mi_nb.tasks.gendered_pronoun import gendered_pronoun
from mi_nb.tasks.greater_than import greater_than
from mi_nb.tasks.induction import induction
from mi_nb.tasks.ioi import ioi
from mi_nb.tasks.multiple_choice import multiple_choice
from mi_nb.tasks.subject_verb_agreement import subject_verb_agreement
from mi_nb.tasks.successor import successor
from mi_nb.tasks.task import Task

__all__ = [
    "BUILT_IN",
    "Task",
    "closing_bracket",
    "coloured_objects",
    "docstring",
    "factual_recall",
    "gendered_pronoun",
    "greater_than",
    "induction",
    "ioi",
    "multiple_choice",
    "subject_verb_agreement",
    "successor",
]

BUILT_IN = {name: make for name, make in globals().items() if name in __all__ and name not in ("BUILT_IN", "Task")}
"""The generators by name."""
