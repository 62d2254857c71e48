"""Tiny random models of every family, for tests that must hold on all of them."""

from __future__ import annotations

from functools import cache

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM

DIMS = {
    "vocab_size": 90,
    "hidden_size": 48,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
}
GPT2 = {"vocab_size": 90, "n_embd": 48, "n_layer": 3, "n_head": 4, "n_positions": 64}
EXPERTS = {
    "num_local_experts": 4,
    "num_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 32,
    "head_dim": 12,
}
GQA = DIMS | {"num_key_value_heads": 2}
WINDOW = {
    "sliding_window": 3,
    "use_sliding_window": True,
    "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
}

CONFIGS: dict[str, dict] = {
    "gpt2": GPT2,
    "llama": GQA,
    "mistral": GQA | {"sliding_window": 3},
    "qwen2": GQA | WINDOW,
    "qwen3": GQA | {"head_dim": 16},
    "gemma": GQA | {"head_dim": 12},
    "gemma2": GQA | {"head_dim": 12, "query_pre_attn_scalar": 12, "sliding_window": 3},
    "gemma3_text": GQA | {"head_dim": 12, "query_pre_attn_scalar": 12, "sliding_window": 3},
    "gpt_neox": DIMS,
    "opt": DIMS | {"ffn_dim": 96, "word_embed_proj_dim": 48},
    "phi": GQA,
    "phi3": GQA,
    "olmo": GQA,
    "olmo2": GQA,
    "stablelm": GQA | {"hidden_size": 64},
    "gpt_oss": GQA | EXPERTS,
    "mixtral": GQA | EXPERTS,
    "qwen3_moe": GQA | EXPERTS,
    "starcoder2": GQA,
    "granite": GQA,
    "gpt_neo": {
        "vocab_size": 90,
        "hidden_size": 48,
        "num_layers": 3,
        "num_heads": 4,
        "attention_types": [[["global", "local", "global"], 1]],
        "max_position_embeddings": 64,
        "window_size": 3,
    },
    "gptj": GPT2 | {"rotary_dim": 4},
    "bloom": {"vocab_size": 90, "hidden_size": 48, "n_layer": 3, "n_head": 4},
    "falcon": DIMS | {"multi_query": True, "alibi": False},
    "mpt": {"vocab_size": 90, "d_model": 48, "n_layers": 3, "n_heads": 4, "max_seq_len": 64},
    "bert": DIMS,
    "roberta": DIMS | {"pad_token_id": 1},
    "mamba": {"vocab_size": 90, "hidden_size": 48, "num_hidden_layers": 3, "state_size": 4},
}
VARIANTS: dict[str, tuple[str, dict]] = {
    "falcon-new": ("falcon", DIMS | {"new_decoder_architecture": True, "num_kv_heads": 2, "alibi": False}),
    "falcon-alibi": ("falcon", DIMS | {"multi_query": False, "alibi": True, "parallel_attn": False}),
    "gpt_neox-serial": ("gpt_neox", DIMS | {"use_parallel_residual": False}),
    "stablelm-parallel": ("stablelm", GQA | {"hidden_size": 64, "use_parallel_residual": True}),
    "opt-350m": ("opt", CONFIGS["opt"] | {"do_layer_norm_before": False}),
    "granite-scaled": ("granite", GQA | {"residual_multiplier": 0.5, "logits_scaling": 4.0}),
    "phi3-gqa": ("phi3", GQA | {"num_key_value_heads": 1}),
}
MASKED = {"bert", "roberta"}
INTERFACE = [
    *(
        "gpt2",
        "llama",
        "mistral",
        "qwen2",
        "qwen3",
        "gemma",
        "gemma2",
        "gemma3_text",
        "gpt_neox",
        "opt",
        "phi",
        "phi3",
        "olmo2",
    ),
    *("stablelm", "gpt_oss"),
]
ALL = [*CONFIGS, *VARIANTS]


@cache
def _built(name: str, dtype: torch.dtype) -> nn.Module:
    kind, config = VARIANTS.get(name, (name, CONFIGS.get(name, {})))
    auto = AutoModelForMaskedLM if kind in MASKED else AutoModelForCausalLM
    torch.manual_seed(0)
    extra = {"bos_token_id": 2, "eos_token_id": 3} if kind not in MASKED else {}
    hf = auto.from_config(AutoConfig.for_model(kind, **config, **extra)).eval()
    with torch.no_grad():  # biases and norms start at 0 and 1, where mistakes hide
        for parameter in hf.parameters():
            if parameter.ndim == 1:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    return hf.to(dtype)


def tiny(name: str, dtype: torch.dtype = torch.float32) -> nn.Module:
    """A random three-layer model of a family, built once per process."""
    return _built(name, dtype)
