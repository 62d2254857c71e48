"""Texts that define what they ask for: coloured objects, multiple choice, few-shot labels."""

from __future__ import annotations

import random

from .. import lexicon
from ..document import Document
from ..fillers import pick
from ..splits import TEST, TRAIN, belongs

_ALL_ITEMS = [word for words in lexicon.CATEGORIES.values() for word in words]


def article(noun: str) -> str:
    """The noun with its article."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def coloured_objects(rng: random.Random, split: str = TRAIN) -> Document:
    """The colour of one of several things. Held out: pairs of two coloured things.

    Labels: "thing" is where the asked thing is described, "color" its colour, "query" where it is asked for.
    """
    while True:
        count = 2 if rng.random() < 0.35 else 3 if rng.random() < 0.75 else 4
        things, colors = rng.sample(lexicon.THINGS, count), rng.sample(lexicon.COLORS, count)
        scene = sorted(zip(things, colors, strict=True))
        if belongs(split, "coloured", *scene[0], *scene[1]):
            break
    document = Document().add(pick(rng, ["On the table there is", "Q: On the table there is", "There is"]))
    for place, (thing, color) in enumerate(zip(things, colors, strict=True)):
        joint = "" if not place else " and" if place == count - 1 else ","
        document.add(joint + " a {color:color} {thing:thing}", space=False, color=color, thing=thing)
    document.add(".", space=False)
    listed = {label: list(document.labels[label]) for label in ("thing", "color")}
    asked = rng.sample(range(count), 1 if split == TEST else min(count, 3))
    for which in asked:
        question = pick(rng, ["What color is the {thing:query}? {reply} {color!}.", "The {thing:query} is {color!}."])
        document.add(question, thing=things[which], color=colors[which], reply=pick(rng, ["A:", "Answer:", "It is"]))
        document.labels["thing"], document.labels["color"] = [listed["thing"][which]], [listed["color"][which]]
    document.answers = (f" {colors[asked[-1]]}",)
    document.distractors = tuple(f" {color}" for i, color in enumerate(colors) if i != asked[-1])
    return document


def multiple_choice(
    rng: random.Random, split: str = TRAIN, *, literal: bool | None = None, question_first: bool | None = None
) -> Document:
    """The letter of an option, asked by its word or by its category, before or after the options.

    Held out: pairs of the first two options. Labels: "option" is the right option's word, "letter" its letter,
    "query" the word that the question asks for.
    """
    while True:
        count = rng.randint(3, 4)
        kinds = rng.sample(list(lexicon.CATEGORIES), count)
        words = [pick(rng, lexicon.CATEGORIES[kind]) for kind in kinds]
        if belongs(split, "choice", words[0], words[1]):
            break
    letters = lexicon.LETTERS[:count]
    if split == TRAIN and rng.random() < 0.5:
        letters = rng.sample(letters, count)
    first = rng.random() < 0.45 if question_first is None else question_first
    asked = rng.sample(range(count), 1 if split == TEST or first else rng.randint(1, 3))
    document = Document()
    if first:
        _ask(rng, document, kinds[asked[0]], words[asked[0]], literal)
        _options(document, letters, words)
        document.add("Answer: {letter!}.", letter=letters[asked[0]])
    else:
        _options(document, letters, words)
        for which in asked:
            _ask(rng, document, kinds[which], words[which], literal)
            document.add("Answer: {letter!}.", letter=letters[which])
    right = asked[-1]
    document.labels["option"] = [document.labels["word"][right]]
    document.labels["letter"] = [document.labels["option"][0] - 2]
    document.answers = (f" {letters[right]}",)
    document.distractors = tuple(f" {letter}" for i, letter in enumerate(letters) if i != right)
    return document


def _ask(rng: random.Random, document: Document, kind: str, word: str, literal: bool | None) -> None:
    literally = rng.random() < 0.5 if literal is None else literal
    if literally:
        document.add("Which is {word:query}?", word=word)
    else:
        document.add("Which is {kind:query}?", kind=article(kind))


def _options(document: Document, letters: list[str], words: list[str]) -> None:
    for place, (letter, word) in enumerate(zip(letters, words, strict=True)):
        document.add(("," if place else "") + " {letter}: {word:word}", space=False, letter=letter, word=word)
    document.add(".", space=False)


LABEL_WORDS = sorted(
    {
        token[1:]
        for token in lexicon.vocabulary()
        if token.startswith(" ") and token[1:].isalpha() and len(token) > 3 and token[1:] not in lexicon.GLUE
    }
    - set(lexicon.PLURAL_NOUNS + lexicon.NONSENSE)
)
UNSEEN_LABELS = lexicon.NONSENSE + lexicon.PLURAL_NOUNS


def few_shot(
    rng: random.Random, split: str = TRAIN, *, unseen_categories: bool = False, easy: float = 0.15
) -> Document:
    """Words sorted by category under labels that the text makes up: "dog: foo. pear: bar. cat: foo".

    Label words of the test split never are labels in training. With `unseen_categories` neither are the categories
    sorted in any training text. `easy` is the chance that a training text uses few words again and again. Labels:
    "query" the last word, "same_label" and "other_label" the labels before it.
    """
    test = split == TEST
    pools = lexicon.UNSEEN_CATEGORIES if unseen_categories else lexicon.CATEGORIES if test else _TRAINED
    count = 2 if test else rng.randint(2, 4)
    kinds = rng.sample(list(pools), count)
    labels = rng.sample(UNSEEN_LABELS if test else LABEL_WORDS, count)
    length = rng.randint(6, 10) if test else rng.randint(8, 15)
    order = [int(rng.random() * count) for _ in range(length)]
    if len(set(order[:-1])) < count:
        return few_shot(rng, split, unseen_categories=unseen_categories, easy=easy)
    few = not test and rng.random() < easy
    stock = [rng.sample(pools[kind], 2 if few else min(len(pools[kind]), 12)) for kind in kinds]
    document, seen = Document(), set()
    for place, which in enumerate(order):
        word = (
            pick(rng, stock[which]) if few else stock[which].pop() if stock[which] else pick(rng, pools[kinds[which]])
        )
        mark = "!" if (place == length - 1 if test else which in seen) else "~"
        same = "same_label" if which == order[-1] else "other_label"
        label = "" if place == length - 1 else f":{same}"
        document.add("{word:query}: {label" + label + mark + "}.", word=word, label=labels[which])
        seen.add(which)
    document.labels["query"] = document.labels["query"][-1:]
    document.answers = (f" {labels[order[-1]]}",)
    document.distractors = tuple(f" {label}" for i, label in enumerate(labels) if i != order[-1])
    return document


_TRAINED = {**lexicon.CATEGORIES, **lexicon.MORE_CATEGORIES}
