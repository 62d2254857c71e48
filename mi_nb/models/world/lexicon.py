"""The words of the small world, by concept.

Every list is closed: nothing outside of it occurs in a text. Paired lists (`SINGULAR_NOUNS` and `PLURAL_NOUNS`,
`CITIES` and `COUNTRIES`, ...) correspond entry by entry.
"""

from __future__ import annotations

import re


def _words(text: str) -> list[str]:
    return text.split()


MALE_NAMES = _words(
    "John Tom James Dan Sam Jack Paul Mark Luke Adam Carl David Eric Fred Greg Henry Ivan Jake Kevin Leo "
    "Max Ned Oscar Peter Ralph"
)
FEMALE_NAMES = _words(
    "Mary Alice Jane Kate Anna Beth Clara Diana Emma Fiona Grace Helen Iris Julia Karen Laura Mia Nina Olga Susan "
    "Lucy Sarah Tina Martha Vera"
)
NAMES = MALE_NAMES + FEMALE_NAMES
LAST_NAMES = _words(
    "Smith Jones Clark Davis Evans Ford Hall Irwin Kelly Lewis Moore Nash Owens Price Quinn Reed Scott Todd Vance Ward"
)
COUNTRIES = _words(
    "France Italy Spain Norway Japan China Egypt Peru Kenya Greece Poland Russia Cuba Chile India Iran Turkey Ghana "
    "Canada Sweden Finland Austria Ireland England"
)
CITIES = _words(
    "Paris Rome Madrid Oslo Tokyo Beijing Cairo Lima Nairobi Athens Warsaw Moscow Havana Santiago Delhi Tehran Ankara "
    "Accra Ottawa Stockholm Helsinki Vienna Dublin London"
)
JOBS = _words(
    "teacher doctor lawyer farmer pilot nurse cook writer singer dentist judge plumber sailor tailor barber clerk"
)
PLACES = _words(
    "store park school beach office market garden station library museum cafe hospital hotel church zoo bank"
)
OBJECTS = _words("drink book ring ball letter bag gift coin hat key flower map cake phone watch ticket")
COLORS = _words("red blue green yellow purple silver black white pink brown gray gold")
THINGS = _words("cup pen box plate lamp chair spoon bowl sock towel brush clock vase bell")
ANIMALS = _words("dog cat horse cow pig sheep bird fish lion tiger wolf bear")
FRUITS = _words("lemon banana pear grape mango berry peach plum cherry melon kiwi fig")
SINGULAR_NOUNS = _words(
    "boy girl man woman author guard king queen friend driver child guest student actor worker neighbor"
)
PLURAL_NOUNS = _words(
    "boys girls men women authors guards kings queens friends drivers children guests students actors workers neighbors"
)
SINGULAR_VERBS = _words("is was has runs sleeps laughs sings walks jumps waits works reads")
PLURAL_VERBS = _words("are were have run sleep laugh sing walk jump wait work read")
SINGULAR_LINKS = _words("sees knows helps admires likes")
PLURAL_LINKS = _words("see know help admire like")
PREPOSITIONS = _words("near behind beside above below")
MONTHS = _words("January February March April May June July August September October November December")
DAYS = _words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
POSITIVE_WORDS = _words("great wonderful lovely excellent superb brilliant charming funny amazing fantastic good sweet")
NEGATIVE_WORDS = _words("awful terrible horrible dreadful boring nasty poor dull bad ugly tedious lousy")
WORKS = _words("movie play show meal trip story song concert game party film speech")
EVENTS = _words("war trial siege project journey strike reign voyage festival study")
NONSENSE = _words("foo bar baz qux dax wug zip zop")
VARIABLES = _words("x y z size name file path text list data index value count mode line node root type flag width")
FUNCTIONS = _words("load save port find send open")
LETTERS = _words("A B C D")
BRACKETS = {"(": ")", "[": "]", "{": "}"}
NUMBERS = [str(n) for n in range(100)]
CENTURIES = [str(n) for n in range(11, 20)]
YEARS = [f"{n:02d}" for n in range(100)]
ADVERBS = _words("quietly later again soon quickly finally")
ADJECTIVES = _words("old young tall kind new big small long")
TIMES = _words("morning evening afternoon night")
SENTENCE_STARTS = _words("When After While Then Yesterday Today Later Afterwards The If At In On There")

CATEGORIES = {"animal": ANIMALS, "fruit": FRUITS, "color": COLORS, "city": CITIES, "job": JOBS, "thing": THINGS}
"""Categories with a noun of their own: "Which is a fruit?"."""

MORE_CATEGORIES = {
    "person": SINGULAR_NOUNS,
    "praise": POSITIVE_WORDS,
    "blame": NEGATIVE_WORDS,
    "number": NUMBERS[2:40],
    "last name": LAST_NAMES,
    "first name": NAMES,
    "month": MONTHS,
    "action": SINGULAR_VERBS[3:],
    "variable": VARIABLES,
    "work": WORKS,
    "adjective": ADJECTIVES,
    "day": DAYS,
    "plural action": PLURAL_VERBS[3:],
}
"""Further categories that few-shot texts may sort."""

UNSEEN_CATEGORIES = {"country": COUNTRIES, "place": PLACES, "event": EVENTS, "object": OBJECTS}
"""Categories that no training text sorts."""

GLUE = _words(
    "the a an and or of to in on at by for from with near while when after before then so because that who had "
    "went was were gave handed sat stood talked walked waited smiled met lives works comes is likes owns eats "
    "home city color pet food country job capital live work come own eat like does what person called as him "
    "her he she they it his tired hungry happy sad said wanted felt rest lasted year tomorrow next number "
    "follows day month today yesterday positive negative not very but self there table which Which What Who "
    "Review Sentiment Answer Edges Path Q I We They He She It now still always often really good home born "
    "moved grew up paints lived first last drinks favorite thing one name named been into all me this news def "
    "animal fruit thing"
)
PIECES = ["The", "I", "We", "He", "She", "It", "self", "param", *YEARS]
"""Pieces that follow another character without a space: `"The`, `(self`, `:param`, and `32` in `1732`."""
MARKS = [",", ".", ":", ";", "?", ")", "]", "}", '"', "(", "'s", "\n"]
SPACED_MARKS = ["(", "[", "{", ")", "]", "}", '"', '"""', ":", "+", "=", ">"]

CONCEPTS: dict[str, list[str]] = {
    "male name": MALE_NAMES,
    "female name": FEMALE_NAMES,
    "last name": LAST_NAMES,
    "country": COUNTRIES,
    "city": CITIES,
    "job": JOBS,
    "place": PLACES,
    "object": OBJECTS,
    "color": COLORS,
    "thing": THINGS,
    "animal": ANIMALS,
    "fruit": FRUITS,
    "singular noun": SINGULAR_NOUNS,
    "plural noun": PLURAL_NOUNS,
    "singular verb": SINGULAR_VERBS + SINGULAR_LINKS,
    "plural verb": PLURAL_VERBS + PLURAL_LINKS,
    "preposition": PREPOSITIONS,
    "month": MONTHS,
    "day": DAYS,
    "positive": POSITIVE_WORDS,
    "negative": NEGATIVE_WORDS,
    "work": WORKS,
    "event": EVENTS,
    "nonsense": NONSENSE,
    "variable": VARIABLES,
    "function": FUNCTIONS,
    "letter": LETTERS,
    "number": NUMBERS,
    "adverb": ADVERBS,
    "adjective": ADJECTIVES,
    "time": TIMES,
    "sentence start": SENTENCE_STARTS,
    "grammar": GLUE,
}
SPECIAL = ["<bos>", "<eos>", "<unk>"]

TOKEN_PATTERN = r""" ?[A-Za-z]+| ?[0-9]{1,2}| ?\"\"\"|'s| ?[^\sA-Za-z0-9]|\s"""
_TOKEN = re.compile(TOKEN_PATTERN)


def split(text: str) -> list[str]:
    """Tokens of a text that continues another one (no space is put in front)."""
    return _TOKEN.findall(text)


def vocabulary() -> list[str]:
    """All tokens, in the order of their ids."""
    words = [" " + word for group in CONCEPTS.values() for word in group]
    words += [" " + mark for mark in SPACED_MARKS] + MARKS + PIECES
    return SPECIAL + list(dict.fromkeys(words))


def concepts_of(token: str) -> list[str]:
    """Concepts of a token such as " Mary"; a word may have several (" watch"), a mark has none."""
    if not token.startswith(" "):
        return ["year"] if token in YEARS else []
    return [concept for concept, words in CONCEPTS.items() if token[1:] in words]
