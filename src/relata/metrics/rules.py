"""The rules by which triplets are matched and averaged, as data; the published sets of them, as they are and mended."""

from __future__ import annotations

from typing import Literal

from relata.errors import unknown
from relata.scene import Record


class Rules(Record, frozen=True):
    """Every choice in a triplet recall. Two numbers can be compared when their rules are equal."""

    name: str
    cuts: tuple[int | None, ...] = (20, 50, 100)
    """How many predictions of an image count; None: all. The first is the headline."""
    drop_last: bool = False
    """Lose the last prediction that the cut left, as `asmv2-predcls-official` does."""
    order: Literal["given", "score"] = "given"
    """Predictions in the order of the graph, or by falling score (equal scores stay in order)."""
    constraint: Literal["none", "before the cut", "after the cut"] = "none"
    """The graph constraint: of each pair of regions only the first predicate counts. Before the cut, a pair takes one
    place among the first K; after it, suppressed predictions have used up theirs. Only the latter guarantees that
    dropping the constraint never lowers recall at the same K."""
    duplicates: Literal["keep", "first"] = "keep"
    """Whether the same pair of regions with the same predicate uses up K again."""
    averaging: Literal["micro", "image"] = "image"
    """Recall pooled over all gold triplets, or the mean of the images' recalls."""
    mean_over: Literal["present", "all"] = "present"
    """Mean recall over the predicates that the gold has, or over the whole vocabulary, the others counting 0."""
    empty: Literal["zero", "skip"] = "zero"
    """What an image without predictions does to the averages. Images without gold are always left out."""
    locate: Literal["boxes", "regions", "labels"] = "boxes"
    """When a predicted object is the gold one, besides its label: by IoU, by being the same region of the list that was
    given to the model, or by the label alone."""
    iou: float = 0.5
    comparison: Literal[">=", ">"] = ">="
    """How the IoU of subject and object must stand to `iou`."""
    gold_labels: Literal["exact", "first part", "phrase"] = "exact"
    labels: Literal["exact", "words", "phrase", "nearest"] = "exact"
    predicates: Literal["exact", "nearest"] = "exact"
    """How words are brought together before they are compared; see `relata.metrics.labels`."""


PRESETS: dict[str, Rules] = {
    rules.name: rules
    for rules in (
        # OpenPSG, sgg_metrics.py: the mean runs over all 56 predicates even if the gold has fewer, and an image without
        # predictions is skipped, which flatters models that say little.
        Rules("openpsg-official", constraint="before the cut", mean_over="all", empty="skip"),
        Rules("openpsg-fixed", constraint="after the cut", duplicates="first"),
        # All-Seeing v2, eval_psg.py: pooled over the file, no cut, every word of a phrase is a label, gold labels end
        # at their first hyphen. The paper says IoU > 0.5.
        Rules("asmv2-official", cuts=(None,), averaging="micro", gold_labels="first part", labels="words"),
        Rules("asmv2-fixed", comparison=">", duplicates="first", gold_labels="phrase", labels="phrase"),
        # All-Seeing v2, eval_psg_pred_cls.py: the cut list loses its last item again (R@20 is R@19), there is no graph
        # constraint although the baselines have one, and two objects of one class are one.
        Rules("asmv2-predcls-official", drop_last=True, order="score", averaging="micro", locate="labels"),
        Rules("asmv2-predcls-fixed", order="score", constraint="before the cut", duplicates="first", locate="regions"),
        # Synthetic Visual Genome says: R@20, nearest label by embedding, IoU > 0.5. The rest is not published; we take
        # OpenPSG's averages, for its numbers stand in the same table.
        Rules("robin-official", mean_over="all", comparison=">", labels="nearest", predicates="nearest"),
        Rules("robin-fixed", comparison=">", duplicates="first", labels="nearest", predicates="nearest"),
    )
}


def preset(name: str) -> Rules:
    """The published rules of this name.

    Raises:
        RelataError: if there are none; near names are offered.
    """
    if name not in PRESETS:
        unknown("set of rules", name, PRESETS)
    return PRESETS[name]
