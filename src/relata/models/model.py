"""What a user holds: a loaded model, asked about images. What it answers are boxes, names, scenes; never markup."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from relata import images
from relata.dialects.relata import RegionTokens
from relata.errors import RelataError, unknown
from relata.grounded import Mention, Span
from relata.models.prefix import Tree, grow, likelihoods
from relata.models.processing import RelataProcessor
from relata.models.relata import RelataForConditionalGeneration
from relata.scene import Box, Region, Relation, Scene
from relata.tasks import Facts, comparison, locate, region, relation, scene_graph, transform

Picture = str | Path | Image.Image | np.ndarray | Scene
Control = Literal["none", "blind"]


class Look:
    """One or more images that a model has looked at: its regions are encoded once, then asked about many times."""

    def __init__(self, model: Model, codes: Tensor, regions: Sequence[Sequence[Box]], blind: bool = False) -> None:
        """`codes` (N, K, width) from `RelataForConditionalGeneration.encode`; `regions` the boxes they belong to."""
        self.model = model
        self.regions = regions
        self.dialect = RegionTokens(regions)
        total = sum(len(boxes) for boxes in regions)
        slots = model.processor.slots(regions, range(total), codes.shape[1])
        self.embeds = model.network.number_regions(codes, slots[None].to(codes.device), blind)
        self.prefix = model.processor.prefix(regions)

    def mention(self, index: int, image: int = 0) -> Mention:
        return Mention("", (self.regions[image][index],), image)

    @torch.no_grad()
    def ask(self, questions: Sequence[Sequence[Span]], most: int = 24) -> list[str]:
        """Greedy replies, in the model's own dialect."""
        if not questions:
            return []
        tokenizer = self.model.processor.tokenizer
        prompts = [f"{self.prefix} {self.dialect.write(question)}" for question in questions]
        tokens = tokenizer(prompts, padding=True, return_tensors="pt").to(self.embeds.device)
        out = self.model.network.generate(
            input_ids=tokens["input_ids"],
            attention_mask=tokens["attention_mask"],
            region_embeds=self.embeds.expand(len(prompts), -1, -1),
            max_new_tokens=most,
            do_sample=False,
        )
        new = out[:, tokens["input_ids"].shape[1] :]
        replies: list[str] = tokenizer.batch_decode(new, skip_special_tokens=True)
        return replies

    def as_if(self, regions: Sequence[Sequence[Box]]) -> Look:
        """The same codes, taken for other regions: the wrong image."""
        self.regions, self.dialect = regions, RegionTokens(regions)
        return self

    @torch.no_grad()
    def first(self, questions: Sequence[Sequence[Span]]) -> list[str]:
        """The likeliest first word of every reply, of all words and regions, in one pass."""
        if not questions:
            return []
        logits, tree = self._pass(questions, [[[0]]] * len(questions))
        best = logits[0, [places[0][0][0] for places in tree.read]].argmax(-1)
        return [self.model.processor.tokenizer.decode([token]) for token in best.tolist()]

    @torch.no_grad()
    def rank(
        self, questions: Sequence[Sequence[Span]], choices: Sequence[Sequence[Sequence[Span] | str]]
    ) -> list[list[float]]:
        """Log-likelihood of every choice of every question, in one pass."""
        if not questions:
            return []
        encode = self.model.processor.tokenizer.backend_tokenizer.encode
        options = [[encode(c if isinstance(c, str) else self.dialect.write(c)).ids for c in row] for row in choices]
        return likelihoods(*self._pass(questions, options))

    def _pass(
        self, questions: Sequence[Sequence[Span]], options: Sequence[Sequence[Sequence[int]]]
    ) -> tuple[Tensor, Tree]:
        encode = self.model.processor.tokenizer.backend_tokenizer.encode
        asked = [encode(self.dialect.write(question)).ids for question in questions]
        tree = grow(encode(self.prefix).ids, asked, options)
        output = self.model.network(
            input_ids=tree.ids.to(self.embeds.device),
            position_ids=tree.positions.to(self.embeds.device),
            attention_mask=tree.mask.to(self.embeds.device),
            region_embeds=self.embeds,
        )
        return output.logits, tree

    def read(self, reply: str) -> tuple[Span, ...]:
        return self.dialect.read(reply)[0]


class Model:
    """A region-token model with its processor."""

    def __init__(self, network: RelataForConditionalGeneration, processor: RelataProcessor, name: str) -> None:
        self.network = network.eval()
        self.processor = processor
        self.name = name

    @torch.no_grad()
    def look(
        self, pictures: Sequence[Picture], regions: Sequence[Sequence[Box]] | None = None, blind: bool = False
    ) -> Look:
        """Encode images and their regions: those of the scenes, those given, or those that the tower finds."""
        images = [self._open(picture) for picture in pictures]
        pixels = self.processor.pixels(images).to(self.network.device)
        sizes = [image.size if isinstance(image, Image.Image) else (image.shape[1], image.shape[0]) for image in images]
        if regions is None:
            own = [[r.box for r in p.regions] if isinstance(p, Scene) else [] for p in pictures]
            regions = own if all(own) else self.detect(pixels, sizes)
        boxes = self.processor.boxes(regions, sizes).to(self.network.device)
        return Look(self, self.network.encode(pixels, boxes), regions, blind)

    def detect(self, pixels: Tensor, sizes: Sequence[tuple[int, int]]) -> list[list[Box]]:
        """The regions that the model's own tower finds, in pixels of images of these sizes; as many as it has tokens
        for.

        Raises:
            RelataError: if the tower has no detector.
        """
        if not hasattr(self.network.tower, "detect"):
            raise RelataError(f"the vision tower of {self.name} finds no regions itself; give regions")
        each = self.network.config.n_regions // max(len(sizes), 1)
        found = []
        for (boxes, _), (width, height) in zip(self.network.tower.detect(pixels), sizes):
            scale = torch.tensor([width, height, width, height]) / self.processor.image_size
            found.append(
                [Box(*b) for b in (boxes[:each].cpu() * scale).tolist() if b[2] - b[0] > 1 and b[3] - b[1] > 1]
            )
        return found

    def graph(self, image: Picture, regions: Sequence[Box] | None = None, least: float = 0.9) -> Scene:
        """The scene graph of an image: every region named, every pair related or not.

        All ordered pairs are asked at once, from one look at the image. A pair's predicate is kept if the model gives
        it at least the share `least` of its belief: of a pair that is hard to tell, belief is split. A higher share
        trades recall for precision.
        """
        look = self.look([image], None if regions is None else [list(regions)])
        boxes = look.regions[0]
        scene = self._scene(image, boxes)
        if not boxes:
            return scene
        names = [
            region.read(look.read(r))
            for r in look.ask([region.question(look.mention(k)) for k in range(len(boxes))], 8)
        ]
        named = tuple(r.replace(label=name or "Unknown") for r, name in zip(scene.regions, names))
        pairs = [(i, j) for i in range(len(boxes)) for j in range(len(boxes)) if i != j]
        belief = self._beliefs(look, pairs)
        relations = []
        for pair, shares in zip(pairs, belief):
            best = int(np.argmax(shares))
            predicate = self.network.config.predicates[best]
            if shares[best] >= least:
                ids = (scene.regions[pair[0]].id, scene.regions[pair[1]].id)
                relations.append(
                    Relation(ids[0], predicate, ids[1], score=round(float(shares[best]), 4), source=self.name)
                )
        return scene.replace(regions=named, relations=tuple(relations))

    def _beliefs(self, look: Look, pairs: Sequence[tuple[int, int]]) -> np.ndarray:
        """(pairs, predicates): the share of belief in each predicate."""
        predicates = self.network.config.predicates
        if not predicates:
            raise RelataError(f"{self.name} has no closed list of predicates; ask it for its graph as text")
        questions = [relation.question(look.mention(i), look.mention(j)) for i, j in pairs]
        scores = np.array(look.rank(questions, [predicates] * len(pairs))).reshape(len(pairs), len(predicates))
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        result: np.ndarray = shares / shares.sum(-1, keepdims=True)
        return result

    def graph_text(self, image: Picture, regions: Sequence[Box] | None = None) -> Scene:
        """The scene graph as the model writes it in one reply, read back."""
        look = self.look([image], None if regions is None else [list(regions)])
        scene = self._scene(image, look.regions[0])
        if not look.regions[0]:
            return scene
        reply = look.ask([scene_graph.question()], most=200)[0]
        return scene_graph.read(look.read(reply), scene, self.name)

    def relation(self, scene: Scene, subject: int, object: int, choices: Sequence[str] | None = None) -> str:
        """The predicate between two regions (ids of the scene): the model's own word, or the likeliest of the
        choices.
        """
        look = self.look([scene])
        at = {r.id: k for k, r in enumerate(scene.regions)}
        question = relation.question(
            look.mention(at[scene.region(subject).id]), look.mention(at[scene.region(object).id])
        )
        if choices is None:
            return relation.read(look.read(look.ask([question])[0]))
        return choices[int(np.argmax(look.rank([question], [list(choices)])[0]))]

    def locate(self, image: Picture, phrase: str) -> list[Box]:
        """Boxes (pixels) of what the phrase names.

        Raises:
            RelataError: on a word that is not in the model's vocabulary; it would answer as to any other.
        """
        tokenizer = self.processor.tokenizer
        for word in phrase.split():
            if tokenizer.unk_token_id in tokenizer(word)["input_ids"]:
                unknown("word to this model", word, tokenizer.get_vocab())
        look = self.look([image])
        return locate.read(look.read(look.ask([locate.question(phrase)])[0]))

    def transform(self, before: Picture, after: Picture) -> dict[int, str]:
        """What was done to each region of the first image that is still there, by its position."""
        return {c.before: c.change for c in self._changes(self.look([before, after])) if c.before is not None}

    def compare(self, images: Sequence[Picture]) -> comparison.Comparison:
        """What two images share and how they differ: match each region, ask what was done to it, name what is new.

        Raises:
            RelataError: on another number of images than two.
        """
        if len(images) != 2:
            raise RelataError(f"compare takes two images, not {len(images)}")
        return self.compare_look(self.look(list(images)))

    def compare_look(self, look: Look) -> comparison.Comparison:
        """`compare` for a pair that has been looked at already."""
        changes = self._changes(look)
        common = [(c.before, c.after) for c in changes if c.change == "same"]
        return comparison.Comparison(common, [c for c in changes if c.change != "same"])  # type: ignore[arg-type]

    def _changes(self, look: Look) -> list[comparison.Change]:
        first, second = (range(len(boxes)) for boxes in look.regions)
        replies = look.ask([comparison.question(look.mention(k)) for k in first], 4)
        matched = [comparison.read(look.read(reply)) for reply in replies]
        to = {k: look.regions[1].index(m[1]) for k, m in enumerate(matched) if m is not None and m[0] == 1}
        asked = [transform.question(look.mention(k), look.mention(other, 1)) for k, other in to.items()]
        done = [transform.read(look.read(reply)) for reply in look.ask(asked, 4)]
        changes = [comparison.Change(k, other, change) for (k, other), change in zip(to.items(), done)]
        changes += [comparison.Change(k, None, "removed") for k in first if k not in to]
        return changes + [comparison.Change(None, k, "added") for k in second if k not in to.values()]

    def stranger(self, image: Picture) -> str:
        """What the model was trained on, if this image is of another kind; an empty string if it is not.

        A rendered picture is flat: most neighbouring pixels are equal. In a photograph few are.
        """
        pixels = self.processor.pixels([self._open(image)])[0]
        flat = (pixels[:, :, 1:] == pixels[:, :, :-1]).all(0).float().mean()
        return self.network.config.trained_on if flat < 0.78 else ""

    def answer(self, images: Sequence[Picture], question: str | Sequence[Span]) -> str:
        """The reply to a question, in the model's dialect: `<r0>` is the first region of the first image."""
        look = self.look(list(images))
        spans = look.read(question) if isinstance(question, str) else question
        return look.ask([spans])[0]

    def rank(
        self, image: Picture, questions: Sequence[Sequence[Span]], choices: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        """Log-likelihood of every choice of every question about one image."""
        return self.look([image]).rank(questions, choices)

    def _scene(self, image: Picture, boxes: Sequence[Box]) -> Scene:
        if isinstance(image, Scene) and [r.box for r in image.regions] == list(boxes):
            bare = tuple(Region(r.id, "Unknown", r.box, r.mask) for r in image.regions)
            return image.replace(regions=bare, relations=(), captions=(), provenance={"model": self.name})
        picture = self._open(image)
        width, height = picture.size if isinstance(picture, Image.Image) else (picture.shape[1], picture.shape[0])
        name = image.image if isinstance(image, Scene) else str(image) if isinstance(image, (str, Path)) else "image"
        regions = tuple(Region(k, "Unknown", box) for k, box in enumerate(boxes))
        return Scene(Path(name).stem, name, width, height, regions, provenance={"model": self.name})

    @staticmethod
    def _open(picture: Picture) -> Image.Image | np.ndarray:
        if isinstance(picture, Scene):
            picture = picture.image
        if isinstance(picture, (str, Path)):
            if not Path(picture).is_file():
                raise RelataError(f"no image {picture}")
            return images.own(picture)
        return picture


__all__ = ["Facts", "Look", "Model"]
