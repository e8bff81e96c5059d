"""Of which kind a relation is, told by its words: spatial, interactional, functional, social, emotional.

The five kinds of Synthetic Visual Genome (section 2.1). A word decides only where it does so in any photo; what cannot
be told has no kind.
"""

from __future__ import annotations

from functools import lru_cache

from relata.english.predicates import plain
from relata.english.words import words
from relata.scene import Kind

#: By the first word of the predicate, in the forms in which data sets write it.
_FIRST: dict[Kind, frozenset[str]] = {
    "spatial": words(
        """
        on in at over under above below behind beside near by left right inside outside around between against along
        across atop beneath underneath within next close front far adjacent top bottom opposite surrounding surrounded
        overlapping facing towards toward beyond through amid among amidst alongside parked mounted standing sitting
        lying laying seated located
        """
    ),
    "interactional": words(
        """
        holding holds carrying carries riding rides touching touches eating eats drinking biting chewing licking
        sniffing catching catches throwing throws kicking kicks hitting hits swinging pushing pushes pulling pulls
        grabbing gripping lifting reaching pointing looking looks watching watches staring reading walking walks running
        jumping jumps climbing chasing chases picking opening closing cutting slicing cooking cleaning washing brushing
        feeding leading leads leaning leans hanging flying skiing surfing skateboarding snowboarding crossing entering
        exiting dropping dragging stepping grazing
        """
    ),
    "functional": words(
        """
        using uses used wearing wears worn covering covers covered supporting supports supported containing contains
        protecting protects attached connected tied fastened powering lighting lights illuminating made part
        belonging belongs driving drives operating displaying displays storing serving filled decorating decorated
        shading shades working typing steering
        """
    ),
    "social": words(
        """
        talking speaking chatting accompanying guiding teaching helping posing hugging kissing greeting
        following waiting caring cared married dancing competing cooperating sharing parenting babysitting
        supervising shaking celebrating
        """
    ),
    "emotional": words(
        """
        loving loves enjoying enjoys admiring admires fearing afraid scared interested bored happy sad angry excited
        affectionate fond proud curious worried comforting bonding amused attentive frightened relaxed smiling laughing
        """
    ),
}
#: Whole predicates that their first word does not tell.
_WHOLE: dict[str, Kind] = {
    "talking on": "functional",
    "playing with": "social",
    "playing": "interactional",
    "with": "spatial",
    "smiling at": "emotional",
    "laughing with": "emotional",
    "sitting with": "social",
    "standing with": "social",
    "walking with": "social",
    "in love with": "emotional",
    "of": "functional",
    "has": "functional",
    "have": "functional",
    "for": "functional",
    "in use by": "functional",
}
_BY_FIRST = {word: kind for kind, known in _FIRST.items() for word in known}


@lru_cache(maxsize=65536)
def kind(predicate: str) -> Kind | None:
    """The kind of a predicate, or None where its words do not tell."""
    text = plain(predicate)
    if text in _WHOLE:
        return _WHOLE[text]
    return _BY_FIRST.get(text.split(" ")[0]) if text else None
