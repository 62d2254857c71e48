"""The world: texts are a function of the seed, held-out combinations are held out, and the truth is consistent."""

from __future__ import annotations

import random

import pytest

from mi_nb.models.world import BEHAVIOURS, TEXTS, lexicon, world
from mi_nb.models.world.behaviours import grammar, names, numbers
from mi_nb.models.world.document import Document
from mi_nb.models.world.people import CAPITALS, PARAPHRASES, PEOPLE, RELATIONS, held_out_paraphrase, pick_paraphrase
from mi_nb.models.world.splits import TEST, TRAIN, held_out
from mi_nb.models.world.tokenizer import build_tokenizer

TOKENIZER = build_tokenizer()
VOCABULARY = set(lexicon.vocabulary())


@pytest.mark.parametrize("name", TEXTS)
def test_texts_are_a_function_of_the_seed(name: str) -> None:
    first, second, other = ([TEXTS[name](random.Random(seed)).tokens for _ in range(1)] for seed in (1, 1, 2))
    assert first == second
    assert first != other


@pytest.mark.parametrize("name", TEXTS)
def test_texts_use_known_tokens_and_mark_what_they_ask(name: str) -> None:
    rng = random.Random(0)
    for _ in range(200):
        document = TEXTS[name](rng)
        assert set(document.tokens) <= VOCABULARY
        assert document.asked
        assert len(document.tokens) < 64
        assert set(document.asked).isdisjoint(document.unknowable)


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_cases_survive_the_tokenizer(name: str) -> None:
    for case in BEHAVIOURS[name].cases(50, seed=3):
        ids = TOKENIZER(case.prompt)["input_ids"]
        assert TOKENIZER.unk_token_id not in ids
        assert len(ids) == case.positions["end"] + 1, "labelled positions count tokens from <bos>"
        assert TOKENIZER.decode(ids, skip_special_tokens=True) == case.prompt
        for token in (*case.answers, *case.distractors):
            assert token in VOCABULARY
        assert not set(case.answers) & set(case.distractors)


def test_the_example_of_the_readme_is_in_the_vocabulary() -> None:
    prompt = "When Mary and John went to the store, John gave a drink to"
    ids = TOKENIZER(prompt)["input_ids"]
    assert TOKENIZER.unk_token_id not in ids
    assert TOKENIZER.convert_ids_to_tokens(ids)[:3] == ["<bos>", " When", " Mary"]
    assert TOKENIZER.decode(ids, skip_special_tokens=True) == prompt
    assert TOKENIZER(" Mary")["input_ids"] == TOKENIZER("Mary")["input_ids"]
    assert TOKENIZER("Zebulon")["input_ids"][1] == TOKENIZER.unk_token_id


def test_no_training_text_contains_a_held_out_pair_of_names() -> None:
    rng = random.Random(0)
    for split, expected in ((TRAIN, False), (TEST, True)):
        for _ in range(500):
            document = names.ioi(rng, split, names=2)
            pair = sorted(token[1:] for token in (*document.answers, *document.distractors))
            assert held_out("ioi", *pair) is expected


def test_no_training_text_states_a_fact_in_its_held_out_paraphrase() -> None:
    rng = random.Random(0)
    held = {held_out_paraphrase(person.name, relation) for person in PEOPLE for relation in RELATIONS}
    assert held == set(range(5)), "every paraphrase is held out for some fact, so each is trained with other facts"
    for person in PEOPLE[:20]:
        for relation in RELATIONS:
            templates = PARAPHRASES[relation]
            never = templates[held_out_paraphrase(person.name, relation)]
            trained = {pick_paraphrase(rng, person.name, relation, TRAIN) for _ in range(60)}
            assert trained == set(templates) - {never}
            assert pick_paraphrase(rng, person.name, relation, TEST) == never


def test_every_held_out_addition_is_out_of_training_and_right() -> None:
    rng = random.Random(0)
    for split, expected in ((TRAIN, False), (TEST, True)):
        for _ in range(500):
            tokens = [token.strip() for token in numbers.addition(rng, split).tokens]
            a, b, total = int(tokens[0] + tokens[1]), int(tokens[3] + tokens[4]), int("".join(tokens[6:9]))
            assert a + b == total
            assert held_out("addition", a, b) is expected


def test_attractors_have_the_other_number() -> None:
    rng = random.Random(0)
    for _ in range(300):
        document = grammar.agreement(rng, TEST, attractor=True)
        subject, attractor = (document.tokens[document.labels[label][0]][1:] for label in ("subject", "attractor"))
        assert (subject in lexicon.PLURAL_NOUNS) != (attractor in lexicon.PLURAL_NOUNS)
        assert (" are" in document.answers) == (subject in lexicon.PLURAL_NOUNS)


def test_tables_agree_with_each_other() -> None:
    tables = world()
    facts = tables.facts.set_index(["subject", "relation"])["object"]
    for person in tables.people.itertuples():
        assert facts[person.name, "city"] == person.city
        assert CAPITALS[person.country] == person.city
    assert len(tables.people) == len(PEOPLE) == tables.people["name"].nunique()
    assert tables.lexicon["id"].nunique() == len(VOCABULARY) == len(TOKENIZER)
    concept = tables.lexicon.query("token == ' Mary'")["concept"].tolist()
    assert concept == ["female name"]
    assert tables.held_out("facts", 7).shape[0] == 7
    with pytest.raises(KeyError, match="ioi"):
        tables.held_out("nothing")


def test_templates_label_and_mark() -> None:
    document = Document().add("The {noun:subject} said, {quote}Hi{end!}.", noun="old man", quote=' "', end='"')
    assert document.tokens[: document.labels["subject"][0] + 1] == [" The", " old", " man"]
    assert [document.tokens[i] for i in document.asked] == ['"']
