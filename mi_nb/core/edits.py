"""What an intervention does to the value at a site."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from mi_nb.core.errors import EditError
from mi_nb.core.sites import Site

if TYPE_CHECKING:
    from mi_nb.core.run import Run


@dataclass(frozen=True)
class Edit:
    """A change of a site's value. Make one with `zero`, `set_to`, `add`, `scale`, `mean` or a plain function.

    Attributes:
        kind: `"zero"`, `"set"`, `"add"`, `"scale"` or `"function"`.
        value: The tensor or number, broadcastable to the selected value; None for zero and function.
        function: For `"function"`: from the selected value to its replacement, of the same shape.
    """

    kind: str
    value: Any = None
    function: Callable[[Tensor], Tensor] | None = None

    def __call__(self, old: Tensor) -> Tensor:
        """The new value for a selected old one."""
        if self.kind == "zero":
            return torch.zeros_like(old)
        if self.kind == "function":
            assert self.function is not None
            return checked(self.function(old), old)
        value = self.value.to(device=old.device, dtype=old.dtype) if isinstance(self.value, Tensor) else self.value
        if self.kind == "scale":
            new = old * value
        elif self.kind == "add":
            new = old + value
        else:
            new = torch.as_tensor(value, device=old.device, dtype=old.dtype)
        try:
            return new.expand_as(old)
        except RuntimeError:
            raise EditError(
                f"the value has shape {tuple(torch.as_tensor(value).shape)} but the site holds {tuple(old.shape)}"
            ) from None


def checked(new: Any, old: Tensor) -> Tensor:
    """A function's result, if it can take the place of the old value.

    Raises:
        EditError: when it is no tensor, or has another shape, dtype or device.
    """
    if not isinstance(new, Tensor):
        raise EditError(f"the edit returned {type(new).__name__}; it must return the new tensor")
    for name in ("shape", "dtype", "device"):
        if getattr(new, name) != getattr(old, name):
            raise EditError(
                f"the edit returned {name} {getattr(new, name)}; the site holds {name} {getattr(old, name)}"
            )
    return new


def zero() -> Edit:
    """Replaces the value by zeros."""
    return Edit("zero")


def set_to(value: Tensor | float) -> Edit:
    """Replaces the value.

    Args:
        value: Broadcastable to the selected value. A tensor with a position axis of its own covers that many positions
            from the start, which is what a prompt's stored activations mean during generation.
    """
    return Edit("set", value)


def add(value: Tensor | float) -> Edit:
    """Adds to the value: a steering vector, for example."""
    return Edit("add", value)


def scale(factor: Tensor | float) -> Edit:
    """Multiplies the value."""
    return Edit("scale", factor)


def mean(reference: Tensor | Run, *, per_position: bool = False) -> Edit:
    """Replaces the value by its mean over reference prompts (mean ablation).

    Args:
        reference: A `Run` in which the same site was read, or a tensor of that site's values whose first two axes are
            prompt and position. In a run, padding does not count.
        per_position: Keep the positions apart, for prompts made from one template.
    """
    if isinstance(reference, Tensor):
        return Edit("set", reference.mean(0, keepdim=True) if per_position else reference.mean((0, 1)))
    return Edit("mean", (reference, per_position))


def as_edit(edit: Any) -> Edit:
    """An `Edit` from an edit, a function, or a tensor or number (which replaces the value)."""
    if isinstance(edit, Edit):
        return edit
    if isinstance(edit, (Tensor, int, float)):
        return set_to(edit)
    if callable(edit):
        return Edit("function", function=cast("Callable[[Tensor], Tensor]", edit))
    raise EditError(
        f"an edit is mi_nb.zero(), mean(...), set_to(...), add(...), scale(...) or a function; got {edit!r:.60}"
    )


def settled(edit: Edit, site: Site, layer: int | None) -> Edit:
    """A mean edit turned into the tensor it stands for at one layer; other edits as they are."""
    if edit.kind != "mean":
        return edit
    run, per_position = edit.value
    if "query" in site.axes:
        raise EditError(
            f"mean ablation of {site.name} over prompts of different lengths is not defined: pass a tensor to set_to()"
        )
    values = run[Site(site.name, layer=layer)]
    weight = run.tokens.mask.to(values.device, values.dtype).reshape(*run.tokens.mask.shape, *[1] * (values.ndim - 2))
    total = (values * weight).sum(0, keepdim=True) / weight.sum(0, keepdim=True).clamp_min(1)
    if not per_position:
        total = (values * weight).sum((0, 1)) / weight.sum((0, 1))
    if site.head is not None:
        total = total[..., site.head if isinstance(site.head, int) else list(site.head), :]
    if per_position and site.position is not None:
        chosen = [site.position] if isinstance(site.position, int) else site.position
        if not isinstance(chosen, slice) and min(chosen) < 0:
            raise EditError("a mean per position needs positions counted from the start")
        total = total[:, chosen if isinstance(chosen, slice) else list(chosen)]
        total = total[:, 0] if isinstance(site.position, int) else total
    return Edit("set", total)
