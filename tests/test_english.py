"""English made by rules: words, predicates, facts, names."""

from __future__ import annotations

import pytest

from relata.english import words
from relata.english.facts import Fact, facts, triples
from relata.english.names import Names, adjectives, place
from relata.english.predicates import phrase, plain
from relata.grounded import plain as text_of
from relata.notation import read
from relata.scene import Box, Region, Relation, Scene

ARTICLES = """
an umbrella; a unicycle; an hour; a user; an usher; a utensil; an urn; a urinal; a European; a eucalyptus; an eagle;
a ewe; a one-way sign; an oven; an honest man; a horse; an SUV; a TV; an lcd screen; an x-ray; a u-turn; an LED light;
an igloo; a USB stick; an uninteresting sign; a uniform; a ukulele; an RV; a US flag; an unidentified object
"""


@pytest.mark.parametrize("text", [text.strip() for text in ARTICLES.split(";")])
def test_articles_by_sound(text: str) -> None:
    article, noun = text.split(maxsplit=1)
    assert words.article(noun) == article


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("person", "people"), ("woman", "women"), ("fireman", "firemen"), ("human", "humans"), ("child", "children"),
        ("grandchild", "grandchildren"), ("knife", "knives"), ("bookshelf", "bookshelves"), ("sheep", "sheep"),
        ("goldfish", "goldfish"), ("aircraft", "aircraft"), ("bus", "buses"), ("box", "boxes"), ("bench", "benches"),
        ("dish", "dishes"), ("glass", "glasses"), ("cherry", "cherries"), ("toy", "toys"), ("potato", "potatoes"),
        ("photo", "photos"), ("stomach", "stomachs"), ("cactus", "cacti"), ("mouse", "mice"), ("lens", "lenses"),
        ("traffic light", "traffic lights"), ("bus stop", "bus stops"), ("man in suit", "men in suit"),
        ("pair of gloves", "pairs of gloves"), ("wine glass", "wine glasses"), ("trees", "trees"), ("skis", "skis"),
    ],
)  # fmt: skip
def test_plurals(one: str, many: str) -> None:
    assert words.plural(one) == many
    assert words.is_plural(many) or many == one


def test_kinds_of_nouns() -> None:
    assert [
        noun for noun in ("grass", "glass", "dry grass", "water bottle", "bottle of water") if words.is_mass(noun)
    ] == [
        "grass",
        "dry grass",
    ]
    assert [noun for noun in ("man", "woman in red", "man hole cover", "people", "dog") if words.is_person(noun)] == [
        "man",
        "woman in red",
        "people",
    ]
    assert [noun for noun in ("skis", "glasses", "wine glasses", "blue jeans", "trees") if words.is_pair(noun)] == [
        "skis",
        "glasses",
        "blue jeans",
    ]


def test_labels_as_nouns() -> None:
    labels = [
        "Man",
        "TV",
        "US flag",
        "STOP sign",
        "sky-other-merged",
        "wall-brick",
        "door-stuff",
        "t-shirt",
        "  old  car ",
    ]
    said = ["man", "TV", "US flag", "stop sign", "sky", "brick wall", "door", "t-shirt", "old car"]
    assert [words.clean(label) for label in labels] == said


def test_lists_and_numbers() -> None:
    assert words.join(["a"]) == "a"
    assert words.join(["a", "b", "c"]) == "a, b and c"
    assert words.join(["a and b", "c"]) == "a and b, and c"
    assert [words.number(n) for n in (1, 12, 13)] == ["one", "twelve", "13"]
    assert [words.ordinal(n) for n in (2, 12, 13, 21, 22, 111)] == [
        "second",
        "twelfth",
        "13th",
        "21st",
        "22nd",
        "111th",
    ]


@pytest.mark.parametrize(
    ("predicate", "one", "many"),
    [
        ("on", "is on", "are on"),
        ("in front of", "is in front of", "are in front of"),
        ("holding", "is holding", "are holding"),
        ("attached to", "is attached to", "are attached to"),
        ("on back of", "is on the back of", "are on the back of"),
        ("left of", "is to the left of", "are to the left of"),
        ("to the right of", "is to the right of", "are to the right of"),
        ("wears", "wears", "wear"),
        ("has a", "has", "have"),
        ("carries", "carries", "carry"),
        ("watching", "is watching", "are watching"),
        ("touches", "touches", "touch"),
        ("sits on", "sits on", "sit on"),
        ("about to hit", "is about to hit", "are about to hit"),
        ("is ON the", "is on", "are on"),
        ("with", "is shown with", "are shown with"),
        ("larger than", "is larger than", "are larger than"),
        ("worn on", "is worn on", "are worn on"),
        ("standing_on", "is standing on", "are standing on"),
    ],
)
def test_predicates_of_one_and_of_many(predicate: str, one: str, many: str) -> None:
    said = phrase(predicate)
    assert said.be(plural=False) + said.text(plural=False) == one
    assert said.be(plural=True) + said.text(plural=True) == many


def test_a_predicate_keeps_its_own_words() -> None:
    for predicate in ("over", "in front of", "hanging from", "left of", "about to hit", "looking at"):
        assert phrase(predicate).one == plain(predicate) == predicate


def test_relations_that_are_said_together() -> None:
    labels = ["person", "person", "grass", "umbrella", "cat", "dog", "hat", "hat", "cup", "bowl", "table"]
    relations = [
        (0, "standing on", 2), (1, "standing on", 2),  # two of one label, one object
        (1, "holding", 3),
        (4, "beside", 5), (5, "beside", 4),  # each other
        (0, "wearing", 6), (1, "wearing", 7),  # one each
        (8, "on", 10), (9, "on", 10),  # two labels, one object
        (4, "near", 2), (4, "near", 10),  # one subject, two objects
    ]  # fmt: skip
    assert facts(relations, labels) == [
        Fact((4, 5), "beside", (5, 4)),
        Fact((0, 1), "standing on", (2,)),
        Fact((0, 1), "wearing", (6, 7)),
        Fact((8, 9), "on", (10,)),
        Fact((1,), "holding", (3,)),
        Fact((4,), "near", (2, 10)),
    ]


def test_all_with_all_is_one_fact() -> None:
    found = facts([(0, "on", 2), (1, "on", 2), (0, "on", 3), (1, "on", 3)], ["cup", "cup", "tray", "table"])
    assert found == [Fact((0, 1), "on", (2, 3), crossed=True)]
    assert found[0].pairs == ([0, 0, 1, 1], [2, 3, 2, 3])


def test_many_subjects_are_spread_over_sentences() -> None:
    labels = ["plate", "cake", "lemon", "melon", "egg", "fork"]
    assert facts([(k, "on", 0) for k in range(1, 6)], labels) == [Fact((1, 2), "on", (0,)), Fact((3, 4, 5), "on", (0,))]


def scene(*things: tuple[str, Box], relations: tuple[Relation, ...] = ()) -> Scene:
    regions = tuple(Region(10 + k, label, box) for k, (label, box) in enumerate(things))
    return Scene("s", "s.jpg", 100, 100, regions, relations)


def test_triples_are_plain_unique_and_never_of_one_region() -> None:
    one = scene(
        ("dog", Box(0, 0, 9, 9)),
        ("rug", Box(0, 0, 50, 50)),
        relations=(Relation(10, "on a", 11), Relation(10, "ON", 11), Relation(10, "touching", 10)),
    )
    assert triples(one) == [(0, "on", 1)]


def said(names: Names, *regions: int, **how: bool) -> str:
    boxes = [region.box for region in names.scene.regions]
    return text_of(read(names.say(regions, **how).text, boxes)[0])


def test_names_at_first_and_later() -> None:
    names = Names(
        scene(
            ("dog", Box(0, 0, 9, 9)),
            ("umbrella", Box(0, 0, 9, 9)),
            ("grass", Box(0, 0, 9, 9)),
            ("sky", Box(0, 0, 9, 9)),
            ("skis", Box(0, 0, 9, 9)),
            ("trees", Box(0, 0, 9, 9)),
        )
    )
    assert [said(names, k) for k in range(6)] == [
        "a dog",
        "an umbrella",
        "grass",
        "the sky",
        "a pair of skis",
        "some trees",
    ]
    assert [said(names, k) for k in range(6)] == [
        "the dog",
        "the umbrella",
        "the grass",
        "the sky",
        "the skis",
        "the trees",
    ]


def test_names_of_several() -> None:
    row = [("cup", Box(x, 40, x + 8, 50)) for x in (0, 20, 40, 60, 80)]
    names = Names(scene(*row, ("man", Box(0, 0, 9, 9)), ("man", Box(80, 0, 89, 9)), ("bag", Box(0, 0, 9, 9))))
    assert said(names, 0, 1) == "two of the five cups"
    assert [said(names, k) for k in range(5)] == [
        "the leftmost cup",
        "the second cup from the left",
        "the third cup from the left",
        "the second cup from the right",
        "the rightmost cup",
    ]
    assert said(names, 5) == "a man on the left"
    assert said(names, 5) == "the man on the left"
    assert said(names, 5, 6) == "the two men"
    assert said(names, 7, 6) == "a bag and the man on the right"
    assert said(Names(names.scene), 5, 6) == "two men"
    assert said(Names(names.scene), 5, 6, bare=True) == "men"


def test_a_box_around_a_group_is_not_counted() -> None:
    drawn = scene(("man", Box(0, 0, 9, 9)), ("man", Box(80, 0, 89, 9)), ("man", Box(0, 40, 90, 50)))
    crowd = drawn.regions[2].replace(description="a group: man")
    names = Names(drawn.replace(regions=(*drawn.regions[:2], crowd)))
    assert said(names, 0, 1, 2) == "many men"
    assert said(names, 0, 1) == "two of the men"
    assert said(Names(drawn.replace(regions=(crowd,))), 0) == "many men"


def test_marks_are_true_of_the_image() -> None:
    beside = scene(
        ("cup", Box(60, 40, 68, 50)),
        ("cup", Box(80, 40, 88, 50)),
        ("man", Box(60, 0, 69, 9)),
        ("man", Box(80, 0, 89, 9)),
    )
    names = Names(beside)  # all of them on the right of the image
    assert [said(names, k) for k in range(4)] == [
        "the left cup",
        "the right cup",
        "the man further left",
        "the man further right",
    ]
    above = Names(scene(("shelf", Box(10, 0, 90, 20)), ("shelf", Box(10, 60, 90, 80))))
    assert [said(above, k) for k in range(2)] == ["the upper shelf", "the lower shelf"]


def test_attributes_stand_before_the_noun() -> None:
    def looks(*attributes: str) -> str:
        return adjectives(Region(0, "car", Box(0, 0, 1, 1), attributes=attributes), "car")

    assert looks("red", "small") == "small red "
    assert looks("white", "black") == "white and black "
    assert looks("on", "driving", "in the back", "parked") == "parked "
    names = Names(Scene("s", "s", 9, 9, (Region(0, "car", Box(0, 0, 1, 1), attributes=("orange",)),)))
    assert said(names, 0) == "an orange car"


def test_places_from_the_viewers_side() -> None:
    assert place(Box(0, 0, 10, 10), 100, 100) == "in the upper left"
    assert place(Box(45, 0, 55, 10), 100, 100) == "at the top"
    assert place(Box(90, 45, 100, 55), 100, 100) == "on the right"
    assert place(Box(0, 80, 100, 100), 100, 100) == "at the bottom"
    assert place(Box(0, 0, 100, 100), 100, 100) == "in the middle"
