"""Results: tables, selections, files that cannot lie."""

import json
import os
from dataclasses import dataclass

import pytest
import torch
from jaxtyping import Float
from torch import Tensor

from mi_nb.core import store
from mi_nb.core.errors import LoadError
from mi_nb.core.result import Provenance, Result, transient
from mi_nb.core.table import rows_of, table

WHERE = Provenance("mini", None, "float32", "made_up", {}, {})


@dataclass(frozen=True, repr=False, eq=False)
class MadeUp(Result):
    values: Float[Tensor, "prompt position"]
    names: list[str]
    provenance: Provenance
    model: object = transient()

    def _table(self):
        prompt, position = (self.values == self.values).nonzero().T.numpy()
        columns = {"prompt": prompt, "position": position, "effect": self.values[prompt, position].numpy()}
        return table(columns, [2, 3])

    def _summary(self):
        return f"{len(self.names)} names"


MadeUp.__module__ = "mi_nb.core.result"  # a saved file may only name classes of the package
VALUES = torch.tensor([[1.0, 2.0, float("nan")], [3.0, 4.0, 5.0]])


@pytest.fixture
def made(monkeypatch):
    monkeypatch.setattr("mi_nb.core.result.MadeUp", MadeUp, raising=False)
    return MadeUp(VALUES, ["a", "\u202e<b>"], WHERE, model=object())


def test_negative_positions_count_from_each_prompts_end(made):
    data = made.data
    assert data.query("position == -1").effect.tolist() == [2.0, 5.0]
    assert data.query("prompt == 1 and position == -3").effect.tolist() == [3.0]
    assert data.query("position != -1").effect.tolist() == [1.0, 3.0, 4.0]
    assert data.query("effect > 1").query("position == -1").effect.tolist() == [2.0, 5.0]
    assert data.query("position == 1").effect.tolist() == [2.0, 4.0]


def test_a_selection_marks_rows(made):
    assert made.select([{"prompt": 1}]).effect.tolist() == [3.0, 4.0, 5.0]
    assert made.select([{"prompt": 0, "position": 1}, {"position": 2}]).effect.tolist() == [2.0, 5.0]
    assert made.select([]).empty
    with pytest.raises(KeyError, match="layer"):
        rows_of(made.data, [{"layer": 1}])
    with pytest.raises(ValueError, match="nothing of this result has been shown"):
        made.select()


def test_a_result_survives_the_disk(made, tmp_path):
    path = made.save(tmp_path / "made")
    assert path.name == "made.safetensors"
    back = Result.load(path)
    assert isinstance(back, MadeUp)
    assert torch.equal(back.values.nan_to_num(), made.values.nan_to_num())
    assert back.names == made.names
    assert back.provenance == made.provenance
    assert back.model is None
    assert repr(back) == "MadeUp(2 names)"
    assert os.listdir(tmp_path) == ["made.safetensors"]
    assert path.stat().st_mode & 0o044, "others in a shared folder can read it"


@pytest.mark.parametrize("at", [3, 40, 200, -5])
def test_a_flipped_bit_is_refused(made, tmp_path, at):
    path = made.save(tmp_path / "made")
    blob = bytearray(path.read_bytes())
    blob[at] ^= 1
    path.write_bytes(blob)
    with pytest.raises(LoadError, match=r"damaged|not a result|changed"):
        Result.load(path)


def test_truncated_foreign_and_missing_files_are_refused(made, tmp_path):
    path = made.save(tmp_path / "made")
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(LoadError, match="damaged"):
        Result.load(path)
    path.write_bytes(b"not even that")
    with pytest.raises(LoadError, match="damaged"):
        Result.load(path)
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(LoadError, match="not a result of mi_nb"):
        Result.load(path)
    with pytest.raises(FileNotFoundError):
        Result.load(tmp_path / "nothing.safetensors")


@pytest.mark.parametrize(
    "kind", ["os:system", "mi_nb.core.result:Provenance", "mi_nb.core.nothing:X", "mi_nb_evil:X", ""]
)
def test_a_file_cannot_name_code_to_run(tmp_path, kind):
    words = {"kind": kind, "fields": {"provenance": json.loads("{}")}}
    path = store.write(tmp_path / "evil.safetensors", {"a": torch.zeros(1)}, words)
    with pytest.raises(LoadError, match=r"not a result of mi_nb|does not have"):
        Result.load(path)


def test_a_failed_write_leaves_the_old_file(made, tmp_path, monkeypatch):
    path = made.save(tmp_path / "made")
    before = path.read_bytes()
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("No space left on device")))
    with pytest.raises(OSError, match="No space left"):
        made.save(path)
    assert path.read_bytes() == before
    assert len(os.listdir(tmp_path)) == 1
