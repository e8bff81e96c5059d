"""How fast scenes come out of large files: `python benchmarks/readers.py [FORMAT ...] [--images 49000] [--runs 3]`.

Files of the size and shape of PSG (49,000 images in one JSON object), COCO (instances with polygons, and captions),
Visual Genome (relationships) and GRIT (JSON Lines) are made in a temporary folder. Each reading is a process of its
own, so that its peak memory is its own; the seconds include importing the package.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

CHILD = """
import resource, sys, time
start = time.perf_counter()
from relata.readers import read
reading = read(sys.argv[1], sys.argv[2])
regions = sum(len(scene.regions) for scene in reading)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(time.perf_counter() - start, time.process_time(), peak, reading.kept, regions)
"""


def corners(rng: random.Random) -> tuple[float, float, float, float]:
    x, y = rng.randint(0, 500), rng.randint(0, 340)
    return float(x), float(y), float(x + rng.randint(5, 140)), float(y + rng.randint(5, 140))


def psg(images: int, rng: random.Random) -> Iterator[str]:
    """`psg.json`: 11 objects and 6 relations per image on average."""
    classes = {"thing_classes": [f"thing {n}" for n in range(80)], "stuff_classes": [f"stuff {n}" for n in range(53)]}
    yield json.dumps(classes | {"predicate_classes": [f"relates {n} to" for n in range(56)], "test_image_ids": []})[:-1]
    yield ', "data": ['
    for number in range(images):
        count = rng.randint(5, 17)
        name = f"{number:012d}"
        record = {
            "file_name": f"train2017/{name}.jpg",
            "height": 480,
            "width": 640,
            "image_id": str(number),
            "coco_image_id": str(number),
            "pan_seg_file_name": f"panoptic_train2017/{name}.png",
            "segments_info": [
                {
                    "id": rng.randrange(2**24),
                    "category_id": rng.randrange(133),
                    "area": 42555,
                    "iscrowd": 0,
                    "isthing": 1,
                }
                for _ in range(count)
            ],
            "annotations": [
                {"bbox": corners(rng), "bbox_mode": 0, "category_id": rng.randrange(133)} for _ in range(count)
            ],
            "relations": [[*rng.sample(range(count), 2), rng.randrange(56)] for _ in range(rng.randint(1, 11))],
        }
        yield (", " if number else "") + json.dumps(record)
    yield "]}"


def coco(images: int, rng: random.Random) -> Iterator[str]:
    """An instances file: 7 objects with polygons per image on average."""
    photos = [{"id": n, "file_name": f"{n:012d}.jpg", "width": 640, "height": 480} for n in range(images)]
    yield json.dumps({"images": photos, "categories": [{"id": n, "name": f"thing {n}"} for n in range(80)]})[:-1]
    yield ', "annotations": ['
    for number in range(7 * images):
        x1, y1, x2, y2 = corners(rng)
        record = {
            "segmentation": [[round(rng.uniform(0, 480), 2) for _ in range(40)]],
            "area": 7.0,
            "iscrowd": 0,
            "image_id": rng.randrange(images),
            "bbox": [x1, y1, x2 - x1, y2 - y1],
            "category_id": rng.randrange(80),
            "id": number,
        }
        yield (", " if number else "") + json.dumps(record)
    yield "]}"


def visual_genome(images: int, rng: random.Random) -> Iterator[str]:
    """A relationships file: 21 per image, each with both objects written out."""
    yield "["
    for number in range(images):
        ends = []
        for id in range(20):
            x1, y1, x2, y2 = corners(rng)
            sides = {"x": x1, "y": y1, "w": x2 - x1, "h": y2 - y1}
            ends.append({"object_id": id, "names": ["thing"], "synsets": ["thing.n.01"], **sides})
        said = []
        for id in range(21):
            subject, object = rng.sample(ends, 2)
            said.append({"relationship_id": id, "predicate": "on", "synsets": [], "subject": subject, "object": object})
        yield (", " if number else "") + json.dumps({"image_id": number, "relationships": said})
    yield "]"


def grit(images: int, rng: random.Random) -> Iterator[str]:
    """A line per caption of 12 words, with 3 phrases."""
    for number in range(images):
        caption = " ".join(f"word{rng.randrange(100)}" for _ in range(12))
        chunks = []
        for start in (0, 12, 30):
            x1, y1, x2, y2 = corners(rng)
            chunks.append([start, start + 6, x1 / 640, y1 / 480, x2 / 640, y2 / 480, rng.random()])
        record = {"key": f"{number:09d}", "url": "http://example.org/a.jpg", "caption": caption, "noun_chunks": chunks}
        yield json.dumps(record | {"width": 640, "height": 480, "ref_exps": [], "clip_similarity_vitb32": 0.3}) + "\n"


SHAPES = {"psg": psg, "coco": coco, "visual_genome": visual_genome, "grit": grit}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("formats", nargs="*", metavar="FORMAT", help=f"of {', '.join(SHAPES)}; all if not given")
    parser.add_argument("--images", type=int, default=49_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    print(f"{options.images} images, {options.runs} runs; Python {platform.python_version()}, {os.cpu_count()} cpus")
    print(f"{'format':<14}{'file':>8}{'best':>9}{'median':>9}{'best cpu':>10}{'memory':>9}{'kept':>8}{'regions':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for name in options.formats or SHAPES:
            path = Path(folder) / f"{name}.json"
            with path.open("w") as file:
                file.writelines(SHAPES[name](options.images, random.Random(0)))
            command = [sys.executable, "-c", CHILD, name, str(path)]
            runs = [
                [float(word) for word in subprocess.run(command, check=True, capture_output=True).stdout.split()]
                for _ in range(options.runs)
            ]
            wall, cpu, memory, kept, regions = zip(*runs)
            print(
                f"{name:<14}{path.stat().st_size / 2**20:>5.0f} MB{min(wall):>7.2f} s{statistics.median(wall):>7.2f} s"
                f"{min(cpu):>8.2f} s{max(memory):>6.0f} MB{kept[0]:>8.0f}{regions[0]:>9.0f}",
                flush=True,
            )
            path.unlink()


if __name__ == "__main__":
    main()
