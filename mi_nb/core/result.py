"""The contract of everything that a technique returns."""

from __future__ import annotations

import dataclasses
import importlib
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from torch import Tensor

from mi_nb.core import store
from mi_nb.core.errors import LoadError

if TYPE_CHECKING:
    import pandas as pd

    from mi_nb.core.model import Model

R = TypeVar("R", bound="Result")


@dataclass(frozen=True)
class Provenance:
    """Where a result comes from: enough to compute it again.

    Attributes:
        model: What the model was loaded by.
        revision: Commit of its checkpoint, when known.
        dtype: Type of its weights.
        technique: The function that was called.
        arguments: Its arguments, as far as they are plain values.
        versions: Versions of python, torch, transformers and mi_nb.
    """

    model: str
    revision: str | None
    dtype: str
    technique: str
    arguments: dict[str, Any]
    versions: dict[str, str]


def provenance(model: Model, technique: str, **arguments: Any) -> Provenance:
    """The provenance of a result that is being made."""
    from importlib.metadata import PackageNotFoundError, version

    versions = {"python": platform.python_version()}
    for package in ("torch", "transformers", "mi-nb"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:  # run from a checkout
            versions[package] = "unknown"
    plain = {name: value for name, value in arguments.items() if _is_plain(value)}
    return Provenance(model.name, model.revision, str(model.dtype).removeprefix("torch."), technique, plain, versions)


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(isinstance(k, str) and _is_plain(v) for k, v in value.items())
    return value is None or isinstance(value, (str, int, float, bool))


def transient(**kwargs: Any) -> Any:
    """A field that is not saved, shown or compared: the model that keeps a widget alive, for example."""
    return field(default=None, repr=False, compare=False, metadata={"transient": True}, **kwargs)


class Result:
    """What a technique found: tensors with named axes, a table, a chart, a widget.

    Subclasses are frozen dataclasses (`repr=False, eq=False`: tensors have no one-line form and no single truth). Their
    fields are tensors, plain JSON-able values, and `provenance`; they implement `_table`, `chart`, `_widget` and
    `_summary`.
    """

    provenance: Provenance

    @cached_property
    def data(self) -> pd.DataFrame:
        """The result as a tidy table, one observation per row."""
        return self._table()

    def _table(self) -> pd.DataFrame:
        raise NotImplementedError

    def chart(self) -> Any:
        """A new static Altair chart, for papers and slides."""
        raise NotImplementedError

    def _widget(self) -> Any:
        raise NotImplementedError

    def _summary(self) -> str:
        raise NotImplementedError

    def widget(self) -> Any:
        """A new interactive widget of this result. Its `selection` is what `select` turns into rows."""
        made = self._widget()
        self.__dict__["_shown"] = made  # the dataclass is frozen; this is no field of it
        return made

    def select(self, selection: Sequence[dict[str, Any]] | None = None) -> pd.DataFrame:
        """The rows of `data` that a selection marks.

        Args:
            selection: `{axis: value}` records, as in a widget's `selection`; by default what is selected in the widget
                that this result showed last.
        """
        from mi_nb.core.table import rows_of

        if selection is not None:
            return rows_of(self.data, selection)
        shown = self.__dict__.get("_shown")
        if shown is None:
            raise ValueError("nothing of this result has been shown yet: pass a widget's selection")
        source = shown.result if isinstance(shown.result, Result) else self  # it may have recomputed since
        return source.select(shown.selection)

    def to_html(self, path: str | os.PathLike[str]) -> Path:
        """Writes one offline page with the widget's own front end; no kernel, no network. Returns its path."""
        from mi_nb.widgets import export_html

        return export_html(self._widget(), path)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the result to one file, whole or not at all. `.safetensors` is added when the name has no suffix."""
        target = Path(path)
        target = target if target.suffix else target.with_suffix(".safetensors")
        tensors, words = {}, {}
        for f in dataclasses.fields(self):  # type: ignore[arg-type]
            value = getattr(self, f.name)
            if f.metadata.get("transient"):
                continue
            if isinstance(value, Tensor):
                tensors[f.name] = value
            else:
                words[f.name] = dataclasses.asdict(value) if isinstance(value, Provenance) else value
        kind = f"{type(self).__module__}:{type(self).__qualname__}"
        return store.write(target, tensors, {"kind": kind, "fields": words})

    @classmethod
    def load(cls: type[R], path: str | os.PathLike[str]) -> R:
        """Reads a saved result. `Result.load` reads any kind; a technique's own class only its kind.

        Raises:
            LoadError: the file is damaged, or holds another kind of result.
        """
        tensors, words = store.read(path)
        kind = _result_class(words.get("kind", ""), path)
        if not issubclass(kind, cls):
            raise LoadError(
                f"{path} holds a {kind.__name__}, not a {cls.__name__}: use {kind.__name__}.load or Result.load"
            )
        fields = words["fields"] | tensors
        fields["provenance"] = Provenance(**fields["provenance"])
        try:
            return kind(**fields)
        except TypeError as error:
            raise LoadError(f"{path} was written by another version of {kind.__name__}: {error}") from error

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._summary()})"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        widget = self.widget()
        bundle = widget._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle or {}, {})
        return {**data, "text/plain": repr(self), "text/html": widget.static_html()}, metadata


def _result_class(kind: str, path: Any) -> type[Result]:
    module, _, name = kind.partition(":")
    if not module.startswith("mi_nb."):  # never import what a file names, unless it is ours
        raise LoadError(f"{path} names {kind!r}, which is not a result of mi_nb")
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ImportError:
        found = None
    if not (isinstance(found, type) and issubclass(found, Result)):
        raise LoadError(f"{path} holds {kind!r}, which this version of mi_nb does not have")
    return found
