"""Message, Example, Preference, Answer: training conversations in grounded text, and what a model replied."""

from __future__ import annotations

from typing import Literal

from relata.errors import RelataError
from relata.grounded import ImageSlot, Mention, Predicate, Span
from relata.scene import Box, Record

Role = Literal["system", "user", "assistant"]


class ImageRef(Record, frozen=True):
    """An image by path and original size in pixels; pixels are read when somebody needs them."""

    path: str
    width: int
    height: int


class Message(Record, frozen=True):
    """One turn of a conversation, in grounded text."""

    role: Role
    spans: tuple[Span, ...]


class Example(Record, frozen=True):
    """One training conversation with its images and where it came from.

    Raises:
        RelataError: naming the example, when it has no assistant turn, when a span points to an image that it does not
            have, or when its image slots (if it has any) do not name each image exactly once.
    """

    id: str
    images: tuple[ImageRef, ...]
    messages: tuple[Message, ...]
    regions: tuple[tuple[Box, ...], ...] = ()
    """Per image, the boxes a region-token model may point at; empty: those that the text mentions."""
    recipe: str = ""
    """Recipe and kind, e.g. `rec/conversation`."""
    provenance: dict[str, str] = {}

    def __post_init__(self) -> None:
        if not any(message.role == "assistant" for message in self.messages):
            raise RelataError(f"example {self.id}: has no assistant message, so there is nothing to learn from it")
        if self.regions and len(self.regions) != len(self.images):
            raise RelataError(f"example {self.id}: {len(self.images)} images but {len(self.regions)} lists of regions")
        slots = []
        for message in self.messages:
            for span in message.spans:
                if isinstance(span, (Mention, Predicate, ImageSlot)) and not 0 <= span.image < len(self.images):
                    raise RelataError(
                        f"example {self.id}: a span points to image {span.image}, but it has {len(self.images)} images"
                    )
                if isinstance(span, ImageSlot):
                    slots.append(span.image)
        if slots and sorted(slots) != list(range(len(self.images))):
            raise RelataError(f"example {self.id}: image slots {slots} do not name its {len(self.images)} images once")


class Preference(Record, frozen=True):
    """A question with a better and a worse answer, for training by preference (DPO).

    Raises:
        RelataError: naming the pair, when a span points to an image that it does not have, or when both answers are the
            same.
    """

    id: str
    images: tuple[ImageRef, ...]
    messages: tuple[Message, ...]
    """The conversation up to the answer; its last turn is the user's."""
    chosen: tuple[Span, ...]
    rejected: tuple[Span, ...]
    regions: tuple[tuple[Box, ...], ...] = ()
    """Per image, the boxes a region-token model may point at; empty: those that the text mentions."""
    recipe: str = ""
    """Recipe and kind, e.g. `negatives/swapped`."""
    provenance: dict[str, str] = {}

    def __post_init__(self) -> None:
        if not self.messages or self.messages[-1].role != "user":
            raise RelataError(f"preference {self.id}: its messages have to end with the user's turn")
        if self.chosen == self.rejected:
            raise RelataError(f"preference {self.id}: the chosen and the rejected answer are the same")
        for answer in (self.chosen, self.rejected):  # each of them makes a sound example
            said = (*self.messages, Message("assistant", answer))
            Example(self.id, self.images, said, self.regions)


class Answer(Record, frozen=True):
    """What a model replied to one question of a benchmark."""

    question: str
    """The question's id."""
    text: str
    """The raw reply, before any reading."""
    scores: tuple[float, ...] = ()
    """Log-likelihood of each option, where the protocol ranks options."""
    model: str = ""
