"""`geometry`: pictures are changed by exactly what is recorded, boxes are those of the changed object, signs hold."""

from __future__ import annotations

import math
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import relata
from relata import across, inpaint, store, synth, transforms
from relata.chat import Example
from relata.errors import RelataError
from relata.filters import Rejection
from relata.geometry import rle_encode
from relata.grounded import plain
from relata.recipes import geometry
from relata.recipes._here import Here
from relata.recipes._relation import Item
from relata.scene import Box, Region, Scene
from relata.transforms import Bools, Brightness, Flip, Move, Pixels, Rotation, Scale

SIZE = (120, 200)  # height, width


def picture() -> tuple[Pixels, Bools]:
    """A red bar with a blue right end on a grey ramp; the bar's middle is at (100, 60)."""
    ramp = np.linspace(60, 180, SIZE[1]).astype(np.uint8)
    pixels = np.repeat(np.tile(ramp, (SIZE[0], 1))[..., None], 3, axis=2)
    mask = np.zeros(SIZE, dtype=bool)
    mask[54:66, 80:120] = True
    pixels[mask] = (200, 30, 30)
    pixels[54:66, 110:120] = (30, 30, 200)
    return pixels, mask


def blue(pixels: Pixels) -> tuple[float, float]:
    """The middle of what is blue: x, y."""
    ys, xs = np.nonzero((pixels[..., 2] > 150) & (pixels[..., 0] < 90))
    return float(xs.mean()) + 0.5, float(ys.mean()) + 0.5


def made(*steps: transforms.Step) -> transforms.Made:
    return transforms.apply(*picture(), steps)


def test_a_negative_rotation_is_counter_clockwise_on_the_screen() -> None:
    x, y = blue(made(Rotation(-30.0)).pixels)  # the right end goes up
    assert (x, y) == pytest.approx((100 + 15 * math.cos(math.pi / 6), 60 - 7.5), abs=0.7)
    assert blue(made(Rotation(30.0)).pixels)[1] == pytest.approx(67.5, abs=0.7)


def test_flips_and_moves_go_where_they_say() -> None:
    assert blue(made(Flip("horizontal")).pixels) == pytest.approx((85, 60))
    assert blue(made(Flip("vertical")).pixels) == pytest.approx((115, 60))
    assert blue(made(Move(20.0, -30.0)).pixels) == pytest.approx((135, 30))
    assert made(Move(20.0, -30.0)).box == Box(100, 24, 140, 36)


def test_scale_and_brightness_are_factors() -> None:
    assert made(Scale(2.0)).box == Box(60, 48, 140, 72)
    assert made(Scale(0.5)).box.tuple() == pytest.approx((90, 57, 110, 63), abs=1)
    pixels = made(Brightness(0.6)).pixels
    assert pixels[60, 90].tolist() == [120, 18, 18]
    assert made(Brightness(1.4)).pixels[60, 90].tolist() == [255, 42, 42]  # no farther than white


def test_steps_are_done_in_the_order_in_which_they_are_listed() -> None:
    one = blue(made(Rotation(30.0), Flip("vertical")).pixels)
    other = blue(made(Flip("vertical"), Rotation(30.0)).pixels)
    assert one[1] == pytest.approx(52.5, abs=0.7)
    assert other[1] == pytest.approx(67.5, abs=0.7)


def test_the_box_is_that_of_the_changed_mask_and_the_share_that_is_visible_is_told() -> None:
    half = made(Move(100.0, 0.0))  # the middle comes to lie on the edge
    assert half.visible == pytest.approx(0.5)
    assert half.box == Box(180, 54, 200, 66)
    gone = made(Move(200.0, 0.0))
    assert gone.visible == 0
    with pytest.raises(RelataError):
        gone.box  # noqa: B018
    for seed in range(20):
        rng = random.Random(seed)
        steps = transforms.draw(rng, 200, 120)
        found = made(*steps)
        assert transforms.visible(picture()[1], steps) == pytest.approx(found.visible, abs=0.06)
        if found.visible > 0.2:
            ys, xs = np.nonzero(found.mask)
            assert found.box == Box(xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)


def test_nothing_of_the_object_stays_behind_and_the_rest_is_untouched() -> None:
    pixels, mask = picture()
    for steps in ((Move(0.0, 40.0),), (Scale(0.5),), (Rotation(45.0),)):
        found = transforms.apply(pixels, mask, steps)
        left = mask & ~found.mask
        left[1:] &= ~found.mask[:-1]
        left[:-1] &= ~found.mask[1:]
        colours = found.pixels[left].astype(int)
        assert (np.ptp(colours, axis=1) < 40).mean() > 0.95  # grey as the ramp is, neither red nor blue
        far = np.ones(SIZE, dtype=bool)
        far[40:120, 60:140] = False
        assert (found.pixels[far] == pixels[far]).all()


def test_a_hole_in_a_pattern_is_filled_with_the_pattern() -> None:
    ys, xs = np.mgrid[:96, :96]
    pattern = (((xs // 4) + (ys // 4)) % 2 * 150 + 50).astype(np.uint8)
    pixels = np.repeat(pattern[..., None], 3, axis=2)
    hole = np.zeros((96, 96), dtype=bool)
    hole[40:60, 30:62] = True
    broken = pixels.copy()
    broken[hole] = 0
    filled = inpaint.fill(broken, hole)
    assert (filled[~hole] == pixels[~hole]).all()
    assert np.abs(filled[hole].astype(int) - pixels[hole]).mean() < 12
    assert (inpaint.fill(broken, np.zeros_like(hole)) == broken).all()


def test_what_is_known_along_the_edge_spreads_smoothly() -> None:
    known = np.ones((40, 50), dtype=bool)
    known[10:30, 10:40] = False
    values = np.tile(np.linspace(0, 100, 50), (40, 1))[..., None]
    filled = inpaint.spread(np.where(known[..., None], values, 0), known)
    assert np.abs(filled - values).max() < 8


def test_a_step_that_does_not_show_is_found_out() -> None:
    pixels, mask = picture()
    assert transforms.told_apart(pixels, mask, [Flip("horizontal"), Rotation(5.0), Brightness(0.8)])
    assert not transforms.told_apart(pixels, mask, [Flip("vertical")])  # the bar is the same above and below
    assert not transforms.told_apart(pixels, mask, [Scale(0.5), Flip("vertical")])
    assert not transforms.told_apart(pixels, mask, [Flip("horizontal"), Flip("horizontal")])
    disc = (np.mgrid[:120, :200][1] - 99.5) ** 2 + (np.mgrid[:120, :200][0] - 59.5) ** 2 < 30**2
    assert not transforms.told_apart(pixels * 0 + 90, disc, [Rotation(40.0)])
    assert transforms.told_apart(pixels * 0 + 90, disc, [Brightness(0.8), Move(9.0, 0.0)])
    assert not transforms.told_apart(pixels * 0 + 20, disc, [Brightness(0.6)])  # black stays black


def test_draws_keep_to_their_ranges_and_json_keeps_every_digit() -> None:
    counts, kinds = set(), set()
    for seed in range(400):
        steps = transforms.draw(random.Random(seed), 640, 480)
        assert transforms.from_json(transforms.to_json(steps)) == steps
        counts.add(len(steps))
        kinds.update(type(step) for step in steps)
        for step in steps:
            if isinstance(step, Rotation):
                assert 5 <= abs(step.degrees) <= 45
            elif isinstance(step, Scale):
                assert 0.5 <= step.factor <= 2
                assert not 0.85 < step.factor < 1.15
            elif isinstance(step, Brightness):
                assert 0.6 <= step.factor <= 1.4
                assert not 0.85 < step.factor < 1.15
            elif isinstance(step, Move):
                assert 0.1 * 480 - 1 <= math.hypot(step.x, step.y) <= 0.5 * 640 + 1
    assert counts == {1, 2, 3}
    assert len(kinds) == 5
    assert transforms.to_json([Rotation(-20.74), Scale(0.85)]) == (
        '[{"kind":"rotation","degrees":-20.74},{"kind":"scale","factor":0.85}]'
    )
    with pytest.raises(RelataError):
        transforms.from_json('[{"kind":"melted"}]')


@pytest.fixture
def photo(tmp_path: Path) -> Scene:
    pixels, mask = picture()
    Image.fromarray(pixels).save(tmp_path / "bar.png")
    regions = (
        Region(4, "bar", Box(80, 54, 120, 66), mask=rle_encode(mask)),
        Region(7, "corner", Box(0, 0, 60, 40)),  # cut off by the edge, so never chosen
    )
    return Scene("bar", "bar.png", 200, 120, regions)


def item(photo: Scene, folder: Path, seed: int = 0, **options: int) -> Item:
    (found,) = geometry.items(photo, Here(random.Random(seed), folder, folder / "run"), **options)
    assert isinstance(found, Item)
    return found


def test_the_group_holds_both_pictures_the_steps_and_the_new_box(photo: Scene, tmp_path: Path) -> None:
    asked = item(photo, tmp_path)
    before, after = asked.source.scenes
    assert asked.root == tmp_path / "run"  # where a teacher's pictures are read from
    assert all((asked.root / scene.image).is_file() for scene in (before, after))
    assert (before.image, after.image) == ("images/bar.png", "images/bar-4-after.png")
    (link,) = asked.source.links
    steps = transforms.from_json(link.transform or "")
    expected = transforms.apply(*picture(), steps)
    assert after.region(4).box == expected.box
    with Image.open(tmp_path / "run" / after.image) as image:
        assert image.size == (200, 120)
    assert (link.first, link.second) == ((0, 4), (1, 4))
    assert item(photo, tmp_path).source == asked.source  # the seed decides


def test_every_rule_written_reply_tells_every_step(photo: Scene, tmp_path: Path) -> None:
    for seed in range(10):
        asked = item(photo, tmp_path, seed)
        told = geometry.read(geometry.offline(asked, random.Random(seed)), asked)
        assert isinstance(told, Item), told
        example = geometry.read(geometry.offline(told, random.Random(seed)), told)
        assert isinstance(example, Example), example
        text = plain(example.messages[-1].spans)
        for step in transforms.from_json(example.provenance["transform"]):
            if isinstance(step, Rotation):
                assert (
                    f"rotated {'counter-clockwise' if step.degrees < 0 else 'clockwise'} by {abs(step.degrees):g}"
                    in text
                )
        ends = {(image, asked.source.scenes[image].region(4).box) for image in (0, 1)}
        assert across.entities(example.messages[-1].spans) == ends


def test_a_teacher_must_not_turn_it_the_wrong_way(photo: Scene, tmp_path: Path) -> None:
    asked = next(
        one
        for one in (item(photo, tmp_path, seed, steps=1) for seed in range(99))
        if '"rotation"' in (one.source.links[0].transform or "") and "-" in (one.source.links[0].transform or "")
    )
    number = len(asked.source.scenes[0].regions) + 1
    for said, reason in (
        ("rotated clockwise", "wrong-transform"),
        ("made smaller", "wrong-transform"),
        ("turned counterclockwise", None),
        ("turned anti-clockwise", None),
    ):
        outcome = geometry.read(f"The [bar](1) was {said}; it is the [bar]({number}) now.", asked)
        assert (outcome.reason if isinstance(outcome, Rejection) else None) == reason
    assert "counter-clockwise" in geometry.prompt(asked).user
    assert f"Changed: [1] is now [{number}]." in geometry.prompt(asked).user


def test_what_cannot_be_changed_is_turned_away_with_a_reason(photo: Scene, tmp_path: Path) -> None:
    here = Here(random.Random(0), tmp_path, tmp_path / "run")

    def reason(scene: Scene) -> str:
        (outcome,) = geometry.items(scene, here)
        assert isinstance(outcome, Rejection)
        return outcome.reason

    assert reason(photo.replace(regions=photo.regions[1:])) == "no-object"
    assert reason(photo.replace(image="none.png")) == "no-picture"
    assert reason(photo.replace(image="../bar.png")) == "no-picture"
    assert reason(photo.replace(width=300)) == "wrong-size"
    sliver = Region(4, "bar", Box(20, 54, 180, 60))
    assert reason(photo.replace(regions=(sliver,))) == "no-object"
    pieces = np.zeros(SIZE, dtype=bool)
    pieces[54:60, 80:90] = pieces[54:60, 100:110] = True
    scattered = photo.regions[0].replace(mask=rle_encode(pieces))
    assert reason(photo.replace(regions=(scattered,))) == "bad-mask"


def test_a_run_can_be_moved_with_its_pictures(tmp_path: Path) -> None:
    synth.write(tmp_path / "world", 12)
    report = relata.build("geometry", tmp_path / "world" / "scenes.jsonl", out=tmp_path / "run")
    assert report.read == report.kept == 12
    (tmp_path / "run").rename(tmp_path / "moved")
    for example in store.records(tmp_path / "moved", Example):
        for ref in example.images:
            with Image.open(tmp_path / "moved" / ref.path) as image:
                assert image.size == (ref.width, ref.height)


def test_runs_on_real_photos_with_masks(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "coco_photos"
    file, images = folder / "annotations" / "tiny_coco" / "instances_val2017.json", folder / "images"
    photos = list(relata.read("coco", str(file), images=str(images), masks=True))[:8]
    report = relata.build("geometry", photos, images=images, out=tmp_path)
    assert report.read == report.kept + report.rejected == 8
    assert report.kept >= 4
    assert set(report.reasons) <= {"no-object", "bad-mask", "no-room", "not-seen"}
