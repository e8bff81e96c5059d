"""What a user holds: the shipped model asked about rendered scenes, and questions that cannot be asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from PIL import Image

from models.small import boxes_of, loaded, small
from models.test_auto import robin
from relata.errors import RelataError
from relata.models import checkpoint, load
from relata.models.model import Model
from relata.scene import Box, Scene
from relata.synth.edit import Pair, edit
from relata.synth.records import to_group, to_scene
from relata.synth.render import render
from relata.synth.world import World, world
from relata.tasks import PairFacts, comparison
from relata.train.mixture import ONE, Mixture
from relata.train.packing import collate, pack
from relata.train.run import Turns


@pytest.fixture(scope="module")
def tiny() -> Model:
    return load("tiny")


@pytest.fixture(scope="module")
def drawn() -> World:
    return world(5, 2, "test")


def test_graph_of_a_picture(tiny: Model, drawn: World) -> None:
    """Given its regions, the shipped model names nearly all of them, and what it relates is mostly so."""
    gold = to_scene(drawn, "gold", "gold.png", full=False)
    found = tiny.graph(render(drawn), boxes_of(drawn))
    assert [r.box for r in found.regions] == boxes_of(drawn)
    named = [a.label == b.label for a, b in zip(found.regions, gold.regions)]
    assert sum(named) >= len(named) - 1
    true = {(r.subject, r.predicate, r.object) for r in gold.relations}
    told = [(r.subject, r.predicate, r.object) for r in found.relations]
    assert told
    assert sum(t in true for t in told) >= len(told) / 2
    assert all(r.source == "tiny" and 0.9 <= (r.score or 0) <= 1 for r in found.relations)
    assert found.provenance == {"model": "tiny"}


def test_regions_found_by_the_model(tiny: Model, drawn: World, tmp_path: Path) -> None:
    """From a file, twice as large: boxes are in the pixels of that file, each near one that is there."""
    from relata.geometry import iou

    Image.fromarray(render(drawn)).resize((192, 192), Image.Resampling.NEAREST).save(tmp_path / "large.png")
    found = tiny.graph(tmp_path / "large.png")
    assert (found.width, found.height, found.id) == (192, 192, "large")
    true = [Box(*(2 * v for v in box.tuple())) for box in boxes_of(drawn)]
    assert len(found.regions) == len(true)
    assert all(max(iou(box, region.box) for region in found.regions) > 0.5 for box in true)


def test_graph_as_one_reply(tiny: Model, drawn: World) -> None:
    found = tiny.graph_text(render(drawn), boxes_of(drawn))
    assert [r.label for r in found.regions] == [r.label for r in tiny.graph(render(drawn), boxes_of(drawn)).regions]


def test_scenes_as_questions(tiny: Model, drawn: World, tmp_path: Path) -> None:
    """A scene brings its regions, by its own ids."""
    Image.fromarray(render(drawn)).save(tmp_path / "one.png")
    scene = to_scene(drawn, "one", str(tmp_path / "one.png"), full=False)
    renumbered = scene.replace(
        regions=tuple(r.replace(id=r.id + 40) for r in scene.regions),
        relations=tuple(r.replace(subject=r.subject + 40, object=r.object + 40) for r in scene.relations),
    )
    first = renumbered.relations[0]
    assert tiny.relation(renumbered, first.subject, first.object) == first.predicate
    others = ["attached to", first.predicate, "in"]
    assert tiny.relation(renumbered, first.subject, first.object, choices=others) == first.predicate
    assert [r.id for r in tiny.graph(renumbered).regions] == [r.id for r in renumbered.regions]
    region = renumbered.regions[0]
    assert region.box in tiny.locate(renumbered, region.label)
    with pytest.raises(RelataError, match="no region 7"):
        tiny.relation(renumbered, 7, first.object)


def test_two_pictures(tiny: Model) -> None:
    """Of five edited pairs, most are compared without a mistake."""
    import random

    pairs: list[Pair] = [edit(random.Random(k), world(9, k, "test"), "test") for k in range(5)]
    right = 0
    for pair in pairs:
        group = to_group(pair, "pair")
        regions = [[r.box for r in scene.regions] for scene in group.scenes]
        look = tiny.look([render(pair.before), render(pair.after)], regions)
        found, true = tiny.compare_look(look), comparison.true(PairFacts(group))
        right += set(found.common) == set(true.common) and set(found.differences) == set(true.differences)
    assert right >= 3


def test_a_question_in_words(tiny: Model, drawn: World) -> None:
    scene = to_scene(drawn, "one", "one.png", full=False)
    reply = tiny.look([render(drawn)], [boxes_of(drawn)]).ask([tiny.look([render(drawn)]).read("count all ?")])
    assert reply == [str(len(scene.regions))]


def test_what_cannot_be_asked(tiny: Model, tmp_path: Path) -> None:
    grey = np.full((96, 96, 3), 200, np.uint8)
    with pytest.raises(RelataError, match="compare takes two images, not 1"):
        tiny.compare([grey])
    with pytest.raises(RelataError, match="no image"):
        tiny.graph(tmp_path / "absent.png")
    with pytest.raises(RelataError, match="13 regions in one conversation, but the model has 12"):
        tiny.graph(grey, [Box(k, 0, k + 5, 9) for k in range(13)])
    assert tiny.graph(grey).regions == ()
    assert tiny.graph(grey, []).relations == ()
    assert tiny.graph(Scene("s", "s.png", 9, 9).replace(image=str(_saved(tmp_path)))).regions == ()


def _saved(folder: Path) -> Path:
    Image.new("RGB", (9, 9), (200, 200, 200)).save(folder / "grey.png")
    return folder / "grey.png"


def test_a_tower_without_a_detector() -> None:
    _, processor = small()
    model = Model(robin(len(processor.tokenizer) - 12), processor, "robin")
    grey = np.full((96, 96, 3), 200, np.uint8)
    with pytest.raises(RelataError, match="the vision tower of robin finds no regions itself; give regions"):
        model.graph(grey)
    with pytest.raises(RelataError, match="robin has no closed list of predicates; ask it for its graph as text"):
        model.graph(grey, [Box(0, 0, 9, 9), Box(20, 20, 30, 30)])
    assert len(model.graph_text(grey, [Box(0, 0, 9, 9), Box(20, 20, 30, 30)]).regions) == 2


def test_looks_are_blind_on_request() -> None:
    model, drawn = loaded(), world(0, 1)
    pixels, boxes = render(drawn), [boxes_of(drawn)]
    asked = [model.look([pixels], boxes).read("name <r0> ?")]
    seeing = model.look([pixels], boxes).rank(asked, [["circle"]])
    blind = model.look([pixels], boxes, blind=True).rank(asked, [["circle"]])
    other = model.look([255 - pixels], boxes, blind=True).rank(asked, [["circle"]])
    assert blind == other != seeing


def test_adapters_of_peft(tmp_path: Path) -> None:
    """LoRA on two projections by hand, as peft's own pages do it: saved, and put on again by `load`."""
    network, processor = small()
    network.save_pretrained(tmp_path / "base")
    processor.save_pretrained(tmp_path / "base")
    network.requires_grad_(False)
    network.decoder = get_peft_model(network.decoder, LoraConfig(r=4, target_modules=["q_proj", "v_proj"]))
    assert isinstance(network.decoder, PeftModel)
    rows = [Mixture(dict.fromkeys(ONE, 1.0)).row(0, 0, k) for k in range(2)]
    batch = collate(rows, [pack(row, processor, 120, None, "row") for row in rows], processor)
    job = Turns(network.train())
    optimiser = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], 0.02)
    losses = []
    for _ in range(4):
        loss = job(batch)[0]
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    network.decoder.save_pretrained(tmp_path / "adapter")
    again = load(tmp_path / "base", adapter=tmp_path / "adapter").network
    base, _ = checkpoint(tmp_path / "base")
    del batch["turn"], batch["labels"]
    with torch.no_grad():
        tuned = network.eval()(**batch).logits
        assert torch.allclose(again(**batch).logits, tuned, atol=1e-4)
        assert not torch.allclose(base.eval()(**batch).logits, tuned, atol=1e-2)
