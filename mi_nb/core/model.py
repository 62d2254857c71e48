"""`load` and `Model`: a Hugging Face model as it is, with a door to its inside."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from mi_nb.core import run as running
from mi_nb.core import verify
from mi_nb.core.architectures import Architecture, architecture_of, submodule, trunk_of
from mi_nb.core.errors import LoadError, SiteError
from mi_nb.core.instrument import Geometry, Instrument
from mi_nb.core.ports import FUSED, Codec, Dims, port_name
from mi_nb.core.run import EditMap, Run
from mi_nb.core.sites import TABLE, Site, SiteLike
from mi_nb.core.tokens import Prompts, Tokens, TokenStrings, tokenize


class Model:
    """A causal or masked language model of transformers, opened for reading and editing. Made by `load`.

    Nothing is converted, folded or copied: `hf` is the module that was given, and every number is its own.

    Attributes:
        hf: The Hugging Face model.
        tokenizer: Its tokenizer, or None.
        name: What it was loaded by.
        revision: Commit of the checkpoint, when known.
        architecture: The row of module paths in use.
    """

    def __init__(
        self, hf: nn.Module, tokenizer: Any = None, *, name: str | None = None, revision: str | None = None
    ) -> None:
        self.lock = threading.RLock()
        self.geometry: Geometry | None = None
        self.compiled: nn.Module | None = None
        self.adapter: str | None = None
        self.hf: Any = self._unwrapped(hf)
        _refuse(self.hf)
        config: Any = self.hf.config
        self.config = config.get_text_config() if hasattr(config, "get_text_config") else config
        self.tokenizer = tokenizer
        self.name = name or getattr(config, "_name_or_path", "") or type(self.hf).__name__
        self.revision = revision or getattr(config, "_commit_hash", None)
        self.architecture: Architecture = architecture_of(self.hf)
        trunk = trunk_of(self.architecture, self.hf)
        assert trunk is not None
        self.trunk: nn.Module = trunk
        self.blocks: nn.ModuleList = submodule(trunk, self.architecture.blocks)  # type: ignore[assignment]
        self.codec = Codec(self.architecture, Dims(self.n_heads, self.n_key_value_heads))
        self.token_strings = TokenStrings(tokenizer)
        self._absent = self._declared_absent()
        self._proving = False

    @cached_property
    def proof(self) -> verify.Proof:
        """The proof of this model's sites: run once per architecture and config, before the first site is used.

        Wrapping a model that is already in memory thus takes milliseconds; loading one by name proves it at once.
        """
        self._proving = True
        try:
            return verify.prove(self)
        finally:
            self._proving = False

    @property
    def unsupported(self) -> dict[str, str]:
        """Sites that this model does not have, or failed the proof, and why."""
        return self._absent if self._proving else {**self._absent, **self.proof.failed}

    def _unwrapped(self, hf: Any) -> Any:
        if hasattr(hf, "_orig_mod"):
            self.compiled = hf
            hf = hf._orig_mod
        if isinstance(hf, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
            hf = hf.module
        if hasattr(hf, "peft_config"):
            adapters = hf.peft_config.values()
            kinds = {str(getattr(c.peft_type, "value", c.peft_type)) for c in adapters}
            if any(getattr(c, "is_prompt_learning", False) for c in adapters):
                what = ", ".join(sorted(kinds))
                raise LoadError(f"the adapter ({what}) adds virtual tokens, which have no site: load the base model")
            self.adapter = ", ".join(sorted(kinds))
            if hasattr(hf, "get_base_model"):
                hf = hf.get_base_model()
        return hf

    # -- sizes -------------------------------------------------------------------------------------------------------

    def _size(self, *names: str) -> int:
        for name in names:
            value = getattr(self.config, name, None)
            if isinstance(value, int) and not isinstance(value, bool):
                return value
        return 0

    @property
    def n_layers(self) -> int:
        """Number of blocks."""
        return len(self.blocks)

    @property
    def n_heads(self) -> int:
        """Number of attention heads per layer; 0 where there is no attention."""
        return (
            self._size("num_attention_heads", "n_head", "num_heads", "n_heads")
            if self.architecture.stream != "mixer"
            else 0
        )

    @property
    def n_key_value_heads(self) -> int:
        """Number of key-value heads per layer: fewer than `n_heads` in grouped-query attention."""
        if getattr(self.config, "model_type", "") == "falcon" and not self.config.new_decoder_architecture:
            return 1 if self.config.multi_query else self.n_heads
        return self._size("num_key_value_heads", "num_kv_heads") or self.n_heads

    @property
    def d_model(self) -> int:
        """Width of the residual stream."""
        return self._size("hidden_size", "n_embd", "d_model")

    @property
    def d_head(self) -> int:
        """Width of a head."""
        return self._size("head_dim") or (self.d_model // self.n_heads if self.n_heads else 0)

    @property
    def d_mlp(self) -> int:
        """Number of neurons per layer."""
        return self._size("intermediate_size", "ffn_dim", "n_inner", "ffn_hidden_size") or 4 * self.d_model

    @property
    def vocabulary_size(self) -> int:
        """Rows of the embedding, which may be more than the tokenizer has tokens."""
        return self.hf.get_input_embeddings().weight.shape[0]

    @property
    def dtype(self) -> torch.dtype:
        """Floating-point type of the weights."""
        return next(p.dtype for p in self.hf.parameters() if p.is_floating_point())

    @property
    def device(self) -> torch.device:
        """Where prompts go in."""
        device = self.hf.get_input_embeddings().weight.device
        if device.type != "meta":
            return device
        hook = getattr(self.hf.get_input_embeddings(), "_hf_hook", None)  # offloaded: weights come when needed
        return torch.device(getattr(hook, "execution_device", None) or "cpu")

    @property
    def max_length(self) -> int | None:
        """The longest prompt the model was made for, in tokens; None if there is no limit."""
        limit = self._size("max_position_embeddings", "n_positions", "max_seq_len")
        if getattr(self.config, "model_type", "") in ("roberta", "xlm-roberta"):
            limit -= self.config.pad_token_id + 1
        return limit or None

    @cached_property
    def forward_parameters(self) -> frozenset[str]:
        """Names of the arguments of the model's own forward."""
        return frozenset(inspect.signature(self.hf.forward).parameters)

    # -- sites -------------------------------------------------------------------------------------------------------

    def module_of(self, site: str) -> tuple[nn.Module, str] | None:
        """Module and side of a site outside of the blocks; None where there is none."""
        if site == "embed":
            return self.hf.get_input_embeddings(), "out"
        if site == "logits":
            return (
                (self.hf, "out")
                if hasattr(self.hf, "get_output_embeddings") and self.hf.get_output_embeddings() is not None
                else None
            )
        path = {"pos_embed": self.architecture.pos_embed, "ln_final": self.architecture.final_norm}.get(site)
        module = submodule(self.trunk, path) if path else None
        return None if module is None else (module, "out")

    def _declared_absent(self) -> dict[str, str]:
        row, absent = self.architecture, dict(self.architecture.absent)
        for name, entry in TABLE.items():
            if name in absent:
                continue
            if entry.in_block:
                if port_name(row, name) is not None:
                    port = row.ports.get(FUSED.get(name, name), row.ports.get(name))
                    found = port is None or all(submodule(b, port.rpartition(":")[0]) is not None for b in self.blocks)
                    if not found:
                        absent[name] = "not every block of this model has it"
                    continue
            elif self.module_of(name) is not None:
                continue
            absent[name] = _why_absent(name, row)
        return absent

    @property
    def site_names(self) -> list[str]:
        """Names of the sites that this model has, in the order of the forward pass."""
        missing = self.unsupported
        return [name for name in TABLE if name not in missing]

    def supported(self, site: Site) -> Site:
        """The site, if this model has it.

        Raises:
            SiteError: naming the site, the family and the reason.
        """
        reason = self.unsupported.get(site.name)
        if reason is not None:
            available = ", ".join(self.site_names)
            raise SiteError(f"site {site.name!r} is not available in {self.family}: {reason}. Available: {available}")
        return site

    @property
    def family(self) -> str:
        """The family's `model_type`."""
        return getattr(self.config, "model_type", type(self.hf).__name__)

    def sites(self) -> Any:
        """This model's site table: site, shape, meaning, TransformerLens name, why it is absent where it is."""
        return verify.site_table(self)

    def report(self) -> Any:
        """What loading proved about this model, check by check."""
        return self.proof

    # -- running -----------------------------------------------------------------------------------------------------

    def tokenize(self, prompts: Prompts, *, bos: bool | None = None, truncate: bool = False) -> Tokens:
        """Prompts as the model reads them; see `mi_nb.core.tokens.tokenize`. `Tokens` pass through."""
        if isinstance(prompts, Tokens):
            return prompts.to(self.device)
        return tokenize(
            prompts,
            self.tokenizer,
            bos=bos,
            truncate=truncate,
            limit=self.max_length,
            vocabulary=self.vocabulary_size,
            strings=self.token_strings,
            device=self.device,
        )

    def run(
        self,
        prompts: Prompts,
        read: Sequence[SiteLike] | SiteLike = (),
        *,
        edit: EditMap | None = None,
        grad: Callable[[Run], Tensor] | None = None,
        logits: str = "all",
        bos: bool | None = None,
        truncate: bool = False,
    ) -> Run:
        """Runs the model once, in evaluation mode.

        Args:
            prompts: A string, strings, token ids, a chat, or `Tokens`. Shorter prompts are padded on the right and
                masked, so a prompt's numbers do not depend on its batch.
            read: Sites to keep. Reading changes no number.
            edit: Interventions by site: `{Site("z", layer=5, head=3): zero()}`. Values read are those after the edits.
            grad: A function from the run to a tensor (its sum is differentiated), or a metric: gradients with respect
                to every site read are then in `run.grad`.
            logits: `"all"`, `"last"` (only each prompt's last token, cheaper with large vocabularies) or `"none"` (the
                pass ends at the last layer that is read).
            bos: Beginning-of-sequence token: None as the tokenizer does, True put in front, False left out.
            truncate: Cut prompts that are too long instead of refusing them.

        Returns:
            A `Run`: logits, tokens, and the values read.

        Raises:
            PromptError: a prompt is empty, too long, or not text.
            SiteError: a site does not exist here.
            EditError: an edit returned something of another shape, type or device.
        """
        tokens = self.tokenize(prompts, bos=bos, truncate=truncate)
        sites = (
            [read]
            if isinstance(read, (str, Site)) or (isinstance(read, tuple) and read and isinstance(read[0], str))
            else list(read)
        )  # type: ignore[list-item,arg-type]
        return running.run(self, tokens, sites, edit=edit, grad=grad, logits=logits)  # type: ignore[arg-type]

    @contextmanager
    def edit(self, edits: EditMap) -> Iterator[Model]:
        """Applies interventions to every call of the model inside the `with` block, forward and generate included.

        With a key-value cache, position coordinates are absolute: position 7 is edited in the step that computes it,
        and a site without positions in every step. Negative positions count from the end of the tokens handed in at a
        step. Edits nest: inner ones come after outer ones.
        """
        with ExitStack() as stack:
            if self.compiled is not None:
                stack.callback(self.compiled.register_forward_pre_hook(_refuse_compiled).remove)
            stack.enter_context(Instrument(self, running.edit_list(edits)))
            yield self

    def unembed(self, stream: Tensor) -> Tensor:
        """Logits that the model would give if its last block left this stream.

        Args:
            stream: (..., d_model).

        Returns:
            (..., vocabulary), with the final norm, biases and any cap or scale of the model's own.
        """
        head = [submodule(self.hf, path) for path in self.architecture.head]
        if not head:
            final = self.module_of("ln_final")
            head = [final[0] if final else None, self.hf.get_output_embeddings()]
        for module in head:
            if module is not None:
                device = next((p.device for p in module.parameters() if p.device.type != "meta"), stream.device)
                stream = module(stream.to(device))
        return verify.capped(stream, self.config)

    def __repr__(self) -> str:
        size = sum(p.numel() for p in self.hf.parameters())
        short = f"{size / 1e9:.1f}B" if size >= 1e9 else f"{size / 1e6:.1f}M"
        heads = f", {self.n_heads} heads" if self.n_heads else ""
        extra = f", adapter {self.adapter}" if self.adapter else ""
        kind = str(self.dtype).removeprefix("torch.")
        shape = f"{self.family}, {self.n_layers} layers{heads}, d_model {self.d_model}"
        return f"Model({self.name}: {shape}, {short} parameters, {kind} on {self.device}{extra})"


def _why_absent(name: str, row: Architecture) -> str:
    if name in ("attn_scores", "rot_q", "rot_k") and row.pattern.endswith(":out"):
        return "this family computes it inside one function; its pattern is available"
    if name in ("attn_scores", "pattern", "rot_q", "rot_k") or (
        row.stream == "mixer" and name in ("q", "k", "v", "z", "result", "attn_out")
    ):
        return row.pattern
    return {
        "resid_mid": "attention and MLP read the same stream side by side in this family",
        "mixer_out": "only state-space models have a mixer",
        "pos_embed": "positions are not a learned table added to the stream",
        "mlp_linear": "its MLP is not gated",
        "ln2": "its MLP has no norm of its own",
        "logits": "this model has no language-model head",
    }.get(name, "this family has no such place")


def _refuse(hf: nn.Module) -> None:
    config = getattr(hf, "config", None)
    if config is None or not hasattr(hf, "get_input_embeddings"):
        raise LoadError(
            f"{type(hf).__name__} is not a transformers model: pass an AutoModelForCausalLM, a folder or a model id"
        )
    if getattr(config, "is_encoder_decoder", False):
        raise LoadError(f"{type(hf).__name__} is an encoder-decoder; mi_nb reads decoders and encoders")
    if any(p.is_meta for p in hf.parameters()) and not any(hasattr(m, "_hf_hook") for m in hf.modules()):
        raise LoadError("the model is on the meta device and has no weights: load it with from_pretrained()")


def _refuse_compiled(*_: Any) -> None:
    raise RuntimeError(
        "this compiled model would ignore the edits: inside model.edit(...) call model.hf or model.run instead"
    )
