"""Texts whose next token follows from their form: agreement, brackets, sentiment."""

from __future__ import annotations

import random

from .. import lexicon
from ..document import Document
from ..fillers import opening, phrase, pick
from ..splits import TRAIN, belongs

_SINGULAR = tuple(f" {verb}" for verb in lexicon.SINGULAR_VERBS + lexicon.SINGULAR_LINKS)
_PLURAL = tuple(f" {verb}" for verb in lexicon.PLURAL_VERBS + lexicon.PLURAL_LINKS)
_ENDINGS = {"is": "tired", "are": "tired", "was": "happy", "were": "happy", "has": "a home", "have": "a home"}


def agreement(rng: random.Random, split: str = TRAIN, *, attractor: bool | None = None) -> Document:
    """Subject-verb agreement, often across a noun of the other number. Held out: pairs of nouns.

    Labels: "subject", "attractor". All verbs of the right number are answers, all others are distractors.
    """
    while True:
        first, second = int(rng.random() * len(lexicon.SINGULAR_NOUNS)), int(rng.random() * len(lexicon.SINGULAR_NOUNS))
        if first != second and belongs(split, "agreement", first, second):
            break
    plural = rng.random() < 0.5
    other_plural = rng.random() < 0.5 if attractor is None else plural != attractor
    nouns = (lexicon.SINGULAR_NOUNS, lexicon.PLURAL_NOUNS)
    subject, other = nouns[plural][first], nouns[other_plural][second]
    links = (lexicon.SINGULAR_LINKS, lexicon.PLURAL_LINKS)
    verb = pick(rng, lexicon.PLURAL_VERBS if plural else lexicon.SINGULAR_VERBS)
    adjective = f" {pick(rng, lexicon.ADJECTIVES)}" if rng.random() < 0.3 else ""
    lead = opening(rng, 0.3)
    start = f"{lead} the{adjective}" if lead else f"The{adjective}"
    template = pick(
        rng,
        ["{start} {subject:subject} {preposition} the {other:attractor} {verb!}"] * 2
        + [
            "{start} {subject:subject} that the {other:attractor} {other_link!} {verb!}",
            "{start} {subject:subject} that {link!} the {other:attractor} {verb!}",
            "{start} {subject:subject} {preposition} the {adjective2} {other:attractor} {verb!}",
        ],
    )
    document = Document().add(
        template,
        start=start,
        subject=subject,
        preposition=pick(rng, lexicon.PREPOSITIONS),
        adjective2=pick(rng, lexicon.ADJECTIVES),
        other=other,
        link=pick(rng, links[plural]),
        other_link=pick(rng, links[other_plural]),
        verb=verb,
    )
    document.add("{ending}{tail}.", ending=_ENDINGS.get(verb, ""), tail=phrase(rng, 1, 3, chance=0.4))
    document.answers, document.distractors = (_PLURAL, _SINGULAR) if plural else (_SINGULAR, _PLURAL)
    return document


def brackets(rng: random.Random, split: str = TRAIN) -> Document:
    """Closing brackets and quotation marks. Held out: pairs of the first word and the sequence of opening brackets.

    Labels: "open" is the bracket that the last answer closes.
    """
    if rng.random() < 0.25:
        return _quotation(rng, split)
    while True:
        document = Document()
        stack: list[tuple[str, int]] = []
        words, openings = [], ""
        for _ in range(rng.randint(4, 11)):
            if len(stack) < 4 and rng.random() < 0.5:
                mark = pick(rng, list(lexicon.BRACKETS))
                stack.append((mark, len(document.tokens)))
                openings += mark
                document.add(mark)
            elif stack and rng.random() < 0.5:
                _close(document, stack)
            else:
                words.append(pick(rng, lexicon.FRUITS + lexicon.THINGS))
                document.add(words[-1])
        while stack:
            _close(document, stack)
        if document.asked and belongs(split, "brackets", openings, words[:1]):
            document.add(".")
            return document


def _close(document: Document, stack: list[tuple[str, int]]) -> None:
    mark, index = stack.pop()
    document.labels["open"] = [index]
    document.answers = (f" {lexicon.BRACKETS[mark]}",)
    document.distractors = tuple(f" {close}" for open_, close in lexicon.BRACKETS.items() if open_ != mark)
    document.add("{close!}", close=lexicon.BRACKETS[mark])


def _quotation(rng: random.Random, split: str) -> Document:
    while True:
        name, animal = pick(rng, lexicon.NAMES), pick(rng, lexicon.ANIMALS + lexicon.WORKS)
        if belongs(split, "quotation", name, animal):
            break
    quoted = pick(rng, lexicon.POSITIVE_WORDS + lexicon.NEGATIVE_WORDS)
    document = Document().add(
        "{name} said, {quote:open}The {animal}{tail} was {word}{close!}.",
        name=name,
        quote=' "',
        animal=animal,
        tail=phrase(rng, 1, 3, chance=0.5),
        word=quoted,
        close='"',
    )
    document.answers, document.distractors = ('"',), (" )", " ]", " }")
    return document


_PRAISE = [
    "The {work} was {word:word}{more}.",
    "It was a {word:word} {work}{more}.",
    "The {adjective} {work} was very {word:word}{more}.",
    "We had a {word:word} {work}{more}.",
]
_VERDICTS = [
    ("Review: ", " Sentiment: {verdict!}.", ("positive", "negative")),
    ("", " I felt {verdict!}.", ("happy", "sad")),
    ("", " We were {verdict!}.", ("happy", "sad")),
]


def sentiment(rng: random.Random, split: str = TRAIN) -> Document:
    """The sentiment of a review, at times turned around by "not". Held out: pairs of a word and what it is about."""
    while True:
        positive = rng.random() < 0.5
        words = lexicon.POSITIVE_WORDS if positive else lexicon.NEGATIVE_WORDS
        word, work = pick(rng, words), pick(rng, lexicon.WORKS)
        if belongs(split, "sentiment", word, work):
            break
    before, after, verdicts = pick(rng, _VERDICTS)
    negated = rng.random() < 0.2
    if negated:
        template, positive = "The {work} was {negation:not} {word:word}{more}.", not positive
    else:
        template = pick(rng, _PRAISE)
    more = f" and {pick(rng, words)}" if not negated and rng.random() < 0.4 else phrase(rng, 1, 4, chance=0.4)
    right, wrong = verdicts if positive else verdicts[::-1]
    document = Document().add(
        before + template + after,
        work=work,
        word=word,
        negation="not",
        adjective=pick(rng, lexicon.ADJECTIVES),
        more=more,
        verdict=right,
    )
    document.answers, document.distractors = (f" {right}",), (f" {wrong}",)
    return document
