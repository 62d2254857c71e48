"""The word-level tokenizer of the small world."""

from __future__ import annotations

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from . import lexicon


def build_tokenizer() -> PreTrainedTokenizerFast:
    """A tokenizer with one token per word, set off by its leading space: " Mary".

    A text's first word gets the same token as the word elsewhere ("Mary" and " Mary" are one), and decoding takes the
    first space away again, so that `decode(encode(text))` is the text. Words outside of the world become `<unk>`.
    `<bos>` is put in front.
    """
    ids = {token: index for index, token in enumerate(lexicon.vocabulary())}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Replace(Regex("^ ?"), " ")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(lexicon.TOKEN_PATTERN), "isolated")
    tokenizer.decoder = decoders.Sequence([decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    bos = ids["<bos>"]
    tokenizer.post_processor = processors.TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", bos)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<bos>",
        eos_token="<eos>",
        pad_token="<eos>",
        unk_token="<unk>",
        clean_up_tokenization_spaces=False,
        padding_side="right",
        model_max_length=256,
    )
