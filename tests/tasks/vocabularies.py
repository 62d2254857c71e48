"""Models of random weights with real byte-level vocabularies, which cut years in different ways."""

from __future__ import annotations

import random
from functools import cache

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from mi_nb.core.model import Model
from mi_nb.tasks import words

RARE = ("Patricia", "Rebecca", "restaurant", "Nairobi", "camera")
"""Words that the texts below hold in pieces only, so that they are several tokens."""

_DIGITS = {
    "pairs": r" ?\p{L}+|'(?=\d)| ?\d{1,2}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    "triples": r" ?\p{L}+|'(?=\d)|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    "single": r" ?\p{L}+|\d| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
}


def _texts() -> list[str]:
    lists = [value for value in vars(words).values() if isinstance(value, list)]
    lists += words.CATEGORIES.values()
    lists += [[*table, *table.values()] for table in (words.CAPITALS, words.LANGUAGES, words.LANDMARKS)]
    flat = [word for group in lists for word in group if word not in RARE]
    rng = random.Random(0)
    texts = [" " + " ".join(rng.sample(flat, len(flat))) for _ in range(30)]
    numbers = [f"{a}{b:02d}" for a in range(11, 20) for b in range(100)]
    texts += [f" in the year {number} or '{number[2:]} or {int(number[2:])}" for number in numbers]
    texts += [" the letter: A B C D E F G H I J K L M N O P. Which is it? Answer: ( [ { ) ] } he she"] * 30
    return texts


@cache
def vocabulary(digits: str = "pairs", size: int = 1600) -> PreTrainedTokenizerFast:
    """A byte-level BPE vocabulary in which digits come in pairs, in up to three, or one by one."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_DIGITS[digits]), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_texts(), trainer)
    end = "<|endoftext|>"
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=end, eos_token=end, unk_token=end)


@cache
def model(digits: str = "pairs") -> Model:
    """A random two-layer GPT-2 that reads it."""
    tokenizer = vocabulary(digits)
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=len(tokenizer), n_embd=16, n_layer=2, n_head=2, n_positions=128, bos_token_id=0, eos_token_id=0
    )
    return Model(GPT2LMHeadModel(config).eval(), tokenizer, name=f"random-{digits}")
