"""Nouns of captions: rules of position, objects of several words, and quality on captions labelled by hand."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from relata.errors import MissingExtra, RelataError
from relata.nouns import listed, noun_sets, tagger

pytest.importorskip("lemminflect", reason="the built-in tagger needs the extra `text`")

#: Captions of COCO val2017 by annotation id, with the things that they speak of, word by word; labelled by hand before
#: the tagger had seen them. Left out are names, and words for the photo, for places in it and for amounts.
COCO = {
    738860: "person hill", 445338: "child train", 170385: "table vase flour", 138511: "man reception hall drink",
    701858: "television couch chair room", 649928: "boy wave ocean", 163952: "person kite beach body water",
    302791: "bedroom bookshelf book", 152069: "man horse beach", 111433: "person man city street",
    653110: "man baby elephant trunk", 561460: "person city street", 418469: "building fire hydrant curbside",
    138105: "head girl cake", 296546: "coffee cup knife surface", 740728: "shower curtain bathroom",
    542738: "gate jet passenger", 201406: "man elephant", 659776: "man elephant field",
    417223: "car truck underpass street sign", 235578: "flag umbrella", 189695: "person lodge mountain",
    528205: "plate food drink table", 310740: "dining table food cake berry", 13618: "child toy animal floor",
    99303: "boy baseball bat parent", 331639: "street sign", 355578: "cat computer monitor",
    513981: "ship marsh egret", 96433: "commuter train tunnel", 549666: "person sidewalk child", 247051: "elephant",
    741751: "bathroom shower", 518855: "clock post", 705021: "boy table head hand", 372252: "baker kitchen dough",
    599939: "kitchen", 729764: "skier trail snow mountain", 498700: "pickup truck plow blade road",
    567085: "painting orange bowl candle pitcher",
}  # fmt: skip
#: Answers of CaD-QA by question id: longer, and with more that cannot be seen.
ANSWERS = {
    "4659_713007": "person",
    "2407781_2319027": "person game frisbee park baseball player uniform equipment",
    "2373038_2367527": "sun tree",
    "2342100_2410529": "person wear running shoe gym clothing",
    "2370736_3925": "boundary",
    "2343647_2388556": "",
    "2385487_2346995": "",
    "2349468_2376777": "",
    "2334270_2415707": "",
    "2364836_2409587": "flamingo beak neck leg ear nose fur spot",
    "2416693_1925": "person bicycle",
    "2416877_2373425": "structure train metal tower building transit cable irrigation line",
    "2384399_2365112": "mountain tree structure building road vehicle",
    "828_2354240": "vehicle hatchback car stop sign",
    "2385987_4176": "building",
    "1592727_2384580": "stove top oven cabinet door table bouquet flower trophy glasses vessel",
    "2351379_2408385": "cat flock sheep goat",
    "2387426_498166": "train truck brick building trainyard river boat bridge power cable",
    "2383972_2413335": "tennis court",
    "2408562_2347209": "",
    "2416853_2333543": "bird tree face body patch feather head",
    "2344837_2358616": "giraffe skateboarder road",
    "2394941_2350006": "woman dog family person child man",
    "2331831_2403496": "room",
    "2361798_2357783": "baby teddy bear fighter jet",
}


def found(caption: str) -> str:
    """The nouns of a caption, by the built-in tagger."""
    return ", ".join(next(tagger("rules").nouns([caption])))


@pytest.mark.parametrize(
    ("caption", "nouns"),
    [
        ("A man in a red shirt is riding two brown horses.", "man, shirt, horse"),
        ("people watch a baseball player swing", "person, baseball player"),
        ("a man looks at his watch", "man, watch"),
        ("the left traffic light shows green", "traffic light"),
        ("In the background of this image there are trees on the left side.", "tree"),
        ("two women wearing T-shirts walk to the park and sit on benches", "woman, t-shirt, park, bench"),
        ("a tennis racket, tennis rackets and some tennis", "tennis racket, tennis"),
        ("a sail boat and a sailboat", "sailboat"),
        ("An orange and an orange cup on a light blue plate", "orange, cup, plate"),
        ("surfers riding waves", "surfer, wave"),
        ("a woman waves", "woman"),
        ("the man's dog catches a frisbee", "man, dog, frisbee"),
        ("hoodies and selfies of a smiling girl", "hoodie, girl"),
        ("", ""),
        ("12 !?", ""),
    ],
)
def test_rules(caption: str, nouns: str) -> None:
    assert found(caption) == nouns


def test_every_object_is_found_by_itself_and_in_plural() -> None:
    from relata.english.words import plural

    unseen = set(listed("unseen"))
    objects = [name for name in listed("objects") if name not in unseen]
    assert len(objects) > 1000
    for form in (str, plural):
        lost = [name for name in objects if not found(f"there are some {form(name)} here")]
        assert len(lost) < 0.01 * len(objects), lost


def measured(gold: Iterable[tuple[str, str]]) -> tuple[float, float]:
    """Precision and recall over all captions, word by word, so that it does not matter what is said as one."""
    right = said = true = 0
    for caption, nouns in gold:
        words = {word for noun in next(tagger("rules").nouns([caption])) for word in noun.split()}
        wanted = set(nouns.split())
        right, said, true = right + len(words & wanted), said + len(words), true + len(wanted)
    return right / said, right / true


def test_quality_on_real_captions(shared_data: Path) -> None:
    path = shared_data / "coco_photos/annotations/captions_val2017.json"
    captions = {one["id"]: one["caption"] for one in json.loads(path.read_text())["annotations"]}
    precision, recall = measured((captions[id], nouns) for id, nouns in COCO.items())
    print(f"COCO captions: precision {precision:.3f}, recall {recall:.3f}")
    assert precision >= 0.9
    assert recall >= 0.9


def test_quality_on_long_answers(shared_data: Path) -> None:
    path = shared_data / "benchmarks/cad_vi_eval/CaD_QA_eval.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    answers = {line["question_id"]: line["answer"] for line in lines}
    precision, recall = measured((answers[id], nouns) for id, nouns in ANSWERS.items())
    print(f"CaD-QA answers: precision {precision:.3f}, recall {recall:.3f}")
    assert precision >= 0.7
    assert recall >= 0.85


def test_sets_are_numbered_from_the_rarest_and_do_not_depend_on_processes() -> None:
    captions = ["a dog on grass", "a dog and a cat", "", "a dog"] * 6000
    one, two = noun_sets(captions), noun_sets(captions, processes=2)
    assert one.names == two.names == ["cat", "grass", "dog"]
    assert (one.ids == two.ids).all()
    assert (one.starts == two.starts).all()
    assert len(one) == len(captions)
    assert [one.of(k) for k in range(4)] == [["grass", "dog"], ["cat", "dog"], [], ["dog"]]


def test_no_captions() -> None:
    empty = noun_sets([])
    assert len(empty) == 0
    assert empty.names == []


def test_unknown_and_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RelataError, match="did you mean rules"):
        tagger("rule")
    with pytest.raises(RelataError, match="takes no argument"):
        tagger("rules:x")
    monkeypatch.setitem(sys.modules, "lemminflect", None)
    with pytest.raises(MissingExtra, match=r"relata\[text\]"):
        tagger("rules")
    monkeypatch.setitem(sys.modules, "spacy", None)
    with pytest.raises(RelataError, match="pip install spacy"):
        tagger("spacy")


class _Model:
    """What is used of a spaCy model: `pipe` and `meta`."""

    meta = {"version": "3.8.0"}

    def pipe(self, texts: Iterable[str]) -> Iterator[list[SimpleNamespace]]:
        kinds = {"dogs": ("dog", "NOUN"), "image": ("image", "NOUN"), "run": ("run", "VERB"), "Rome": ("Rome", "PROPN")}
        for text in texts:
            yield [SimpleNamespace(lemma_=kinds[word][0], pos_=kinds[word][1]) for word in text.split()]


def test_a_spacy_model_is_used_if_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = types.ModuleType("spacy")
    fake.util = SimpleNamespace(is_package=lambda name: name == "en_core_web_md")  # type: ignore[attr-defined]
    fake.load = lambda name, disable: _Model()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "spacy", fake)
    with pytest.raises(RelataError, match="python -m spacy download en_core_web_sm"):
        tagger("spacy")
    made = tagger("spacy:en_core_web_md")
    assert made.name == "spacy:en_core_web_md-3.8.0"
    assert list(made.nouns(["dogs run Rome", "image dogs dogs"])) == [("dog",), ("dog",)]
