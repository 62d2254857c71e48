"""Prompts and tokens: nothing invented, nothing lost, everything readable."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

from mi_nb.core.errors import PromptError
from mi_nb.core.tokens import TokenStrings, tokenize


def byte_level(bos=False, **special):
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {c: i for i, c in enumerate(alphabet)}
    for extra in ("\u0120a", "\u0120the", "<s>"):
        vocabulary[extra] = len(vocabulary)
    backend = Tokenizer(models.BPE(vocabulary, [("\u0120", "a")]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    if bos:
        backend.post_processor = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", vocabulary["<s>"])])
    return PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<s>", **special)


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=30))
def test_token_strings_spell_the_text(text):
    tokenizer = byte_level()
    try:
        tokens = tokenize(text, tokenizer)
    except UnicodeEncodeError:
        return  # lone surrogates are no text
    spelled = b""
    for string in tokens.strings[0]:
        spelled += (
            bytes.fromhex("".join(p[2:4] for p in string.split("<")[1:]))
            if string.startswith("<0x")
            else string.encode()
        )
    assert spelled.decode() == text


def test_lone_bytes_are_shown_as_bytes_and_spaces_kept():
    strings = TokenStrings(byte_level())
    ids = tokenize(" a\u00e9\U0001f600", byte_level()).ids[0].tolist()
    assert strings(ids)[0] == " a"
    assert "<0xC3>" in strings(ids)
    assert strings[10_000] == "<10000>"


def test_the_bos_policy_is_what_was_asked():
    adds, never = byte_level(bos=True), byte_level()
    start = adds.bos_token_id
    assert tokenize("abc", adds).ids[0, 0] == start
    assert tokenize("abc", adds).bos == "present"
    assert tokenize("abc", adds, bos=False).ids[0, 0] != start
    assert tokenize("abc", never).bos == "absent"
    assert tokenize("abc", never, bos=True).ids[0, 0] == start
    assert tokenize("abc", adds, bos=True).ids[0].tolist().count(start) == 1
    assert tokenize([[5, 6]], adds, bos=True).ids[0].tolist() == [5, 6], "ids are taken as they are"
    with pytest.raises(PromptError, match="no beginning-of-sequence"):
        tokenize("abc", PreTrainedTokenizerFast(tokenizer_object=never.backend_tokenizer), bos=True)


def test_padding_is_on_the_right_and_masked():
    tokens = tokenize(["abc", "a"], byte_level())
    assert tokens.mask.tolist() == [[True] * 3, [True, False, False]]
    assert tokens.lengths == [3, 1]
    assert tokens.padded
    assert tokens[1:].lengths == [1]
    assert len(tokens[[0]]) == 1


@pytest.mark.parametrize(
    ("prompts", "message"),
    [
        ("", "prompt 0 is empty"),
        (["a", ""], "prompt 1 is empty"),
        ([], "no prompt"),
        (None, "no prompt"),
        ([[1], []], "prompt 1 has no tokens"),
        (["a", 3.5], "prompt 1 is float"),
        ({"input_ids": [[1]]}, "tokenizer's output"),
        ([{"role": "user", "content": "a"}], "no chat template"),
    ],
)
def test_unusable_prompts_say_which_and_why(prompts, message):
    with pytest.raises(PromptError, match=message):
        tokenize(prompts, byte_level())


def test_a_chat_goes_through_the_template():
    tokenizer = byte_level()
    tokenizer.chat_template = (
        "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}{% if add_generation_prompt %}>{% endif %}"
    )
    tokens = tokenize([{"role": "user", "content": "abc"}], tokenizer)
    assert "".join(tokens.strings[0]) == "[user]abc>"
