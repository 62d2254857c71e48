"""The errors of the core: each message names what was asked, why it cannot be had, and the way out."""

from __future__ import annotations


class SiteError(LookupError):
    """A site does not exist, is absent from this architecture, or was not read."""


class PromptError(ValueError):
    """A prompt is empty, too long, or cannot be turned into tokens."""


class EditError(ValueError):
    """An edit returned something that cannot take the place of the value it was given."""


class LoadError(RuntimeError):
    """A model, a checkpoint or a saved result could not be loaded."""


class ArchitectureError(LookupError):
    """A model's family is unknown, or its modules are not where the architecture's row says."""


class NonFiniteWarning(RuntimeWarning):
    """A forward pass produced NaN or infinity; the message names the first site where it appeared."""


class FallbackWarning(UserWarning):
    """A fast path is not available for this model; results are the same, only slower."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on a GPU or on the CPU."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or "out of memory" in text or "can't allocate memory" in text


def explain(error: BaseException, note: str) -> BaseException:
    """Adds a note to the caller's own exception, whose type and traceback stay theirs."""
    if hasattr(error, "add_note"):
        error.add_note(note)  # type: ignore[attr-defined]
    else:  # Python 3.10 prints no notes
        error.args = (f"{error.args[0]} ({note})" if error.args else note, *error.args[1:])
    return error
