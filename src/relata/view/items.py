"""Records turned into what a page draws, see `relata.view.parts`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from relata.chat import Example, Preference
from relata.scene import Group, Scene
from relata.view.edited import Edited, edited
from relata.view.parts import Item, Show
from relata.view.scenes import group, scene
from relata.view.talks import example, preference
from relata.view.words import counted

Drawn = Scene | Group | Example | Preference | Edited
"""What has pictures, and is drawn."""

#: A set of graphs is called suspicious when one predicate makes up this share of at least so many relations.
ALARM_SHARE = 0.8
ALARM_COUNT = 20


def item(record: Drawn, show: Show) -> Item:
    """What a page draws for one record; `show` gives the address of an image."""
    if isinstance(record, Example):
        return example(record, show)
    if isinstance(record, Preference):
        return preference(record, show)
    if isinstance(record, Edited):
        return edited(record, show)
    return group(record, show) if isinstance(record, Group) else scene(record, show)


def summary(items: Sequence[Item]) -> list[str]:
    """Counts of a set of items, and an alarm when nearly all relations have the same predicate.

    A model that has collapsed answers every pair alike ("on top of"); the share of the commonest predicate shows it.
    """
    edges = [edge for item in items for edge in item.edges if not edge.link]
    predicates = Counter(edge.predicate for edge in edges)
    total = predicates.total()
    lines = []
    if predicates:
        lines.append(f"{counted(total, 'relation')}, {counted(len(predicates), 'predicate')}")
        top, count = predicates.most_common(1)[0]
        lines.append(f"most common: {top}, {count / total:.0%}")
        if total >= ALARM_COUNT and count >= ALARM_SHARE * total:
            lines.append(f"Warning: nearly every relation is '{top}'; so answers a model that treats all pairs alike")
    changes = Counter(edge.change for edge in edges if edge.change not in ("", "rejected"))
    if changes:
        lines.append(", ".join(f"{count:,} {change}" for change, count in sorted(changes.items())))
    return lines
