"""Words for models of natural language; each generator keeps those that are one token in the model's vocabulary.

Paired lists correspond entry by entry.
"""

from __future__ import annotations

MALE_NAMES = (
    "John James Robert Michael David William Richard Thomas Charles Daniel Matthew Anthony Mark Paul Steven Andrew "
    "Kevin Brian George Edward Jason Jeff Ryan Jacob Gary Eric Jonathan Stephen Larry Justin Scott Adam Peter "
    "Henry Simon"
).split()
FEMALE_NAMES = (
    "Mary Patricia Jennifer Linda Elizabeth Susan Jessica Sarah Karen Lisa Nancy Anna Sandra Emily Michelle Laura Amy "
    "Rebecca Rachel Kate Maria Julia Alice Emma Anne Jane Diana Helen Lucy Grace Sophie Claire Olivia Victoria"
).split()
NAMES = [name for pair in zip(MALE_NAMES, FEMALE_NAMES, strict=False) for name in pair]
PLACES = "store park school beach office market garden station library museum hospital church bank restaurant".split()
OBJECTS = "drink book ring ball letter bag gift coin hat key flower map phone watch ticket camera".split()
EVENTS = "war siege trial project voyage reign strike journey festival study campaign conflict".split()
SINGULAR_NOUNS = (
    "boy girl man woman author guard king queen friend driver child guest student actor worker teacher doctor pilot "
    "lawyer writer singer farmer"
).split()
PLURAL_NOUNS = (
    "boys girls men women authors guards kings queens friends drivers children guests students actors workers teachers "
    "doctors pilots lawyers writers singers farmers"
).split()
PREPOSITIONS = "near behind beside above below".split()
SINGULAR_VERBS = "is was has".split()
PLURAL_VERBS = "are were have".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = "January February March April May June July August September October November December".split()
NUMBER_WORDS = "one two three four five six seven eight nine ten eleven twelve".split()
LETTERS = "A B C D E F G H I J K L M N O P".split()
COLOURS = "red blue green yellow purple silver black white pink brown gray gold".split()
THINGS = "cup pen box plate lamp chair spoon bowl sock towel brush clock bell book bottle".split()
FUNCTIONS = "load save port find send open".split()
ARGUMENTS = (
    "size name file path text list data index value count mode line node root type flag width user key date image "
    "color order state time group level"
).split()
CATEGORIES = {
    "animal": "dog cat horse cow pig sheep bird fish lion tiger wolf bear".split(),
    "fruit": "lemon banana apple orange grape cherry peach melon".split(),
    "color": "red blue green yellow purple black white pink brown".split(),
    "city": "Paris Rome Madrid Tokyo Cairo Athens Moscow Vienna Dublin London".split(),
    "job": "teacher doctor lawyer farmer pilot nurse cook writer singer".split(),
    "thing": "cup pen box plate lamp chair spoon bowl".split(),
}
CAPITALS = {
    "France": "Paris",
    "Italy": "Rome",
    "Spain": "Madrid",
    "Norway": "Oslo",
    "Japan": "Tokyo",
    "China": "Beijing",
    "Egypt": "Cairo",
    "Peru": "Lima",
    "Kenya": "Nairobi",
    "Greece": "Athens",
    "Poland": "Warsaw",
    "Russia": "Moscow",
    "Cuba": "Havana",
    "Chile": "Santiago",
    "Iran": "Tehran",
    "Ghana": "Accra",
    "Canada": "Ottawa",
    "Sweden": "Stockholm",
    "Finland": "Helsinki",
    "Austria": "Vienna",
    "Ireland": "Dublin",
    "England": "London",
    "Germany": "Berlin",
    "Portugal": "Lisbon",
}
LANGUAGES = {
    "France": "French",
    "Italy": "Italian",
    "Spain": "Spanish",
    "Norway": "Norwegian",
    "Japan": "Japanese",
    "China": "Chinese",
    "Greece": "Greek",
    "Poland": "Polish",
    "Russia": "Russian",
    "Sweden": "Swedish",
    "Finland": "Finnish",
    "Germany": "German",
    "Portugal": "Portuguese",
    "England": "English",
}
LANDMARKS = {
    "The Eiffel Tower": "Paris",
    "The Colosseum": "Rome",
    "The Prado Museum": "Madrid",
    "The Brandenburg Gate": "Berlin",
    "The Acropolis": "Athens",
    "The Kremlin": "Moscow",
    "Big Ben": "London",
    "The Willis Tower": "Chicago",
    "The White House": "Washington",
    "The Space Needle": "Seattle",
    "The Forbidden City": "Beijing",
}
