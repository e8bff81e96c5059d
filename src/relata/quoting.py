"""How text that others wrote enters prompts and replies: as quoted data, with nothing in it that could be markup.

Captions, labels, attributes, predicates and text read off images come from strangers. A language model cannot be kept
from reading what they say, but they cannot pass for anything else than data: not for a turn of a conversation, a
citation of a region, a model's special token, a line of the request, or the end of the quotation. Ordinary captions
stay as they are.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

#: Characters kept of one text; longer ones end in `...`.
MOST = 2000

#: Control and format characters (direction, zero-width, tags), surrogates, private and unassigned ones.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
#: Letters and signs that look like pointed brackets. Real brackets of all scripts are known by their category.
_POINTED = frozenset("˂˃ᐸᐳ≺≻‹›")
_DOUBLE = frozenset("“”„‟″〃«»〝〞〟ʺˮ״❝❞⹂")
#: Characters that leave no mark on the page although they count as letters, accents or signs.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
_MARKS = str.maketrans({**dict.fromkeys("<>[]{}", " "), '"': "'", "\\": "/"})
_ARROW = re.compile(r"(?<![-=])[-=]++>|[→⇒⟶⟹]")
#: Headings and rules, which set the parts of a prompt apart.
_RULE = re.compile(r"#{2,}|([=~*_`-])\1{2,}|'{3,}")
#: Numbers in round brackets: a citation of regions, or made-up coordinates.
_NUMBERS = re.compile(r"\(\s*((?:#\s*)?\d(?:[\d#,;&.\s]|and)*)\)")
#: Who speaks in a transcript, in the words of chat templates. Words stay, the colon becomes a comma.
_SPEAKER = re.compile(
    r"\b(user|human|assistant|system|developer|model|(?:chat)?bot|ai|(?:chat)?gpt|tool|function|judge|teacher"
    r"|instruct|instructions?|request|question|query|answer|response|reply|input|output|q|a"
    r"|用户|助手|系统|人类|问|答)( ?\d*) ?:+",
    re.IGNORECASE,
)
#: Cyrillic and Greek letters, and signs, that look like the letters and the colon of a speaker's name.
_ALIKE = str.maketrans(
    "аАсСԁеЕһНіІјмМоОрРԛѕЅтТуУνοΑΕΗΙΜΝΟΡΤΥ∶꞉ː˸", "aAcCdeEhHiIjmMoOpPqsStTyYvoAEHIMNOPTY::::"
)  # fmt: skip


@lru_cache(maxsize=65536)
def words(text: str) -> str:
    """Text of others on one line, with nothing in it that could be taken for markup; at most `MOST` characters.

    Square, pointed and curly brackets and rules become blanks, arrows `to`, double quotes single ones, the colon after
    a speaker's name a comma; numbers in round brackets lose these. Unicode's variants of such characters go the same
    way, and characters that cannot be seen are dropped.
    """
    text = text[: 8 * MOST]
    if not (text.isascii() and text.isprintable()):
        text = "".join(map(_seen, text))
    text = _ARROW.sub(" to ", text).translate(_MARKS)
    text = _NUMBERS.sub(r" \1 ", _RULE.sub(" ", text))
    text = _unsaid(" ".join(text.split()))
    return text if len(text) <= MOST else text[: MOST - 3].rstrip() + "..."


def _unsaid(text: str) -> str:
    """The text with a comma for the colon after a speaker's name, in whatever letters that is written."""
    parts: list[str] = []
    done = 0
    for found in _SPEAKER.finditer(text.translate(_ALIKE)):
        parts += text[done : found.end(2)], ","
        done = found.end()
    return "".join(parts) + text[done:]


def quote(text: str) -> str:
    """Text of others as a prompt holds it: `words` in double quotes."""
    return f'"{words(text)}"'


@lru_cache(maxsize=4096)
def _seen(char: str) -> str:
    """What a character looks like, as far as it could be taken for markup."""
    category = unicodedata.category(char)
    if char.isspace() or category.startswith("Z"):
        return " "
    if category in _HIDDEN or char in _BLANK or "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef":
        return ""
    if char in _DOUBLE:
        return "'"
    plain = unicodedata.normalize("NFKC", char)
    if len(plain) == 1 and plain.isascii() and category != "No":  # full-width and mathematical letters, not `m²`
        return plain
    return " " if char in _POINTED or (category in ("Ps", "Pe") and not char.isascii()) else char
