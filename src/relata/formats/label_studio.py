"""`label_studio`: scenes as Label Studio's JSON, to import there, with the labelling interface that fits them.

A scene that came from Label Studio goes back as the task it was: what has not changed since is written as it was
exported, ids, shapes and arrows included; what is gone is left out, what is new or changed is added. So nothing that a
scene has no place for is lost on the way. Other scenes become new tasks: regions are rectangles with the id `r<region
id>`, relations are arrows to the right. Masks, identities, and the kinds, scores and sources of relations have no place
in Label Studio; they are not written.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import msgspec

from relata import store
from relata.errors import RelataError
from relata.readers._draft import Draft
from relata.readers._label_studio import KEY, Result, fill, numbers, percent
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
    names: dict[str, dict[str, None]] = {"regions": {}, "relations": {}, "labels": {}}
    seen: dict[tuple[str, str], str] = {}
    for scene in scenes:
        task = _task(scene, root)
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
        else:
            tasks[key] = task
        names["regions"].update((word, None) for r in scene.regions for word in (r.label, *r.attributes))
        names["relations"].update((relation.predicate, None) for relation in scene.relations)
        names["labels"].update((label, None) for label in scene.labels)
    store.write(path, [msgspec.json.format(msgspec.json.encode(list(tasks.values())), indent=1)])
    store.write(path.with_suffix(".xml"), [_interface(names).encode()])
    return len(tasks)


def _task(scene: Scene, root: str) -> dict[str, Any]:
    """The task of a scene, with one annotation."""
    try:
        task: dict[str, Any] = msgspec.json.decode(scene.provenance.get(KEY, ""), type=dict[str, Any])
    except msgspec.DecodeError:  # of another source, or merged with one: written anew
        image = root + (urllib.parse.quote(scene.image) if root.endswith("?d=") else scene.image)
        task = {"data": {"image": image, "scene": scene.id}, "annotations": []}
    before = task["annotations"][0] if task["annotations"] else {}
    result = _results(scene, before.get("result", []))
    if before or result:
        task["annotations"] = [{**before, "result": result}]
    return task


def _results(scene: Scene, before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The results that say what the scene says, as they were where they still hold."""
    draft = Draft(scene.id, "label_studio")
    raws = [msgspec.Raw(msgspec.json.encode(item)) for item in before]
    read = {number: result for number, raw in enumerate(raws) for result in decoded([raw], draft)}
    photo = Photo(scene.image, scene.width, scene.height, {})
    labels, captions = fill(draft, list(read.values()), photo, masks=False)
    was = draft.finish(scene.id, photo, "")
    old = was if isinstance(was, Scene) else was.scene
    ids = numbers(list(read.values()))
    now = {region.id: region for region in scene.regions}
    same = {region.id for region in old.regions if region.id in now and _alike(region, now[region.id])}
    refused = set(ids.values()) - {region.id for region in old.regions}
    names = _names(scene, ids)
    said = {_triple(relation): relation for relation in scene.relations}
    known = {_triple(relation) for relation in old.relations}
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
    out += [_arrow(names, relation) for triple, relation in said.items() if triple not in done]
    out += _answers(scene, labels, captions)
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


def _alike(one: Region, other: Region) -> bool:
    """Whether two regions are the same in all that Label Studio holds; boxes may differ by the rounding of percents."""
    if (one.label, one.attributes, one.description) != (other.label, other.attributes, other.description):
        return False
    return max(abs(a - b) for a, b in zip(one.box.tuple(), other.box.tuple())) < 1e-3


def _triple(relation: Relation) -> Triple:
    return relation.subject, relation.predicate, relation.object


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


def _answers(scene: Scene, labels: list[str], captions: list[str]) -> list[dict[str, Any]]:
    """Choices and texts about the whole image that are new."""
    new = [label for label in scene.labels if label not in labels]
    texts = [caption for caption in scene.captions if caption not in captions]
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
