"""The models and prompts that are timed, and each peer's way of patching them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForCausalLM

from benchmarks.bridge import bridge_of

MINI = Path(__file__).parent.parent / "mi_nb" / "models" / "weights" / "mini"
TINY = {
    "vocab_size": 788,
    "hidden_size": 128,
    "intermediate_size": 344,
    "num_hidden_layers": 5,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "max_position_embeddings": 256,
    "tie_word_embeddings": True,
}


def gpt2_small() -> nn.Module:
    """The shape of GPT-2 small with random weights."""
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(AutoConfig.for_model("gpt2")).eval()


def tiny() -> tuple[str, nn.Module]:
    """The bundled model where it is there, else its shape with random weights."""
    if (MINI / "model.safetensors").exists():
        return "mini", AutoModelForCausalLM.from_pretrained(MINI).eval()
    return "tiny Qwen2", tiny_qwen2()


def tiny_qwen2() -> nn.Module:
    """The bundled model's shape as a plain Qwen2 with random weights."""
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(AutoConfig.for_model("qwen2", **TINY)).eval()


@dataclass(frozen=True)
class Job:
    """Clean and corrupted prompts that differ from one position on, and the answers that are compared.

    Attributes:
        clean: (prompt, position) ids.
        corrupted: Likewise.
        answers: (prompt,) ids.
        distractors: (prompt,) ids.
    """

    clean: Tensor
    corrupted: Tensor
    answers: Tensor
    distractors: Tensor

    def difference(self, logits: Tensor) -> Tensor:
        """(prompt,) logit difference at the last position."""
        rows = torch.arange(len(self.clean))
        return logits[rows, -1, self.answers] - logits[rows, -1, self.distractors]


def job(vocabulary: int, prompts: int = 8, length: int = 16, same: int = 5) -> Job:
    """Random prompts; the corrupted one differs from position `same` on in about half of the tokens."""
    generator = torch.Generator().manual_seed(0)
    clean = torch.randint(5, vocabulary, (prompts, length), generator=generator)
    other = torch.randint(5, vocabulary, (prompts, length), generator=generator)
    swap = torch.rand(prompts, length, generator=generator) < 0.5
    swap[:, :same], swap[:, same] = False, True
    answers, distractors = torch.randint(5, vocabulary, (2, prompts), generator=generator)
    return Job(clean, torch.where(swap, other, clean), answers, distractors)


Way = Callable[[], Tensor]


def transformer_lens(hf: nn.Module, work: Job, site: str, every: int = 1) -> Way | str:
    """TransformerLens: one hooked pass per patch, of every `every`-th patch; (patch, prompt) logit differences out."""
    try:
        bridge = bridge_of(hf)
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"
    layers, heads, length = bridge.cfg.n_layers, bridge.cfg.n_heads, work.clean.shape[1]
    hook = "hook_resid_pre" if site == "resid_pre" else "attn.hook_z"

    @torch.no_grad()
    def run() -> Tensor:
        _, cache = bridge.run_with_cache(work.corrupted, names_filter=lambda name: name.endswith(hook))
        found = []
        for layer, i in list(product(range(layers), range(length if site == "resid_pre" else heads)))[::every]:
            name = f"blocks.{layer}.{hook}"

            def patch(value: Tensor, hook: Any, i: int = i, name: str = name) -> Tensor:
                if site == "resid_pre":
                    value[:, i] = cache[name][:, i]
                else:
                    value[:, :, i] = cache[name][:, :, i]
                return value

            found.append(work.difference(bridge.run_with_hooks(work.clean, fwd_hooks=[(name, patch)])))
        return torch.stack(found)

    return run


def nnsight(hf: nn.Module, work: Job, site: str, every: int = 1) -> Way | str:
    """nnsight: one trace per patch on the same module (GPT-2 and Llama-like), of every `every`-th patch."""
    try:
        from nnsight import NNsight
    except ImportError as error:
        return str(error)
    wrapped = NNsight(copy.deepcopy(hf))
    config: Any = hf.config
    n_layers, heads, length = config.num_hidden_layers, config.num_attention_heads, work.clean.shape[1]
    d_head = getattr(config, "head_dim", None) or config.hidden_size // heads

    def output(block: Any) -> Any:
        return block.attn.c_proj if hasattr(hf, "transformer") else block.self_attn.o_proj

    @torch.no_grad()
    def run() -> Tensor:
        blocks = wrapped.transformer.h if hasattr(hf, "transformer") else wrapped.model.layers
        found, stored = [], []
        with wrapped.trace(work.corrupted):
            for block in blocks:
                stored.append((block.input if site == "resid_pre" else output(block).input).save())
        for layer, i in list(product(range(n_layers), range(length if site == "resid_pre" else heads)))[::every]:
            part = slice(i, i + 1) if site == "resid_pre" else slice(i * d_head, (i + 1) * d_head)
            with wrapped.trace(work.clean):
                if site == "resid_pre":
                    blocks[layer].input[:, part] = stored[layer][:, part]
                else:
                    output(blocks[layer]).input[:, :, part] = stored[layer][:, :, part]
                logits = wrapped.output.logits.save()
            found.append(work.difference(logits))
        return torch.stack(found)

    return run


def ours(hf: nn.Module, work: Job, site: str) -> Way:
    """mi_nb: one sweep, the reading of the corrupted run counted in."""
    from mi_nb.core.edits import set_to
    from mi_nb.core.metrics import logit_diff
    from mi_nb.core.model import Model
    from mi_nb.core.sites import Site
    from mi_nb.core.sweep import sweep

    model = Model(hf)
    metric = logit_diff(work.answers, work.distractors)
    length = work.clean.shape[1]

    def run() -> Tensor:
        source = model.run(work.corrupted, read=[site], logits="none")
        patches = []
        for layer in range(model.n_layers):
            values = source[site, layer]
            for i in range(length if site == "resid_pre" else model.n_heads):
                if site == "resid_pre":
                    patches.append({Site(site, layer=layer, position=i): set_to(values[:, i])})
                else:
                    patches.append({Site(site, layer=layer, head=i): set_to(values[:, :, i])})
        return sweep(model, work.clean, patches, metric, progress=False)

    return run
