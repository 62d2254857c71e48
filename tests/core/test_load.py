"""Loading: whatever a user has, used as it is, or refused in words that help."""

import subprocess
import sys

import pytest
import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, BertConfig, BertModel

import mi_nb as mi
from mi_nb.core.architectures import ARCHITECTURES, LLAMA, register_architecture
from mi_nb.core.errors import ArchitectureError, LoadError
from mi_nb.core.sites import Site
from tests.core.families import GQA, tiny

IDS = torch.randint(4, 90, (2, 7), generator=torch.Generator().manual_seed(1))


def fresh(kind="llama", **extra):
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **(GQA | extra))).eval()


def test_importing_is_quick_and_loads_no_torch():
    code = "import sys, mi_nb; assert 'torch' not in sys.modules and 'pandas' not in sys.modules; dir(mi_nb)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_local_checkpoint_is_the_object_that_was_saved(tmp_path):
    hf = tiny("gpt2")
    hf.save_pretrained(tmp_path)
    mi.load("mini").tokenizer.save_pretrained(tmp_path)
    model = mi.load(tmp_path, device="cpu")
    assert torch.equal(model.run(IDS).logits, hf(input_ids=IDS).logits)
    assert model.name == str(tmp_path)
    assert model.tokenizer is not None


def test_weights_without_a_tokenizer_run_on_ids(tmp_path):
    tiny("gpt2").save_pretrained(tmp_path)
    model = mi.load(tmp_path)
    assert model.tokenizer is None
    assert model.run(IDS).tokens.strings[0][0] == f"<{IDS[0, 0]}>"
    with pytest.raises(mi.PromptError, match="load it with tokenizer="):
        model.run("text")


def test_an_object_is_used_as_it_is():
    hf = fresh()
    before = {name: value.data_ptr() for name, value in hf.state_dict().items()}
    model = mi.load(hf)
    assert model.hf is hf
    assert {name: value.data_ptr() for name, value in hf.state_dict().items()} == before
    with pytest.raises(LoadError, match="convert your model yourself"):
        mi.load(hf, dtype=torch.float16)


def test_a_hub_id_without_a_network_says_what_to_do():
    with pytest.raises(LoadError, match=r"could not load 'gpt2-nowhere'(.|\n)*bundled model(.|\n)*HF_HUB_OFFLINE"):
        mi.load("gpt2-nowhere")


def test_a_folder_that_is_no_checkpoint_says_so(tmp_path):
    with pytest.raises(LoadError, match="a folder but no checkpoint"):
        mi.load(tmp_path)


def test_things_that_are_no_decoders_are_refused():
    with pytest.raises(LoadError, match="not a transformers model"):
        mi.load(nn.Linear(2, 2))
    with torch.device("meta"):
        empty = AutoModelForCausalLM.from_config(AutoConfig.for_model("llama", **GQA))
    with pytest.raises(LoadError, match="meta device"):
        mi.load(empty)
    t5 = AutoConfig.for_model("t5", vocab_size=90, d_model=16, d_kv=4, d_ff=16, num_layers=1, num_heads=2)
    from transformers import T5ForConditionalGeneration

    with pytest.raises(LoadError, match="encoder-decoder"):
        mi.load(T5ForConditionalGeneration(t5))


def test_an_unknown_family_says_how_to_describe_it():
    config = AutoConfig.for_model(
        "codegen", vocab_size=90, n_embd=32, n_layer=2, n_head=4, n_positions=32, rotary_dim=4
    )
    with pytest.raises(ArchitectureError, match=r"register_architecture\('codegen'"):
        mi.load(AutoModelForCausalLM.from_config(config))


def test_a_registered_family_works_and_a_wrong_row_is_found_out():
    from dataclasses import replace

    hf = AutoModelForCausalLM.from_config(AutoConfig.for_model("cohere", **GQA, logit_scale=0.25)).eval()
    try:
        register_architecture("cohere", replace(LLAMA.with_ports(("ln2",)), stream="parallel"))
        model = mi.load(hf)
        assert model.proof.failed == {}
        run = model.run(IDS, read=["resid_post", "pattern"])
        torch.testing.assert_close(model.unembed(run["resid_post", -1]), run.logits)
        register_architecture("cohere", LLAMA.with_ports(("ln2",), attn_out="input_layernorm:out"))
        wrong = mi.load(hf)
        assert "attn_out" in wrong.proof.failed
    finally:
        ARCHITECTURES.pop("cohere", None)
    with pytest.raises(TypeError, match="Architecture"):
        register_architecture("cohere", "llama")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_kept(dtype):
    model = mi.load(fresh().to(dtype))
    run = model.run(IDS, read=["resid_post", "pattern"], edit={Site("z", layer=1): mi.scale(0.5)})
    assert run.logits.dtype == run["resid_post"].dtype == dtype
    assert model.proof.failed == {}
    lens = mi.logit_lens(model, IDS)
    assert lens.entropy.dtype == torch.float32


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # peft still calls it
def test_an_adapter_is_part_of_the_model():
    from peft import LoraConfig, PromptTuningConfig, get_peft_model

    wrapped = get_peft_model(fresh(), LoraConfig(r=2, target_modules=["q_proj", "o_proj"], init_lora_weights=False))
    model = mi.load(wrapped)
    assert model.adapter == "LORA"
    assert "adapter LORA" in repr(model)
    plain = wrapped(input_ids=IDS).logits
    run = model.run(IDS, read=["result", "attn_out", "q"])
    assert torch.equal(run.logits, plain)
    torch.testing.assert_close(run["result"].sum(3), run["attn_out"], atol=1e-5, rtol=1e-4)
    with wrapped.disable_adapter():
        assert not torch.equal(model.run(IDS, read=["q"])["q"], run["q"])
    with pytest.raises(LoadError, match="virtual tokens"):
        mi.load(get_peft_model(fresh(), PromptTuningConfig(num_virtual_tokens=2, task_type="CAUSAL_LM")))


def test_a_compiled_model_never_ignores_an_edit():
    hf = fresh()
    compiled = torch.compile(hf, backend="eager")
    model = mi.load(compiled)
    assert model.hf is hf
    with model.edit({Site("z", layer=0): mi.zero()}), pytest.raises(RuntimeError, match="would ignore the edits"):
        compiled(input_ids=IDS)
    in_place = fresh()
    plain = in_place(input_ids=IDS).logits
    in_place.compile(backend="eager")
    other = mi.load(in_place)
    edited = other.run(IDS, edit={Site("resid_post", layer=2): mi.zero()}).logits
    assert not torch.allclose(edited, plain)
    assert in_place._compiled_call_impl is not None


def test_an_offloaded_model_gives_the_same_numbers(tmp_path):
    from accelerate import cpu_offload

    plain = mi.load(fresh())
    hf = fresh()
    cpu_offload(hf, execution_device=torch.device("cpu"))
    model = mi.load(hf)
    edit = {Site("mlp_out", layer=1): mi.scale(2.0)}
    ours, theirs = model.run(IDS, read=["z"], edit=edit), plain.run(IDS, read=["z"], edit=edit)
    assert torch.equal(ours.logits, theirs.logits)
    assert torch.equal(ours["z"], theirs["z"])
    lens = mi.logit_lens(model, IDS, top=3)
    assert torch.equal(lens.top_ids, mi.logit_lens(plain, IDS, top=3).top_ids)


def test_gradient_checkpointing_in_training_is_read_once():
    hf = fresh()
    getattr(hf, "activation_checkpointing_enable", hf.gradient_checkpointing_enable)()
    hf.train()
    model = mi.load(hf)
    run = model.run(IDS, read=["resid_post"], grad=lambda r: r.last_logits[:, 3])
    assert run.grad["resid_post"].shape == run["resid_post"].shape
    with model.edit({Site("resid_post", layer=0): mi.scale(0.0)}):
        loss = hf(input_ids=IDS).logits.sum()
        loss.backward()
    embedding = hf.model.embed_tokens.weight.grad
    rows = torch.unique(IDS)
    untied = hf.lm_head.weight is not hf.model.embed_tokens.weight
    assert not untied or embedding[rows].abs().sum() == 0, "the edit cut the stream in the recomputation as well"


def test_a_base_model_without_a_head_can_be_read():
    model = mi.load(BertModel(BertConfig(**{k: v for k, v in GQA.items() if k != "num_key_value_heads"})).eval())
    run = model.run(IDS, read=["resid_post", "pattern"], logits="none")
    assert run["resid_post"].shape == (3, 2, 7, 48)
    assert "logits" in model.unsupported


def test_the_site_table_says_why_a_site_is_missing():
    table = mi.sites(mi.load(fresh())).set_index("site")
    assert table.loc["z", "shape"] == "layer, prompt, position, head 4, d_head 12"
    assert table.loc["k", "shape"] == "layer, prompt, position, head 2, d_head 12"
    assert table.loc["z", "TransformerLens"] == "blocks.{layer}.attn.hook_z"
    assert "not a learned table" in table.loc["pos_embed", "absent because"]
    assert table.loc["z", "absent because"] == ""


@pytest.mark.serial
def test_a_vocabulary_of_a_quarter_million_stays_small():
    import resource

    hf = fresh(vocab_size=250_000)
    model = mi.load(hf)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    lens = mi.logit_lens(model, [list(range(4, 64))] * 2, targets=[200_000], progress=False)
    assert lens.top_ids.shape == (2, 3, 60, 10)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < 600, f"{grown:.0f} MB for a lens whose full logits are {3 * 2 * 60 * 250_000 * 4 / 1e6:.0f} MB"
