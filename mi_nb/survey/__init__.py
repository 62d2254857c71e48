"""The survey as data: its taxonomy, its roadmap, and the one table of public helpers."""

from mi_nb.survey.techniques import TECHNIQUES, Technique

__all__ = ["TECHNIQUES", "Technique"]
