"""`geometry`: what was done to an object between two pictures; the second picture is made here (RelationVLM).

An object is cut out of a photo by its mask, or by its box if it has none, and flipped, rotated, scaled, moved or made
brighter or darker, one to three of these (see `relata.transforms`, also for the signs). The new picture and a copy of
the old one go to the run's folder. A teacher is told the exact steps and describes them, then makes a dialogue of that;
a description that leaves a step out or turns a rotation the wrong way is rejected. The exact parameters are kept as
`transform` in the example's provenance.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Annotated

import numpy as np
from msgspec import Meta
from PIL import Image
from scipy import ndimage

from relata import across, images, notation, transforms
from relata.chat import Example
from relata.english import changes, words
from relata.english.comparison import sides
from relata.errors import RelataError
from relata.filters import Rejection
from relata.geometry import containment, rle_decode, rle_encode
from relata.recipes._here import Here
from relata.recipes._relation import Item, described, dialogue, fill, first, sheets
from relata.scene import Group, Link, Region, Scene
from relata.teachers import Prompt
from relata.transforms import Bools, Made, Step

Count = Annotated[int, Meta(ge=1)]
Steps = Annotated[int, Meta(ge=1, le=6)]

#: Share of the picture that an object may cover: it has to be seen, and what is behind it to be guessed.
_AREA = (0.005, 0.25)
#: The shorter side of its box, as a share of the picture's longer one: no one sees what was done to a sliver.
_SIDE = 0.04
#: Share of the object that has to stay in the picture.
_VISIBLE = 0.8
#: Share of a mask that has to hang together; else it is a crowd, or a thing that others cut into pieces.
_WHOLE = 0.9
#: Another thing is left out of the second picture when the object covers this share of its box.
_HIDDEN = 0.5
#: Draws until the object stays in the picture and every step can be seen.
_TRIES = 30

_ASK = (
    "How has the object changed from the first image to the second?",
    "What was done to one of the objects between the first image and the second?",
    "Which transformation turns the first picture into the second?",
    "Compare the two pictures: what happened to the object, and by how much?",
    "Describe how the object was transformed.",
)


def items(scene: Scene, here: Here, *, objects: Count = 1, steps: Steps = 3) -> Iterator[Item | Rejection]:
    """Pairs of the scene's picture and a changed one.

    Args:
        objects: pairs per scene, at most, each of another object.
        steps: most steps of one pair; from one on, all are equally likely.
    """
    found = [region for region in scene.regions if _suits(region, scene)]
    if not found:
        yield Rejection("no-object", "no region can be cut out: none, or too small, too large or cut off", scene.id)
        return
    try:
        picture = images.load(scene.image, here.images)
    except RelataError as error:
        yield Rejection("no-picture", str(error), scene.id)
        return
    if picture.size != (scene.width, scene.height):
        size = f"the file has {picture.width} x {picture.height} px, the record says {scene.width} x {scene.height}"
        yield Rejection("wrong-size", size, scene.id)
        return
    for region in here.rng.sample(found, min(objects, len(found))):
        yield _pair(scene, region, np.asarray(picture), here, steps)


def prompt(item: Item) -> Prompt:
    """What a teacher is asked."""
    link = item.source.links[0]
    done = [f"{k}. {told}" for k, told in enumerate(changes.told(transforms.from_json(link.transform or "[]")), 1)]
    one, other = _ends(item.source)
    now = across.before(item.source.scenes, 1) + other + 1
    known = f"{sheets(item.source)}\n\nChanged: [{one + 1}] is now [{now}].\n" + "\n".join(done)
    return fill(item, "geometry", known)


def offline(item: Item, rng: random.Random) -> str:
    """The reply made by rules from the steps."""
    if item.step == "dialogue":
        return f"Q: {rng.choice(_ASK)}\nA: {item.description}"
    group = item.source
    link = group.links[0]
    done = transforms.from_json(link.transform or "[]")
    before, after = sides(group)
    one, other = _ends(group)
    subject, now = before.known(one), after.cite(f"the {notation.cite(after.names.nouns[other], [other + 1])}")
    told = changes.told(done)
    if len(told) == 1:
        return words.sentence(f"{subject} in the first image has been {told[0]}; in the second image it is {now}")
    then = ". Then it was ".join(told[1:])
    return words.sentence(
        f"{subject} in the first image was {told[0]}. Then it was {then}. In the second image it is {now}"
    )


def read(reply: str, item: Item) -> Item | Example | Rejection:
    """The description leads to a dialogue, the dialogue is the example; both have to tell every step."""
    link = item.source.links[0]
    outcome = described(reply, item) if item.step == "describe" else dialogue(reply, item)
    if isinstance(outcome, Rejection):
        return outcome
    fault = changes.wrong(reply, transforms.from_json(link.transform or "[]"))
    if fault:
        return Rejection("wrong-transform", fault)
    if isinstance(outcome, Example):
        return outcome.replace(provenance={**item.source.provenance, "transform": link.transform or ""})
    return outcome


def _ends(group: Group) -> tuple[int, int]:
    """Positions of the object in both scenes."""
    link = group.links[0]
    ids = [[region.id for region in scene.regions] for scene in group.scenes]
    return ids[0].index(link.first[1]), ids[1].index(link.second[1])


def _suits(region: Region, scene: Scene) -> bool:
    """Whether an object can be cut out: of a fit size, not cut off by the picture's edge, and no stuff like grass."""
    box = region.box
    share = box.area / (scene.width * scene.height)
    inside = box.x1 > 1 and box.y1 > 1 and box.x2 < scene.width - 1 and box.y2 < scene.height - 1
    seen = _AREA[0] <= share <= _AREA[1] and min(box.width, box.height) >= _SIDE * max(scene.width, scene.height)
    noun = words.clean(region.label)
    return inside and seen and not (words.is_mass(noun) or words.is_unique(noun))


def _pair(scene: Scene, region: Region, pixels: transforms.Pixels, here: Here, most: int) -> Item | Rejection:
    id = f"{scene.id}/{region.id}"
    mask = _mask(region, scene)
    if mask is None:
        return Rejection("bad-mask", f"the mask of region {region.id} is empty, or in pieces", id)
    others = np.zeros_like(mask)
    for other in scene.regions:
        if other.id != region.id:
            others |= _pixels(other, scene)
    fault = Rejection("no-room", f"region {region.id} leaves the picture whatever is done to it", id)
    for _ in range(_TRIES):
        steps = transforms.draw(here.rng, scene.width, scene.height, most)
        if transforms.visible(mask, steps) < _VISIBLE:
            continue
        if transforms.told_apart(pixels, mask, steps):
            return _item(scene, region, transforms.apply(pixels, mask, steps, others), steps, here)
        fault = Rejection("not-seen", f"region {region.id} looks as before whatever is done to it", id)
    return fault


def _mask(region: Region, scene: Scene) -> Bools | None:
    """The object's pixels; None if they are not of one piece."""
    mask = _pixels(region, scene)
    parts, count = ndimage.label(mask)
    return mask if count and np.bincount(parts.ravel())[1:].max() >= _WHOLE * mask.sum() else None


def _pixels(region: Region, scene: Scene) -> Bools:
    """The pixels of a region's mask, or of its box if it has none that fits the picture."""
    if region.mask is not None and region.mask.size == (scene.height, scene.width):
        return rle_decode(region.mask)
    mask = np.zeros((scene.height, scene.width), dtype=bool)
    x1, y1, x2, y2 = map(round, region.box.tuple())
    mask[y1:y2, x1:x2] = True
    return mask


def _item(scene: Scene, region: Region, made: Made, steps: tuple[Step, ...], here: Here) -> Item:
    """The question about a pair, whose pictures are written now."""
    name = f"{scene.id}-{region.id}"
    changed = region.replace(box=made.box, mask=rle_encode(made.mask))
    kept = [r for r in scene.regions if r.id != region.id and containment(r.box, made.box) < _HIDDEN]
    regions = tuple(
        changed if r.id == region.id else r.replace(mask=None) for r in scene.regions if r in (*kept, region)
    )
    before = scene.replace(image=here.keep(scene.image))
    after = Scene(
        f"{scene.id}-after",
        here.save(f"{name}-after", Image.fromarray(made.pixels)),
        scene.width,
        scene.height,
        regions,
    )
    links = (Link((0, region.id), (1, region.id), transforms.to_json(steps)),)
    provenance = {**scene.provenance, "relation": "transformed", "label": region.label}
    group = Group(f"{scene.id}/{region.id}", (before, after), links, None, provenance)
    return first("geometry", group, here.out)
