"""A scene in the making: what does not fit is left out and reported, instead of sinking the whole scene."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from relata.errors import RelataError
from relata.readers._outcome import Partial, Rejected
from relata.readers._photos import Photo
from relata.scene import Box, Kind, Mask, Region, Relation, Scene


class Draft:
    """Collects regions and relations as published, then gives the scene and the list of what had to be left out.

    Args:
        where: file and record, e.g. `data/psg.json: image 107902`.
        source: the format's name, kept in every relation.
    """

    def __init__(self, where: str, source: str) -> None:
        self.where = where
        self.source = source
        self.problems: list[Rejected] = []
        self.regions: dict[int, Region] = {}
        self._refused: set[int] = set()
        self._relations: dict[tuple[int, str, int], tuple[int, Relation]] = {}
        self._said = 0

    def problem(self, part: str, reason: str) -> None:
        """Report that a part was left out."""
        self.problems.append(Rejected(f"{self.where} {part}", reason, part=True))

    def region(
        self,
        id: int,
        label: str,
        box: Sequence[float],
        attributes: tuple[str, ...] = (),
        description: str | None = None,
        mask: Mask | None = None,
        identity: str | None = None,
    ) -> None:
        """Add a region; `box` is x1, y1, x2, y2 in pixels, not checked yet."""
        if not label:
            self.no_region(id, "has no label; name it in the file")
            return
        try:
            checked = Box(*box)
        except RelataError as error:
            self.no_region(id, f"{error}; mend the box in the file", label)
            return
        if id in self.regions:
            self.problem(f"region {id} ({label})", f"its id belongs to {self.regions[id].label!r} already")
        else:
            self.regions[id] = Region(id, label, checked, mask, attributes, description, identity)

    def no_region(self, id: int, reason: str, label: str = "") -> None:
        """Report a region that cannot be added."""
        self.problem(f"region {id} ({label})" if label else f"region {id}", reason)
        self._refused.add(id)

    def relation(self, subject: int, predicate: str, object: int, kind: Kind | None = None) -> None:
        """Add a relation between region ids. A relation of a region to itself, or said before, is left out."""
        number = self._said
        self._said += 1
        key = (subject, predicate, object)
        if not predicate:
            self.problem(f"relation {number}", f"between regions {subject} and {object} has no predicate")
        elif subject == object:
            self.problem(f"relation {number}", f"{predicate!r} relates region {subject} to itself")
        elif key in self._relations:
            self.problem(f"relation {number}", f"{predicate!r} of {subject} and {object} was said before; once is kept")
        else:
            self._relations[key] = (number, Relation(subject, predicate, object, kind, None, self.source))

    def free(self) -> int:
        """An id that neither a region nor the end of a relation has, nor any greater one."""
        ends = (end for subject, _, object in self._relations for end in (subject, object))
        return max((-1, *self.regions, *self._refused, *ends)) + 1

    def no_relation(self, reason: str) -> None:
        """Report a relation that cannot be added; those after it keep their number."""
        self.problem(f"relation {self._said}", reason)
        self._said += 1

    def finish(self, id: str, photo: Photo, file: str, **rest: Any) -> Scene | Partial:
        """The scene, with the problems if there are any; `rest` are further fields of the scene.

        Raises:
            RelataError: if the size is not positive.
        """
        image, width, height, origin = photo
        provenance = {"format": self.source, "file": file, **origin, **rest.pop("provenance", {})}
        bare = Scene(id, image, width, height, provenance=provenance, **rest)
        try:
            scene = bare.replace(
                regions=tuple(self.regions.values()),
                relations=tuple(relation for _, relation in self._relations.values()),
            )
        except RelataError:
            scene = self._mended(bare)
        return Partial(scene, tuple(self.problems)) if self.problems else scene

    def _mended(self, bare: Scene) -> Scene:
        regions = tuple(region for region in self.regions.values() if self._fits(bare, region))
        ids = {region.id for region in regions}
        relations = []
        for number, relation in self._relations.values():
            missing = [end for end in (relation.subject, relation.object) if end not in ids]
            if missing:
                known = missing[0] in self.regions or missing[0] in self._refused
                why = "was left out" if known else f"is not among the {len(self.regions)} regions"
                self.problem(f"relation {number}", f"{relation.predicate!r} points to region {missing[0]}, which {why}")
            else:
                relations.append(relation)
        return bare.replace(regions=regions, relations=tuple(relations))

    def _fits(self, bare: Scene, region: Region) -> bool:
        try:
            bare.replace(regions=(region,))
        except RelataError as error:
            self.problem(f"region {region.id} ({region.label})", str(error))
            return False
        return True
