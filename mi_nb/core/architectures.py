"""Where each family of models keeps its sites: one row of module paths per family.

A row only says where to look. `mi_nb.core.verify` proves on the loaded model that each place holds what the site table
promises, and drops what does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from torch import nn

from mi_nb.core.errors import ArchitectureError

INTERFACE = "interface"
"""Value of `Architecture.pattern` for families whose attention goes through transformers' attention interface."""

TRUNKS = (
    "model",
    "transformer",
    "gpt_neox",
    "model.decoder",
    "model.language_model",
    "language_model.model",
    "backbone",
    "bert",
    "roberta",
    "",
)


@dataclass(frozen=True)
class Architecture:
    """Module paths of one family.

    Attributes:
        blocks: Path of the list of blocks, below the trunk.
        ports: Site name to `"<path>:in"` or `"<path>:out"`, below a block (`"."` is the block itself). The keys `qkv`
            and `gate_up` stand for fused projections that `split` takes apart.
        final_norm: Path of the last norm below the trunk, or None.
        pos_embed: Path of the learned position embedding below the trunk, or None.
        head: Paths of the modules that turn the last stream into logits, below the whole model; empty for the final
            norm followed by `get_output_embeddings()`.
        attention: Path below a block of the module that calls the attention function.
        pattern: `"interface"`, a port of a dropout that the weights pass through, or a sentence saying why there is
            none.
        split: How a fused `qkv` output lies in memory: `"thirds"` (all q, all k, all v), `"heads"` (q, k, v of each
            head together), `"groups"` (each key-value head after its queries).
        stream: How the block writes: `"serial"`, `"parallel"`, `"post_norm"` (the stream itself is normalised) or
            `"mixer"`.
        masked: True for masked language models, whose logits predict the token at their own position.
        in_place: Sites whose tensor the model overwrites later, so that reads must copy it.
        absent: Site name to the reason why it is missing.
        trunks: Candidate paths of the module that holds the blocks.
    """

    ports: Mapping[str, str]
    blocks: str = "layers"
    final_norm: str | None = "norm"
    pos_embed: str | None = None
    head: tuple[str, ...] = ()
    attention: str | None = "self_attn"
    pattern: str = INTERFACE
    split: str = "thirds"
    stream: str = "serial"
    masked: bool = False
    in_place: frozenset[str] = frozenset()
    absent: Mapping[str, str] = field(default_factory=dict)
    trunks: tuple[str, ...] = TRUNKS

    def with_ports(self, _drop: tuple[str, ...] = (), **ports: str) -> Architecture:
        """The same row with some ports added, replaced or dropped."""
        merged = {k: v for k, v in self.ports.items() if k not in _drop} | ports
        return replace(self, ports=merged)


STREAM_PORTS = {"resid_pre": ".:in", "resid_post": ".:out"}

LLAMA = Architecture(
    STREAM_PORTS
    | {
        "ln1": "input_layernorm:out",
        "q": "self_attn.q_proj:out",
        "k": "self_attn.k_proj:out",
        "v": "self_attn.v_proj:out",
        "z": "self_attn.o_proj:in",
        "attn_out": "self_attn:out",
        "ln2": "post_attention_layernorm:out",
        "mlp_pre": "mlp.gate_proj:out",
        "mlp_linear": "mlp.up_proj:out",
        "mlp_post": "mlp.down_proj:in",
        "mlp_out": "mlp:out",
    }
)
GEMMA2 = LLAMA.with_ports(
    attn_out="post_attention_layernorm:out",
    ln2="pre_feedforward_layernorm:out",
    mlp_out="post_feedforward_layernorm:out",
)
OLMO2 = LLAMA.with_ports(
    ("ln1", "ln2"), attn_out="post_attention_layernorm:out", mlp_out="post_feedforward_layernorm:out"
)
OLMO2 = replace(
    OLMO2, absent=dict.fromkeys(("ln1", "ln2"), "this family normalises what a layer writes, not what it reads")
)
EXPERTS = "a mixture of experts: each token passes through other neurons; use 'module:<path>' for one expert"
NEURON_SITES = ("mlp_pre", "mlp_linear", "mlp_post")
MOE = replace(LLAMA.with_ports(NEURON_SITES), absent=dict.fromkeys(NEURON_SITES, EXPERTS))
GPT2 = Architecture(
    STREAM_PORTS
    | {
        "ln1": "ln_1:out",
        "qkv": "attn.c_attn:out",
        "z": "attn.c_proj:in",
        "attn_out": "attn:out",
        "ln2": "ln_2:out",
        "mlp_pre": "mlp.c_fc:out",
        "mlp_post": "mlp.c_proj:in",
        "mlp_out": "mlp:out",
    },
    blocks="h",
    final_norm="ln_f",
    pos_embed="wpe",
    attention="attn",
)
GPT_NEO = replace(
    GPT2.with_ports(
        ("qkv",),
        q="attn.attention.q_proj:out",
        k="attn.attention.k_proj:out",
        v="attn.attention.v_proj:out",
        z="attn.attention.out_proj:in",
    ),
    attention=None,
    pattern="attn.attention.attn_dropout:out",
)
GPTJ = replace(
    GPT2.with_ports(
        ("qkv", "ln2"),
        q="attn.q_proj:out",
        k="attn.k_proj:out",
        v="attn.v_proj:out",
        z="attn.out_proj:in",
        mlp_pre="mlp.fc_in:out",
        mlp_post="mlp.fc_out:in",
    ),
    attention=None,
    pattern="attn.attn_dropout:out",
    pos_embed=None,
    stream="parallel",
)
NEOX_PORTS = STREAM_PORTS | {
    "ln1": "input_layernorm:out",
    "qkv": "attention.query_key_value:out",
    "z": "attention.dense:in",
    "attn_out": "attention:out",
    "ln2": "post_attention_layernorm:out",
    "mlp_pre": "mlp.dense_h_to_4h:out",
    "mlp_post": "mlp.dense_4h_to_h:in",
    "mlp_out": "mlp:out",
}
BLOOM = Architecture(
    NEOX_PORTS
    | {
        "qkv": "self_attention.query_key_value:out",
        "z": "self_attention.dense:in",
        "attn_out": "self_attention.dense:out",
        "mlp_out": "mlp.dense_4h_to_h:out",
    },
    blocks="h",
    final_norm="ln_f",
    attention=None,
    pattern="self_attention.attention_dropout:out",
    split="heads",
)
MPT = Architecture(
    STREAM_PORTS
    | {
        "ln1": "norm_1:out",
        "qkv": "attn.Wqkv:out",
        "z": "attn.out_proj:in",
        "attn_out": "attn:out",
        "ln2": "norm_2:out",
        "mlp_pre": "ffn.up_proj:out",
        "mlp_post": "ffn.down_proj:in",
        "mlp_out": "ffn.down_proj:out",
    },
    blocks="blocks",
    final_norm="norm_f",
    attention=None,
    pattern="MPT computes its attention weights inside one function that no hook can reach",
)
BERT = Architecture(
    STREAM_PORTS
    | {
        "q": "attention.self.query:out",
        "k": "attention.self.key:out",
        "v": "attention.self.value:out",
        "z": "attention.output.dense:in",
        "attn_out": "attention.output.dense:out",
        "ln1": "attention.output.LayerNorm:out",
        "mlp_pre": "intermediate.dense:out",
        "mlp_post": "output.dense:in",
        "mlp_out": "output.dense:out",
        "ln2": "output.LayerNorm:out",
    },
    blocks="encoder.layer",
    final_norm=None,
    attention="attention.self",
    stream="post_norm",
    masked=True,
    head=("cls",),
    absent={
        "resid_mid": "the stream of this encoder is normalised after each addition: see ln1 and ln2",
        "ln_final": "post-norm: the last block's output is already normalised",
    },
)
STATE_SPACE = "a state-space layer has no attention: see mixer_out, or 'module:<path>'"
MAMBA = Architecture(
    STREAM_PORTS | {"ln1": "norm:out", "mixer_out": "mixer:out"},
    final_norm="norm_f",
    attention=None,
    pattern=STATE_SPACE,
    stream="mixer",
)


def _gpt_neox(config: Any) -> Architecture:
    stream = "parallel" if config.use_parallel_residual else "serial"
    return Architecture(NEOX_PORTS, final_norm="final_layer_norm", attention="attention", split="heads", stream=stream)


def _opt(config: Any) -> Architecture:
    return Architecture(
        STREAM_PORTS
        | {
            "ln1": "self_attn_layer_norm:out",
            "q": "self_attn.q_proj:out",
            "k": "self_attn.k_proj:out",
            "v": "self_attn.v_proj:out",
            "z": "self_attn.out_proj:in",
            "attn_out": "self_attn:out",
            "ln2": "final_layer_norm:out",
            "mlp_pre": "fc1:out",
            "mlp_post": "fc2:in",
            "mlp_out": "fc2:out",
        },
        final_norm="final_layer_norm" if config.do_layer_norm_before and not config._remove_final_layer_norm else None,
        pos_embed="embed_positions",
        head=("model.decoder.final_layer_norm", "model.decoder.project_out", "lm_head"),
        stream="serial" if config.do_layer_norm_before else "post_norm",
    )


def _phi(config: Any) -> Architecture:
    row = LLAMA.with_ports(("ln2", "mlp_linear"), z="self_attn.dense:in", mlp_pre="mlp.fc1:out", mlp_post="mlp.fc2:in")
    return replace(row, final_norm="final_layernorm", stream="parallel")


def _stablelm(config: Any) -> Architecture:
    if not config.use_parallel_residual:
        return LLAMA
    return replace(LLAMA.with_ports(("ln2",)), stream="parallel")


def _falcon(config: Any) -> Architecture:
    ports = dict(BLOOM.ports) | {"attn_out": "self_attention:out", "mlp_out": "mlp:out"}
    parallel = config.parallel_attn or config.new_decoder_architecture
    if parallel:
        del ports["ln2"]
        if config.new_decoder_architecture and config.num_ln_in_parallel_attn in (None, 2):
            ports |= {"ln1": "ln_attn:out", "ln2": "ln_mlp:out"}
    return Architecture(
        ports,
        blocks="h",
        final_norm="ln_f",
        attention=None,
        pattern="Falcon computes its attention weights inside one function that no hook can reach",
        split="groups" if config.new_decoder_architecture or config.multi_query else "heads",
        stream="parallel" if parallel else "serial",
        in_place=frozenset({"mlp_out"}),  # the model adds the attention output to this very tensor
    )


Row = Architecture | Callable[[Any], Architecture]

ARCHITECTURES: dict[str, Row] = {
    **dict.fromkeys(("llama", "mistral", "qwen2", "qwen3", "gemma", "olmo"), LLAMA),
    **dict.fromkeys(("gemma2", "gemma3_text", "gemma3"), GEMMA2),
    **dict.fromkeys(("mixtral", "qwen2_moe", "qwen3_moe", "gpt_oss", "olmoe"), MOE),
    "olmo2": OLMO2,
    "phi3": LLAMA.with_ports(
        ("q", "k", "v", "mlp_pre", "mlp_linear"), qkv="self_attn.qkv_proj:out", gate_up="mlp.gate_up_proj:out"
    ),
    "phi": _phi,
    "stablelm": _stablelm,
    "gpt2": GPT2,
    "gpt_neo": GPT_NEO,
    "gptj": GPTJ,
    "gpt_neox": _gpt_neox,
    "opt": _opt,
    "bloom": BLOOM,
    "falcon": _falcon,
    "mpt": MPT,
    "bert": BERT,
    "roberta": replace(BERT, head=("lm_head",)),
    **dict.fromkeys(("mamba", "mamba2", "falcon_mamba"), MAMBA),
}
UNNAMED = "its MLP has other module names than a Llama's: register_architecture() a row that names them"
GUESSES: tuple[Architecture, ...] = (
    GEMMA2,
    LLAMA,
    replace(MOE, absent=dict.fromkeys(NEURON_SITES, UNNAMED)),
    GPT2,
    OLMO2,
)


def register_architecture(model_type: str, row: Row) -> None:
    """Teaches mi_nb a family that it does not know.

    Args:
        model_type: The family's `config.model_type`.
        row: Its module paths, or a function from the model's config to them.

    Loading a model of that family proves the row: a site whose place is wrong is reported as unsupported, by name.

    Example:
        Cohere's Command models are Llamas whose attention and MLP read one norm side by side:

        >>> from dataclasses import replace
        >>> from mi_nb.core.architectures import LLAMA, register_architecture
        >>> register_architecture("cohere", replace(LLAMA.with_ports(("ln2",)), stream="parallel"))
    """
    if not isinstance(row, Architecture) and not callable(row):
        raise TypeError("row is an Architecture, or a function from the config to one")
    ARCHITECTURES[model_type] = row


def submodule(module: nn.Module, path: str) -> nn.Module | None:
    """The module at a dotted path, `"."` or `""` being the module itself; None where there is none."""
    if path in (".", ""):
        return module
    found: Any = module
    for part in path.split("."):
        found = found[int(part)] if part.isdigit() and isinstance(found, nn.ModuleList) else getattr(found, part, None)
        if not isinstance(found, nn.Module):
            return None
    return found


def trunk_of(row: Architecture, hf: nn.Module) -> nn.Module | None:
    """The module that holds the blocks."""
    for path in row.trunks:
        trunk = submodule(hf, path)
        if trunk is not None and isinstance(submodule(trunk, row.blocks), nn.ModuleList):
            return trunk
    return None


def architecture_of(hf: nn.Module) -> Architecture:
    """The row for a model: its family's, or the known one whose every port exists in it.

    Raises:
        ArchitectureError: when no row fits; the message says how to register one.
    """
    config: Any = hf.config
    kind = getattr(config, "model_type", type(hf).__name__)
    row = ARCHITECTURES.get(kind)
    if row is not None:
        row = row if isinstance(row, Architecture) else row(getattr(config, "get_text_config", lambda: config)())
        if trunk_of(row, hf) is None:
            raise ArchitectureError(
                f"the blocks of this {kind!r} model are not at {row.blocks!r}: register_architecture() a row for it"
            )
        return row
    for guess in GUESSES:
        trunk = trunk_of(guess, hf)
        if trunk is not None:
            block = submodule(trunk, guess.blocks)[0]  # type: ignore[index]
            if all(submodule(block, port.rpartition(":")[0]) is not None for port in guess.ports.values()):
                return guess
    raise ArchitectureError(
        f"mi_nb does not know the family {kind!r} and its modules look like none it knows. Describe it once:\n"
        f"  mi_nb.register_architecture({kind!r}, Architecture(ports={{...}}, blocks=..., final_norm=...))"
    )
