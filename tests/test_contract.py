"""What every row of the table of techniques promises, whatever it computes.

Each technique's test file has an `example(model)` that calls it on a few prompts of different lengths.
"""

import dataclasses
import importlib
import inspect
import json
from pathlib import Path

import pandas as pd
import pytest
import torch

import mi_nb as mi
from mi_nb.core.result import Result
from mi_nb.survey.techniques import TECHNIQUES

ROOT = Path(__file__).parent.parent
VOCABULARY = set(
    "prompt layer position head neuron feature component token rank prediction token_id source target step effect "
    "metric logit log_prob entropy kl score measure value low high receiver".split()
)


@pytest.fixture(scope="module")
def model():
    return mi.load("mini")


@pytest.fixture(params=TECHNIQUES, ids=lambda row: row.name)
def row(request):
    return request.param


def file_of(row):
    return importlib.import_module(f"tests.{row.package}.test_{row.name}")


@pytest.fixture
def result(row, model):
    return file_of(row).example(model)


def fingerprint(model):
    hooks = [(len(m._forward_hooks), len(m._forward_pre_hooks), m.training) for m in model.hf.modules()]
    weights = [(p.data_ptr(), p._version, p.requires_grad, p.grad is None) for p in model.hf.parameters()]
    return hooks, weights, model.hf.config._attn_implementation


def test_one_stem_everywhere(row):
    function = getattr(mi, row.name)
    assert function.__name__ == row.name
    assert function.__module__ == row.module
    kind = getattr(mi, row.result)
    assert kind.__name__ == row.result
    assert kind.__name__.lower() == row.name.replace("_", "")
    assert issubclass(kind, Result)
    assert (ROOT / "tutorials" / f"{row.tutorial}.ipynb").exists()
    assert row.name in (ROOT / "tutorials" / f"{row.tutorial}.ipynb").read_text(encoding="utf-8")
    assert row.papers
    assert all(link.startswith("https://") for _, link in row.papers)


def test_the_docstring_says_what_a_user_needs(row):
    text = inspect.getdoc(getattr(mi, row.name))
    assert text.splitlines()[0].endswith("?"), "the first line is the question it answers"
    for part in ("Args:", "Returns:", "Raises:", "Example:", "Caveats:", "References:"):
        assert part in text, f"{row.name} says nothing under {part}"
    names = list(inspect.signature(getattr(mi, row.name)).parameters.values())
    assert names[0].name == "model"
    assert all(p.kind is p.KEYWORD_ONLY for p in names[2:])


def test_fields_are_documented_tensors_and_plain_values(row, result):
    assert dataclasses.is_dataclass(result)
    source = inspect.getsource(type(result))
    for field in dataclasses.fields(result):
        value = getattr(result, field.name)
        if field.metadata.get("transient") or field.name == "provenance":
            continue
        if not isinstance(value, torch.Tensor):
            json.dumps(value)
        after = source.split(f"    {field.name}:", 1)[1].split("\n", 2)[1]
        assert after.strip().startswith('"""'), f"{field.name} has no docstring"
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.provenance = None
    assert result.provenance.technique == row.name


def test_the_table_is_tidy(result):
    data = result.data
    assert isinstance(data, pd.DataFrame)
    assert set(data.columns) <= VOCABULARY, set(data.columns) - VOCABULARY
    assert len(data)
    assert result.data is data, "computed once"


def test_pictures_are_new_each_time_and_stand_without_a_kernel(result):
    assert result.widget() is not result.widget()
    assert "$schema" in result.chart().to_dict()
    bundle, _ = result._repr_mimebundle_()
    assert bundle["text/plain"] == repr(result)
    assert "\n" not in repr(result)
    assert "0x" not in repr(result)
    assert "<table" in bundle["text/html"]
    assert "<script" not in bundle["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_a_selection_leads_back_to_rows(result):
    widget = result.widget()
    record = {axis: result.data[axis].iloc[0].item() for axis in widget.axes if axis in result.data}
    widget.selection = [record]
    assert len(result.select(widget.selection)) > 0
    assert result.select().equals(result.select(widget.selection))


def test_it_survives_the_disk(result, tmp_path):
    back = type(result).load(result.save(tmp_path / "result"))
    assert back.data.equals(result.data)
    assert repr(back) == repr(result)


def test_the_model_is_left_as_it_was_and_numbers_repeat(row, model):
    before = fingerprint(model)
    first = file_of(row).example(model)
    assert fingerprint(model) == before
    assert file_of(row).example(model).data.equals(first.data)


def test_every_public_name_exists():
    for name in mi.__all__:
        assert getattr(mi, name) is not None
    with pytest.raises(AttributeError, match="no 'nothing'"):
        _ = mi.nothing
    assert callable(mi.models)
    assert set(mi.__all__) <= set(dir(mi))
