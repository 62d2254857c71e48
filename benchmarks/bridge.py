"""TransformerLens on a copy of a model object, without a hub."""

from __future__ import annotations

import copy
import tempfile
from typing import Any

from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from torch import nn
from transformers import PreTrainedTokenizerFast


def bridge_of(hf: nn.Module) -> Any:
    """A `TransformerBridge` over a copy with the same weights, unprocessed, with the eager attention that it needs."""
    copied: Any = copy.deepcopy(hf)
    copied.set_attn_implementation("eager")
    return over(copied)


def over(hf: Any) -> Any:
    """A `TransformerBridge` over the model object itself."""
    from transformer_lens.model_bridge import TransformerBridge

    words = WordLevel({"<unk>": 0, "<s>": 1}, unk_token="<unk>")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(words), unk_token="<unk>", bos_token="<s>")
    tokenizer.pad_token = "<unk>"
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        hf.config.save_pretrained(folder)
        return TransformerBridge.boot_transformers(folder, hf_model=hf)
