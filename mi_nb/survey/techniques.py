"""The one table of public helpers. Lazy exports, the README's list, the roadmap and the contract tests all read it.

This module is imported with `mi_nb` itself and imports nothing but the standard library.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Technique:
    """A row: one public helper.

    Attributes:
        name: Function, file, test and tutorial section all carry it.
        package: Sub-package of `mi_nb` with the file.
        result: Class that it returns.
        question: What it answers, in one line.
        section: Where it stands in the survey's taxonomy.
        step: Which step of the beginner's roadmap it serves.
        papers: Title and link of the works it reproduces.
        widget: Kind of picture.
        tutorial: Folder and stem of the notebook that teaches it.
    """

    name: str
    package: str
    result: str
    question: str
    section: str
    step: str
    papers: tuple[tuple[str, str], ...]
    widget: str
    tutorial: str

    @property
    def module(self) -> str:
        """Where the function is."""
        return f"mi_nb.{self.package}.{self.name}"


TECHNIQUES: tuple[Technique, ...] = (
    Technique(
        name="logit_lens",
        package="techniques",
        result="LogitLens",
        question="What would the model predict after each layer?",
        section="Techniques / Logit lens (vocabulary projection)",
        step="Feature study / Observe",
        papers=(
            (
                "interpreting GPT: the logit lens",
                "https://www.lesswrong.com/posts/AcKRB8wDpdaN6v6ru/interpreting-gpt-the-logit-lens",
            ),
        ),
        widget="TokenGrid",
        tutorial="01_features/01_vocabulary_projection",
    ),
)
