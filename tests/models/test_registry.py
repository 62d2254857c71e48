"""The bundled models: found by name, refused when a file is not the released one, restored from compact checkpoints."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer

from mi_nb.core.errors import LoadError
from mi_nb.models import card, load, models, registry, store
from mi_nb.models.train.loop import build
from mi_nb.models.train.recipes import RECIPES
from mi_nb.models.world.tokenizer import build_tokenizer


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A registry of one untrained model of which the checkpoints share tensors."""
    hf = build(RECIPES["induction-2l"], 0)
    states = {0: {k: v.clone() for k, v in hf.state_dict().items()}}
    states[5] = {k: v + (0.5 if "embed" in k else 0.0) for k, v in states[0].items()}
    store.save_model(
        tmp_path / "tiny",
        hf,
        build_tokenizer(),
        {"name": "tiny", "checkpoints": [0, 5], "accuracy": [], "mechanisms": [], "history": []},
        states,
    )
    store.write_manifest(tmp_path)
    monkeypatch.setattr(store, "WEIGHTS", tmp_path)
    return tmp_path


def test_a_bundled_model_loads_by_name_and_by_path(weights: Path) -> None:
    model = load("tiny", device="cpu")
    assert model.name == "tiny"
    assert model.dtype == torch.float32
    assert isinstance(AutoModelForCausalLM.from_pretrained(weights / "tiny"), torch.nn.Module)
    prompt = "When Mary and John went to the store, John gave a drink to"
    ids = AutoTokenizer.from_pretrained(weights / "tiny")(prompt)["input_ids"]
    assert ids == build_tokenizer()(prompt)["input_ids"] == model.run(prompt).tokens.ids[0].tolist()


def test_checkpoints_restore_their_step(weights: Path) -> None:
    first, fifth = load("tiny", step=0, device="cpu"), load("tiny", step=5, device="cpu")
    shift = (fifth.hf.model.embed_tokens.weight - first.hf.model.embed_tokens.weight).detach()
    torch.testing.assert_close(shift, torch.full_like(shift, 0.5), atol=0.01, rtol=0)
    assert torch.equal(
        first.hf.model.layers[1].self_attn.q_proj.weight, fifth.hf.model.layers[1].self_attn.q_proj.weight
    )
    assert fifth.revision == "step5"
    with pytest.raises(LoadError, match="0, 5"):
        load("tiny", step=3)


def test_an_unchanged_tensor_is_stored_once(weights: Path) -> None:
    with safe_open(weights / "tiny" / store.CHECKPOINTS, "pt") as file:
        later = {key for key in file.keys() if key.startswith("5/")}  # noqa: SIM118
    assert later == {"5/model.embed_tokens.weight", "5/model.embed_tokens.weight.scale"}


@pytest.mark.parametrize("file", ["model.safetensors", "tokenizer.json", "checkpoints.safetensors", "card.json"])
def test_a_changed_file_is_refused_by_name(weights: Path, file: str) -> None:
    path = weights / "tiny" / file
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(LoadError, match=file):
        load("tiny")


def test_a_missing_file_is_refused_by_name(weights: Path) -> None:
    (weights / "tiny" / "config.json").unlink()
    with pytest.raises(LoadError, match=r"config\.json is missing"):
        load("tiny")


def test_an_unknown_name_is_told_the_known_ones(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LoadError, match=r"did you mean 'tiny'"):
        load("tinny")
    with pytest.raises(LoadError, match="tiny"):
        card("nothing")
    with pytest.raises(LoadError, match=r"step= is for bundled models \(tiny\)"):
        load("org/model", step=3)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(LoadError, match="need no network: tiny"):
        load(str(weights / "no" / "such" / "folder"))


def test_released_files_are_those_of_the_manifest() -> None:
    released = json.loads((store.WEIGHTS / store.MANIFEST).read_text())
    folders = {path.name for path in store.WEIGHTS.iterdir() if path.is_dir()}
    assert folders == set(released)
    for name in released:
        registry.verify_files(store.WEIGHTS / name)
        assert set(released[name]) == {path.name for path in (store.WEIGHTS / name).iterdir()}
    total = sum(path.stat().st_size for path in store.WEIGHTS.rglob("*") if path.is_file())
    assert total < 36e6, "the wheel stays under 40 MB"


def test_tables_cover_every_model() -> None:
    cards = models().set_index("name")
    assert set(cards.index) == set(registry.names())
    assert cards["licence"].notna().all()
    assert cards["recipe"].str.startswith("python -m mi_nb.models.train").all()
    assert set(models("accuracy")["name"]) == set(cards.index) == set(models("mechanisms")["name"])
    for name, rows in models("checkpoints").groupby("name"):
        assert sorted(rows["step"]) == store.checkpoint_steps(store.WEIGHTS / str(name) / store.CHECKPOINTS)
    with pytest.raises(ValueError, match="accuracy"):
        models("weights")


def test_copying_a_folder_elsewhere_keeps_it_loadable(weights: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(weights / "tiny", tmp_path / "elsewhere")
    prompt = "Mary and John"
    here, there = load("tiny", device="cpu"), load(str(copied), device="cpu")
    assert torch.equal(here.run(prompt).logits, there.run(prompt).logits)
