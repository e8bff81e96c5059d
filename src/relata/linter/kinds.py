"""Every kind of defect that `relata check` finds: what it is and what to do about it.

Errors make training wrong or stop it; warnings are to be looked at. `docs/check.md` shows this table.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Level = Literal["error", "warning"]


class Kind(NamedTuple):
    """A kind of defect."""

    level: Level
    what: str
    remedy: str


_E: Level = "error"
_W: Level = "warning"
_TAGS = "mend the markup of the turn, or leave the row out"
_AGAIN = "restore the file from a copy, or make it again"

KINDS: dict[str, Kind] = {
    # files
    "damaged-record": Kind(_E, "the record is not what was written; its checksum does not fit", _AGAIN),
    "missing-record": Kind(_E, "the file ends before this record", _AGAIN),
    "damaged-file": Kind(_E, "a file or manifest is not whole, or not as it was written", _AGAIN),
    "no-rows": Kind(_W, "the file holds no rows", "write it anew, or leave it out of the training mixture"),
    "not-json": Kind(_E, "the line is no JSON", "mend the line; each row is one line of JSON"),
    "not-an-object": Kind(_E, "the row is JSON, but no object with fields", "write each row as {...}"),
    "unknown-format": Kind(
        _E, "the fields fit no format that is known", "write conversations, messages, or records of relata"
    ),
    "mixed-formats": Kind(_W, "the row has another format than most of its file", "give each format its own file"),
    # fields
    "missing-field": Kind(_E, "a field that is needed is not there", "add the field"),
    "unknown-field": Kind(_E, "a field that the record does not have", "rename it if misspelt, else take it out"),
    "odd-field": Kind(_W, "a field that no trainer reads", "rename it if misspelt; else it is left unread"),
    "wrong-type": Kind(_E, "a value of the wrong type", "write the type that the detail names"),
    "images-not-a-list": Kind(
        _E, "`images` is a single string; trainers count its letters as images", 'write ["path"] for one image'
    ),
    "bad-record": Kind(_E, "the record breaks a rule", "see the detail"),
    "empty-id": Kind(_W, "the id is empty", "give each row an id of its own"),
    "duplicate-id": Kind(_E, "an earlier record of the same type has this id", "give each record an id of its own"),
    "repeated-id": Kind(_W, "an earlier row has this id", "give each row an id of its own, to tell findings apart"),
    # conversations
    "unknown-role": Kind(_E, "a turn of an unknown speaker", "use human and gpt, or user and assistant"),
    "role-order": Kind(_E, "the user and the assistant do not take turns", "join neighbouring turns of one speaker"),
    "misplaced-system": Kind(_E, "a system turn that is not the first turn", "put it first, once"),
    "no-answer": Kind(_E, "the assistant says nothing, so there is nothing to learn", "add the answer"),
    "unanswered": Kind(_W, "the last turn is the user's", "add the answer, or take the turn out"),
    "empty-turn": Kind(_E, "a turn of the user without words or images", "take the turn out with its answer"),
    "empty-answer": Kind(_E, "an answer without words", "take the turn out, or add the answer"),
    "special-token": Kind(_E, "the text holds a token that ends turns or stands for images", "take the token out"),
    "bad-characters": Kind(_W, "the text holds control or replacement characters", "decode the source as UTF-8"),
    "refusal": Kind(_W, "the answer is a refusal, or speaks of being a language model", "leave the row out"),
    "unfilled-placeholder": Kind(_W, "a placeholder of a template was not filled in", "fill it in"),
    "very-long": Kind(_W, "so long that trainers cut it off", "split the conversation"),
    "same-answers": Kind(_E, "the better and the worse answer are the same", "leave the pair out"),
    # images in text
    "no-slot": Kind(_E, "images, but no turn says where", "put <image> into the first turn, once per image"),
    "slot-without-image": Kind(_E, "<image> in the text, but no image is given", "name the image, or take it out"),
    "image-count": Kind(_E, "the text has more or fewer <image> than there are images", "write <image> once per image"),
    "slot-in-answer": Kind(_W, "<image> in an answer: the model would have to draw it", "put it into a question"),
    "odd-slot": Kind(_W, "an image is marked in a way that trainers do not read", "write <image>"),
    "unknown-image": Kind(_E, "the text points to an image that is not there", "mend the image's number"),
    "media-count": Kind(_E, "<video> or <audio> do not fit the files given", "write the placeholder once per file"),
    # markup in text
    "unclosed-tag": Kind(_E, "a tag is never closed, as in an answer cut short", _TAGS),
    "misclosed-tag": Kind(_E, "a tag is closed by the end of another", _TAGS),
    "nested-tag": Kind(_E, "a tag stands inside another", _TAGS),
    "stray-tag": Kind(_E, "the end of a tag that was not opened", _TAGS),
    "missing-boxes": Kind(_E, "a tagged phrase without its boxes", _TAGS),
    "empty-boxes": Kind(_E, "a list of boxes with none in it", _TAGS),
    "count-mismatch": Kind(_E, "subjects and objects of a predicate differ in number", "write one of each, or pairs"),
    "mixed-images": Kind(_E, "subjects in one image and objects in another", _TAGS),
    "markup-in-text": Kind(_W, "markup or coordinates in plain text, which no dialect will change", "read it as boxes"),
    # boxes
    "bad-box": Kind(_E, "not the four numbers of a box", "write four finite numbers"),
    "swapped-corners": Kind(_E, "x1 > x2 or y1 > y2", "put the corners right"),
    "flat-box": Kind(_E, "a box without area", "leave the box out"),
    "outside-image": Kind(_E, "a box leaves the image", "clip it, or mend its convention"),
    "out-of-range": Kind(_E, "a number beyond what the convention can write", "clip it, or mend the convention"),
    "wrong-convention": Kind(
        _E, "the boxes of the file are written in another convention", "convert them, or name the right dialect"
    ),
    "unlikely-convention": Kind(
        _W, "the shapes of things speak for another convention", "look at some drawn (`relata view`) before training"
    ),
    "object-count": Kind(_E, "<bbox> or <ref-object> do not fit the objects given", "write one per box or name"),
    "tiny-box": Kind(_W, "a box thinner than a pixel", "leave the box out"),
    # scenes
    "duplicate-region": Kind(_E, "two regions have one id", "number the regions anew"),
    "unknown-region": Kind(_E, "a relation or link to a region that is not there", "mend the id, or leave it out"),
    "self-relation": Kind(_W, "a region related to itself", "leave the relation out (filter `logic`)"),
    "repeated-relation": Kind(_W, "one relation is said twice", "say it once (filter `logic`)"),
    "repeated-region": Kind(_W, "two regions with one label and one box", "keep one of them"),
    "repeated-identity": Kind(_W, "two regions of one scene are said to be one individual", "keep one identity"),
    "empty-label": Kind(_E, "a region without a name", "name it, or leave it out"),
    "empty-predicate": Kind(_E, "a relation without words", "say what holds, or leave it out"),
    "empty-mask": Kind(_E, "a mask without a pixel", "leave the mask out"),
    "bad-mask": Kind(_E, "run lengths that are damaged or do not fill the mask's size", "encode the mask again"),
    "mask-size": Kind(_E, "the mask has another size than the image", "write [height, width] of the image"),
    "mask-off-box": Kind(_W, "most of the mask lies outside of its box", "check which of them is another object's"),
    # groups, examples, edits
    "short-group": Kind(_E, "a group of fewer than two scenes", "leave it out"),
    "bad-link": Kind(_E, "a link to a scene that is not in the group", "mend the scene's number"),
    "bad-order": Kind(_E, "`order` is no permutation of the scenes", "give each scene one position"),
    "identity-mismatch": Kind(_W, "a link joins two individuals", "mend the link or the identities"),
    "region-lists": Kind(_E, "`regions` has not one list per image", "write a list per image, also if empty"),
    "unlisted-box": Kind(_W, "the text names a box that is not in the list of regions", "add it to `regions`"),
    "edit-conflict": Kind(_E, "an edit changes one thing twice", "keep one of the changes"),
    "edit-nothing": Kind(_W, "a change that changes nothing", "leave the change out"),
    # image files
    "missing-image": Kind(_E, "the image file is not there", "name the folder of images with --images"),
    "unsafe-path": Kind(_E, "the path leads out of the images folder, or is none", "write it relative to the folder"),
    "image-address": Kind(_W, "an address, not a file", "save the picture into the images folder"),
    "unreadable-image": Kind(_E, "no image, or its headers are damaged", "fetch the image again, or leave the row out"),
    "too-large-image": Kind(_E, "claims more pixels, frames or bytes than are read", "make it smaller"),
    "cut-image": Kind(_W, "the image file ends before its end mark", "fetch the image again"),
    "size-mismatch": Kind(_E, "width or height are not those of the file", "write the file's size; boxes depend on it"),
    "turned-image": Kind(_E, "width and height are exchanged", "turn the file's pixels, or exchange them"),
    "tiny-image": Kind(_W, "a side of fewer than 14 pixels, one patch", "leave it out"),
    "extreme-shape": Kind(_W, "one side is 200 times the other; some processors refuse that", "cut the image"),
    "repeated-image": Kind(_W, "one image stands twice in the row", "check whether the other one was meant"),
    # what the file says as a whole
    "one-predicate": Kind(_W, "one predicate makes up most relations", "balance the data (`relata coverage`)"),
    "constant-answer": Kind(_W, "one answer is given to most questions", "check what made the answers"),
    "letter-bias": Kind(_W, "one letter is right far more often than the others", "shuffle the options"),
    "repeated-conversation": Kind(_W, "an earlier row has the same images and the same words", "keep one"),
    "copied-answer": Kind(_W, "one long answer about many different images", "check what made the answers"),
    "leaked-image": Kind(_E, "an image of --against, by its name", "leave the row out (filter `leaks`)"),
    "leaked-look": Kind(_E, "shows an image of --against, by what it looks like", "leave the row out (filter `leaks`)"),
    "near-duplicate": Kind(_W, "the image looks like that of an earlier row", "keep one, or keep both in one split"),
}
