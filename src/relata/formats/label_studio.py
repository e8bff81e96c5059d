"""`label_studio`: scenes as Label Studio's JSON, to import there, with the labelling interface that fits them.

A scene that came from Label Studio goes back as the task it was: what has not changed since is written as it was
exported, ids, shapes and arrows included; what is gone is left out, what is new or changed is added. So nothing that a
scene has no place for is lost on the way. Other scenes become new tasks: regions are rectangles with the id `r<region
id>`, relations are arrows to the right. What Label Studio has no place for (masks, identities, provenance, the kinds,
scores and sources of relations) goes along in the task's data, and the reader puts it back where it still holds; only a
task with several annotations has no room for it.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import quoteattr

import msgspec

from relata import store
from relata.errors import RelataError
from relata.readers._draft import Draft
from relata.readers._label_studio import BEFORE, KEY, Result, alike, fill, numbers, percent, triple
from relata.readers._photos import Photo
from relata.readers.label_studio import decoded
from relata.scene import Region, Relation, Scene

#: Names of the parts of the labelling interface.
_IMAGE, _REGIONS, _LABELS, _CAPTION = "image", "region", "about", "caption"

Triple = tuple[int, str, int]


def write(scenes: Iterable[Scene], path: Path, root: str = "") -> int:
    """Write tasks to `path`, and the labelling interface beside it, with the ending `.xml`.

    Args:
        root: what to put before the paths of new tasks' images, e.g. `/data/local-files/?d=`.

    Returns:
        How many tasks were written; annotations of one task become one again.

    Raises:
        RelataError: if two scenes hold the same annotation of a task.
    """
    tasks: dict[str, dict[str, Any]] = {}
    beyond: dict[str, Scene] = {}  # what tasks have to hold along
    names: dict[str, dict[str, None]] = {"regions": {}, "relations": {}, "labels": {}}
    seen: dict[tuple[str, str], str] = {}
    for scene in scenes:
        task, whole = _task(scene, root)
        own = task["annotations"]
        key = msgspec.json.encode({**task, "annotations": []}, order="deterministic").decode()
        which = (key, str(own[0].get("id", "")) if own else "")
        if which in seen:
            raise RelataError(
                f"scenes {seen[which]} and {scene.id} are the same annotation of a task; write one of them"
            )
        seen[which] = scene.id
        if key in tasks:
            tasks[key]["annotations"] += own
            beyond.pop(key, None)
        else:
            tasks[key] = task
            if not whole:
                beyond[key] = scene
        names["regions"].update((word, None) for r in scene.regions for word in (r.label, *r.attributes))
        names["relations"].update((relation.predicate, None) for relation in scene.relations)
        names["labels"].update((label, None) for label in scene.labels)
    for key, scene in beyond.items():
        provenance = {name: text for name, text in scene.provenance.items() if name != KEY}
        tasks[key]["data"][BEFORE] = msgspec.to_builtins(scene.replace(provenance=provenance))
    store.write(path, [msgspec.json.format(msgspec.json.encode(list(tasks.values())), indent=1)])
    store.write(path.with_suffix(".xml"), [_interface(names).encode()])
    return len(tasks)


def _task(scene: Scene, root: str) -> tuple[dict[str, Any], bool]:
    """The task of a scene, with one annotation, and whether it says all that the scene says."""
    try:
        task: dict[str, Any] = msgspec.json.decode(scene.provenance.get(KEY, ""), type=dict[str, Any])
        new = BEFORE in task["data"]
    except msgspec.DecodeError:  # of another source, or merged with one: written anew
        image = root + (urllib.parse.quote(scene.image) if root.endswith("?d=") else scene.image)
        task, new = {"data": {"image": image, "scene": scene.id}, "annotations": []}, True
    before = task["annotations"][0] if task["annotations"] else {}
    was = _exported(scene, before.get("result", []))
    result = _results(scene, before.get("result", []), was)
    if before or result:
        task["annotations"] = [{**before, "result": result}]
    return task, not new and _plain(scene, was.scene)


class _Exported(NamedTuple):
    """What an export said."""

    results: dict[int, Result]
    """Those that can be read, by position."""
    scene: Scene


def _exported(scene: Scene, before: list[dict[str, Any]]) -> _Exported:
    draft = Draft(scene.id, "label_studio")
    raws = [msgspec.Raw(msgspec.json.encode(item)) for item in before]
    results = {number: result for number, raw in enumerate(raws) for result in decoded([raw], draft)}
    photo = Photo(scene.image, scene.width, scene.height, {})
    masks = any(region.mask for region in scene.regions)
    labels, captions = fill(draft, list(results.values()), photo, masks)
    was = draft.finish(scene.id, photo, "", labels=tuple(labels), captions=tuple(captions))
    return _Exported(results, was if isinstance(was, Scene) else was.scene)


def _plain(scene: Scene, was: Scene) -> bool:
    """Whether a scene says nothing that Label Studio has no place for, but for what was read from there."""
    regions = {region.id: (region.mask, region.identity) for region in was.regions}
    relations = {triple(relation): (relation.kind, relation.score, relation.source) for relation in was.relations}
    return all((r.mask, r.identity) == regions.get(r.id, (None, None)) for r in scene.regions) and all(
        (r.kind, r.score, r.source) == relations.get(triple(r), (None, None, None)) for r in scene.relations
    )


def _results(scene: Scene, before: list[dict[str, Any]], was: _Exported) -> list[dict[str, Any]]:
    """The results that say what the scene says, as they were where they still hold."""
    read, old = was
    ids = numbers(list(read.values()))
    now = {region.id: region for region in scene.regions}
    same = {region.id for region in old.regions if region.id in now and alike(region, now[region.id])}
    refused = set(ids.values()) - {region.id for region in old.regions}
    names = _names(scene, ids)
    said = {triple(relation): relation for relation in scene.relations}
    known = {triple(relation) for relation in old.relations}
    done: set[Triple] = set()
    written: set[int] = set()
    out = []
    for number, item in enumerate(before):
        result = read.get(number)
        if result is None:
            out.append(item)  # could not be read, so nobody can have changed it
        elif result.type == "relation":
            ends = {id for id in (result.from_id, result.to_id) if id in ids and ids[id] not in refused}
            means = {(ids[a], words, ids[b]) for a, words, b in result.arrows if a in ids and b in ids} & known
            if means <= said.keys() and all(ids[id] in now for id in ends):
                out.append(item)
                done |= means
        elif result.id in ids:
            region = ids[result.id]
            if region in same or region in refused:
                out.append(item)
            elif region in now and region not in written:
                out.append(_rectangle(scene, now[region], names[region]))
            written.add(region)
        else:
            out += _still(item, result, scene)
    out += [_rectangle(scene, region, names[region.id]) for region in scene.regions if region.id not in written]
    out += [_arrow(names, relation) for key, relation in said.items() if key not in done]
    out += _answers(scene, old)
    return out


def _names(scene: Scene, ids: dict[str, int]) -> dict[int, str]:
    """The shapes' ids by region id: the exported ones, and new ones for new regions."""
    names = {number: id for id, number in ids.items()}
    for region in scene.regions:
        name = f"r{region.id}"
        while region.id not in names:
            if name not in ids:
                names[region.id] = name
            name = f"r{name}"
    return names


def _rectangle(scene: Scene, region: Region, id: str) -> dict[str, Any]:
    words = [region.label, *region.attributes]
    item = {
        "id": id,
        "type": "rectanglelabels",
        "from_name": _REGIONS,
        "to_name": _IMAGE,
        "original_width": scene.width,
        "original_height": scene.height,
        "image_rotation": 0,
        "value": {**percent(region.box, scene.width, scene.height), "rectanglelabels": words},
    }
    if region.description:
        item["meta"] = {"text": [region.description]}
    if region.score is not None:
        item["score"] = region.score
    return item


def _arrow(names: dict[int, str], relation: Relation) -> dict[str, Any]:
    ends = {"from_id": names[relation.subject], "to_id": names[relation.object]}
    return {"type": "relation", "direction": "right", **ends, "labels": [relation.predicate]}


def _still(item: dict[str, Any], result: Result, scene: Scene) -> list[dict[str, Any]]:
    """A choice or text about the whole image, without what the scene says no longer."""
    value = dict(item.get("value", {}))
    if result.value.choices:
        value["choices"] = [word for word in result.value.choices if word in scene.labels or not word]
    if result.value.texts:
        value["text"] = [text for text in result.value.texts if text in scene.captions or not text.strip()]
        if isinstance(result.value.text, str) and value["text"]:
            value["text"] = result.value.text
    gone = (result.value.choices or result.value.texts) and not value.get("choices") and not value.get("text")
    return [] if gone else [{**item, "value": value} if "value" in item else item]


def _answers(scene: Scene, old: Scene) -> list[dict[str, Any]]:
    """Choices and texts about the whole image that are new."""
    new = [label for label in scene.labels if label not in old.labels]
    texts = [caption for caption in scene.captions if caption not in old.captions]
    found = []
    if new:
        found.append({"id": "labels", "type": "choices", "from_name": _LABELS, "value": {"choices": new}})
    if texts:
        found.append({"id": "captions", "type": "textarea", "from_name": _CAPTION, "value": {"text": texts}})
    return [{**item, "to_name": _IMAGE} for item in found]


def _interface(names: dict[str, dict[str, None]]) -> str:
    """The labelling interface: what can be drawn, said and linked."""
    region = "".join(f"    <Label value={quoteattr(word)}/>\n" for word in names["regions"])
    link = "".join(f"    <Relation value={quoteattr(word)}/>\n" for word in names["relations"])
    choice = "".join(f"    <Choice value={quoteattr(word)}/>\n" for word in names["labels"])
    return (
        "<View>\n"
        f'  <Image name="{_IMAGE}" value="$image" zoom="true"/>\n'
        f'  <RectangleLabels name="{_REGIONS}" toName="{_IMAGE}" choice="multiple">\n{region}  </RectangleLabels>\n'
        f"  <Relations>\n{link}  </Relations>\n"
        f'  <Choices name="{_LABELS}" toName="{_IMAGE}" choice="multiple">\n{choice}  </Choices>\n'
        f'  <TextArea name="{_CAPTION}" toName="{_IMAGE}" maxSubmissions="0" editable="true"/>\n'
        "</View>\n"
    )
