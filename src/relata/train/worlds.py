"""Scenes of the synthetic world without masks and captions, which training does not need: a tenth of the cost."""

from __future__ import annotations

from relata.scene import Box, Group, Link, Region, Relation, Scene
from relata.synth.edit import Pair
from relata.synth.world import PREDICATES, SIZE, World


def scene_of(world: World, id: str = "world") -> Scene:
    regions = tuple(
        Region(k, world.label(k), Box(*world.boxes[k]), attributes=("large" if world.large[k] else "small",))
        for k in range(len(world.boxes))
    )
    relations = tuple(Relation(i, PREDICATES[p], j) for (i, j), p in world.relations.items())
    return Scene(id, id, SIZE, SIZE, regions, relations)


def group_of(pair: Pair, id: str = "pair") -> Group:
    links = tuple(Link((0, before), (1, after), pair.transforms[before]) for before, after in pair.links)
    return Group(id, (scene_of(pair.before, f"{id}/0"), scene_of(pair.after, f"{id}/1")), links)
