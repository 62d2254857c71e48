"""Texts with a structure that the answer follows: random repeats, argument lists, paths in a tree."""

from __future__ import annotations

import itertools
import random

from .. import lexicon
from ..document import Document
from ..fillers import pick
from ..splits import TEST, TRAIN, belongs

_ANY = [token for token in lexicon.vocabulary() if token not in lexicon.SPECIAL]
_REPEATABLE = [token for token in _ANY if token.startswith(" ")]


def repeats(
    rng: random.Random, split: str = TRAIN, *, period: int | None = None, offset: int | None = None, length: int = 62
) -> Document:
    """Random words, repeated: the second time each word can be known from the first.

    Most texts repeat until the end, the others have unrelated words between two copies. Test texts have a plain second
    copy. Label: "first" is the token that answered the last question before.
    """
    test = split == TEST
    period = period or rng.randint(5 if test else 4, 24)
    if offset is None:
        offset = rng.randrange(13 if test else 16) if test or rng.random() < 0.7 else 0
    prefix = [pick(rng, _REPEATABLE) for _ in range(offset)]
    copy = rng.sample(_REPEATABLE, period) if rng.random() < 0.5 else [pick(rng, _REPEATABLE) for _ in range(period)]
    document = Document()
    if not test and rng.random() < 0.4:
        gap = [pick(rng, _REPEATABLE) for _ in range(rng.randrange(10))]
        tokens = (prefix + copy + gap + copy)[:length]
        known_from = len(prefix) + period + len(gap) + 1
    else:
        copies = 1 if test else (length - offset) // period
        tokens = (prefix + copy * (1 + max(1, copies)))[: offset + 2 * period if test else length]
        known_from = offset + period + 1
    document.tokens = tokens
    document.unknowable = list(range(min(known_from, len(tokens))))
    document.asked = list(range(known_from, len(tokens)))
    if document.asked:
        last = document.asked[-1]
        document.answers = (tokens[last],)
        document.labels["first"] = [last - period]
        document.labels["period_start"] = [offset]
    return document


def phrases(rng: random.Random, split: str = TRAIN) -> Document:
    """Several short random phrases that return in any order (a form for training only)."""
    stock = [[pick(rng, _ANY) for _ in range(rng.randint(2, 6))] for _ in range(rng.randint(2, 4))]
    document, seen = Document(), set()
    while len(document.tokens) < 40:
        which = int(rng.random() * len(stock))
        for place, token in enumerate(stock[which]):
            known = which in seen and place > 0
            (document.asked if known else document.unknowable).append(len(document.tokens))
            document.tokens.append(token)
        seen.add(which)
        if rng.random() < 0.3:
            document.unknowable.append(len(document.tokens))
            document.tokens.append(pick(rng, _ANY))
    return document


def short_repeats(rng: random.Random, split: str = TRAIN) -> Document:
    """A few random words, again and again, in a short text (a form for training only)."""
    period, offset = rng.randint(2, 7), int(rng.random() * 4)
    return repeats(rng, split, period=period, offset=offset, length=offset + period + rng.randint(12, 20))


def docstring(rng: random.Random, split: str = TRAIN) -> Document:
    """The next argument in a docstring-like list. Held out: triples of the first arguments.

    Labels: "last_param" is the argument named last before the question, "answer" the asked one in the signature.
    """
    while True:
        names = rng.sample(lexicon.VARIABLES, rng.randint(3, 5))
        if belongs(split, "docstring", *names[:3]):
            break
    words = lexicon.OBJECTS + lexicon.THINGS
    document = Document().add("def {function}(self", function=pick(rng, lexicon.FUNCTIONS))
    for name in names:
        document.add(", {name:signature}", space=False, name=name)
    document.add("):", space=False).add('""" {a} {b}.', a=pick(rng, words), b=pick(rng, words))
    asked = names if split == TRAIN else names[: rng.randint(2, len(names))]
    for place, name in enumerate(asked):
        document.add(" :param {name:listed!}: {word~}", space=False, name=name, word=pick(rng, words))
        document.labels["answer"] = [i for i in document.labels["signature"] if document.tokens[i] == f" {name}"]
        if place:
            document.labels["last_param"] = [document.labels["listed"][place - 1]]
    document.answers = (f" {asked[-1]}",)
    document.distractors = tuple(f" {name}" for name in names if name != asked[-1])
    return document


def tree_path(rng: random.Random, split: str = TRAIN) -> Document:
    """The path between two nodes of a tree of which the edges are listed in any order. Held out: pairs of edges.

    Labels: "node" is the node reached last before the question, "parent" the same node where it is a parent.
    """
    while True:
        length = rng.randint(3, 5)
        nodes = rng.sample(lexicon.VARIABLES, length + (rng.random() < 0.4))
        path = nodes[:length]
        if belongs(split, "tree", path[0], path[1]):
            break
    edges = list(itertools.pairwise(path))
    edges += [(pick(rng, path[:-1]), node) for node in nodes[len(path) :]]
    branches = {parent for parent, _ in edges[len(path) - 1 :]}
    rng.shuffle(edges)
    document = Document().add("Edges")
    for place, (parent, child) in enumerate(edges):
        document.add(
            ("," if place else ":") + " {parent:edge_parent} > {child:edge_child}",
            space=False,
            parent=parent,
            child=child,
        )
    document.add(". Path from {start} to {end:goal}:", space=False, start=path[0], end=path[-1])
    document.add("{start:step}", start=path[0])
    for node in path[1:]:
        document.add("> {node:step!}", node=node)
    document.add(".", space=False)
    # A node with two children cannot be followed greedily: only the goal decides, which is asked nevertheless.
    document.labels["branch"] = [i for i in document.labels["step"] if document.tokens[i][1:] in branches]
    document.answers = (f" {path[-1]}",)
    document.distractors = tuple(f" {node}" for node in nodes if node != path[-1])
    return document
