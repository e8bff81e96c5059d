"""Conversations: who speaks, in which order, and what no turn may hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from relata.linter.sheet import Sheet

Turns = Sequence[tuple[str, str]]

#: Characters of a conversation beyond which trainers with 8,192 tokens cut it off.
LONGEST = 32_000
#: Speakers, as all formats call them.
ROLES = {
    "human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "model": "assistant",
    "chatgpt": "assistant", "bot": "assistant", "system": "system", "tool": "tool", "function": "tool",
    "function_call": "tool", "observation": "tool", "tool_call": "tool", "tool_response": "tool",
}  # fmt: skip

#: What ends a turn, a text or an image for some model; tokens for boxes and phrases are markup, not these.
TOKENS = re.compile(
    r"<\|(?:im_start|im_end|endoftext|eot_id|eom_id|begin_of_text|end_of_text|start_header_id|end_header_id|user|"
    r"assistant|system|end|image_pad|video_pad|vision_start|vision_end|image)\|>|</?s>|\[/?INST\]|<</?SYS>>|"
    r"<(?:start|end)_of_(?:turn|image)>|<(?:pad|unk|bos|eos)>|<im_(?:start|end|patch)>",
)
_BAD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd\ufeff\ud800-\udfff]")
_REFUSAL = re.compile(
    r"\bas an? (?:AI|artificial intelligence|(?:large )?language model)\b|\bI(?:'m| am) (?:an AI|a language model)\b|"
    r"\bI(?:'m| am) (?:sorry|afraid),? (?:but )?I (?:can(?:no|')t|am unable|am not able)\b|"
    r"\bI (?:cannot|can't|am unable to|am not able to) (?:assist|help|fulfil+|comply|see (?:the|any) image|view)\b",
    re.I,
)
_UNFILLED = re.compile(r"\{\{?\s*[a-z_][a-z_0-9]*\s*\}?\}|\[(?:INSERT|YOUR|TODO)[^\]]*\]|<(?:INSERT|YOUR|TODO)[^>]*>")


def check(turns: Turns, sheet: Sheet, open_end: bool = False) -> None:
    """Roles and texts of one conversation.

    Args:
        turns: role (as in the values of `ROLES`) and text.
        open_end: the answer stands elsewhere: a preference, whose answers are apart.
    """
    roles = [role for role, _ in turns]
    _order(roles, sheet, open_end)
    for number, (role, text) in enumerate(turns):
        if not text.strip():
            if role in ("user", "assistant"):
                sheet.add("empty-answer" if role == "assistant" else "empty-turn", f"turn {number}")
        else:
            words(text, role, f"turn {number}", sheet)
    length = sum(len(text) for _, text in turns)
    if length > LONGEST:
        sheet.add("very-long", f"{length:,} characters; {LONGEST:,} are about 8,192 tokens")


def words(text: str, role: str, at: str, sheet: Sheet) -> None:
    """What is wrong with the words of one turn."""
    if bad := _BAD.search(text):
        sheet.add("bad-characters", f"{at}: U+{ord(bad.group()):04X} at {bad.start()}")
    if role == "assistant" and (refused := _REFUSAL.search(text)):
        sheet.add("refusal", f"{at}: {refused.group()!r}")
    if unfilled := _UNFILLED.search(text):
        sheet.add("unfilled-placeholder", f"{at}: {unfilled.group()!r}")


def tokens(text: str, at: str, sheet: Sheet) -> None:
    """Tokens of models in the text of a format that does not make them harmless."""
    if token := TOKENS.search(text):
        sheet.add("special-token", f"{at}: {token.group()!r}")


def _order(roles: Sequence[str], sheet: Sheet, open_end: bool) -> None:
    if "system" in roles[1:]:
        sheet.add("misplaced-system", f"turn {roles.index('system', 1)}")
    spoken = [(number, role) for number, role in enumerate(roles) if role in ("user", "assistant")]
    if "assistant" not in roles and not open_end:
        sheet.add("no-answer", f"{len(roles)} turns")
        return
    if "tool" in roles or len(spoken) <= 1:  # tools speak in between; a single answer is for pretraining
        return
    if spoken[0][1] == "assistant":
        sheet.add("role-order", "the assistant speaks first")
    for (_, before), (number, role) in pairwise(spoken):
        if before == role:
            sheet.add("role-order", f"turn {number} is the {role}'s again")
            return
    if spoken[-1][1] == "user" and not open_end:
        sheet.add("unanswered", f"turn {spoken[-1][0]}")
