"""Training rows of other tools, as they are: LLaVA's JSON, ShareGPT (LLaMA-Factory), messages (ms-swift, OpenAI).

They agree in all that matters here: turns with a speaker and a text, images in a field of their own, and one `<image>`
in the text for each. What they call these differs, and that is all this file knows of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from relata.dialects._scan import SLOT
from relata.linter import markup, talk
from relata.linter.fields import shown
from relata.linter.sheet import Picture, Row, Sheet

Json = dict[str, Any]

#: Fields that some trainer or data set has; others are likely misspelt.
KNOWN = frozenset(
    {
        "id", "image", "images", "conversations", "messages", "system", "tools", "width", "height", "width_list",
        "height_list", "videos", "video", "audios", "audio", "objects", "chosen", "rejected", "rejected_response",
        "rejected_conversations", "rejected_messages", "label", "kto_tag", "task", "source", "dataset", "channel",
        "loss", "margin", "metadata", "meta", "provenance", "recipe", "category", "question_id", "model", "data_source",
        "solution", "size", "data_type", "clip_sim_score",
    }
)  # fmt: skip
#: Placeholders of other media, and the fields that may hold their files.
_MEDIA = {"<video>": ("videos", "video"), "<audio>": ("audios", "audio")}
_SPEAKERS = ("from", "role")
_TEXTS = ("value", "content")


def check(raw: Json, sheet: Sheet, measure: Callable[[Picture], Picture] | None = None) -> Row:
    """One row of conversations.

    Args:
        measure: gives an image the size of its file, where the row does not tell it.
    """
    for name in raw:
        if name not in KNOWN:
            sheet.add("odd-field", name)
    id = raw.get("id", "")
    if not isinstance(id, (str, int)):
        sheet.add("wrong-type", f"id is {shown(id)}, not text or a number")
    pictures = _pictures(raw, sheet)
    turns = _turns(raw, sheet)
    if turns is None:
        return Row(str(id), tuple(pictures))
    answers = _answers(raw, sheet)
    talk.check(turns, sheet, open_end=len(answers) == 2)
    for number, (_, text) in enumerate(turns):
        talk.tokens(text, f"turn {number}", sheet)
    _placeholders(turns, raw, len(pictures), sheet)
    sized = [measure(picture) for picture in pictures] if measure else pictures
    predicates = markup.check([*turns, *answers], sized, raw.get("objects"), sheet)
    apart = str(raw.get("objects", ""))
    return Row(str(id), tuple(pictures), (*turns, *answers), tuple(predicates), apart)


def _pictures(raw: Json, sheet: Sheet) -> list[Picture]:
    """The images that a row names, with their sizes if it tells them."""
    named: Any = raw.get("images") if raw.get("images") is not None else raw.get("image")
    if named is None or named == "":
        return []
    if isinstance(named, str):
        if "images" in raw:
            sheet.add("images-not-a-list", f"images is {shown(named)}, not a list")
        named = [named]
    if not isinstance(named, list):
        sheet.add("wrong-type", f"{'images' if 'images' in raw else 'image'} is {shown(named)}, not a list of paths")
        return []
    found = []
    for number, image in enumerate(named):
        path = image.get("path") if isinstance(image, dict) else image
        if not isinstance(path, str):
            sheet.add("wrong-type", f"image {number} is {shown(image)}, not a path")
            continue
        width, height = (_side(raw, name, number, sheet) for name in ("width", "height"))
        found.append(Picture(path, width, height))
    return found


def _side(raw: Json, name: str, number: int, sheet: Sheet) -> int:
    """A side of an image in pixels; 0 if the row does not tell."""
    told = raw.get(name, raw.get(f"{name}_list"))
    side = told[number] if isinstance(told, list) and number < len(told) else told
    if side is None or (isinstance(told, list) and number >= len(told)) or (number and not isinstance(told, list)):
        return 0
    if not isinstance(side, int) or isinstance(side, bool) or side < 0:
        sheet.add("wrong-type", f"{name} is {shown(side)}, not pixels")
        return 0
    return side


def _turns(raw: Json, sheet: Sheet) -> list[tuple[str, str]] | None:
    """Role and text of each turn; None if they cannot be read."""
    name = next(name for name in ("conversations", "messages") if name in raw)
    if not isinstance(raw[name], list):
        sheet.add("wrong-type", f"{name} is {shown(raw[name])}, not a list of turns")
        return None
    turns = []
    for number, turn in enumerate(raw[name]):
        read = _turn(turn, f"{name}[{number}]", sheet)
        if read is None:
            return None
        turns.append(read)
    if isinstance(raw.get("system"), str) and raw["system"] and (not turns or turns[0][0] != "system"):
        turns.insert(0, ("system", raw["system"]))
    return turns


def _turn(turn: Any, at: str, sheet: Sheet) -> tuple[str, str] | None:
    if not isinstance(turn, dict):
        sheet.add("wrong-type", f"{at} is {shown(turn)}, not an object with speaker and text")
        return None
    speaker = next((name for name in _SPEAKERS if name in turn), None)
    text = next((name for name in _TEXTS if name in turn), None)
    if speaker is None or text is None:
        sheet.add("missing-field", f"{at}.{_SPEAKERS[0] if speaker is None else _TEXTS[0]}")
        return None
    said = turn[text]
    if isinstance(said, list):  # OpenAI's parts
        said = "".join(_part(part) for part in said)
    if not isinstance(said, str):
        sheet.add("wrong-type", f"{at}.{text} is {shown(said)}, not text")
        return None
    role = talk.ROLES.get(turn[speaker]) if isinstance(turn[speaker], str) else None
    if role is None:
        sheet.add("unknown-role", f"{at}.{speaker} is {shown(turn[speaker])}")
        return None
    return role, said


def _part(part: Any) -> str:
    if isinstance(part, dict):
        return SLOT if str(part.get("type", "")).startswith("image") else str(part.get("text", ""))
    return str(part)


def _answers(raw: Json, sheet: Sheet) -> list[tuple[str, str]]:
    """The better and the worse answer of a preference."""
    found = []
    for name in ("chosen", "rejected", "rejected_response"):
        answer = raw.get(name)
        if isinstance(answer, dict):
            read = _turn(answer, name, sheet)
            if read is None:
                continue
            answer = read[1]
        if isinstance(answer, str):
            found.append(("assistant", answer))
            if not answer.strip():
                sheet.add("empty-answer", name)
            talk.words(answer, "assistant", name, sheet)
            talk.tokens(answer, name, sheet)
    turns = raw.get("conversations", raw.get("messages"))
    for name in ("rejected_conversations", "rejected_messages"):
        if isinstance(raw.get(name), list) and raw[name]:
            read = _turn(raw[name][-1], f"{name}[{len(raw[name]) - 1}]", sheet)
            found += [read] if read else []
    better = found[0] if len(found) == 2 else ("assistant", "")
    if len(found) == 1 and isinstance(turns, list) and turns and isinstance(turns[-1], dict):
        better = ("assistant", str(turns[-1].get("content", turns[-1].get("value"))))
    if found and found[-1] == better:
        sheet.add("same-answers", shown(better[1]))
    return found


def _placeholders(turns: Sequence[tuple[str, str]], raw: Json, images: int, sheet: Sheet) -> None:
    """Each image has one place in the text."""
    slots = sum(text.count(SLOT) for _, text in turns)
    odd = next((found for _, text in turns if (found := markup.ODD_SLOT.search(text))), None)
    if odd and not any("<patch_index_" in text or "<loc_" in text for _, text in turns):  # RelationVLM's boxes
        sheet.add("odd-slot", odd.group())
    if slots and not images:
        sheet.add("slot-without-image", f"{slots} {SLOT}")
    elif images and not slots:
        sheet.add("no-slot", f"{images} images")
    elif images != slots:
        sheet.add("image-count", f"{images} images, {slots} {SLOT}")
    for number, (role, text) in enumerate(turns):
        if role == "assistant" and SLOT in text and len(turns) > 1:
            sheet.add("slot-in-answer", f"turn {number}")
    for slot, names in _MEDIA.items():
        files: Any = next((raw[name] for name in names if raw.get(name)), [])
        count = len(files) if isinstance(files, list) else 1
        written = sum(text.count(slot) for _, text in turns)
        if written != count:
            sheet.add("media-count", f"{count} files, {written} {slot}")
