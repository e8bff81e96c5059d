"""Speed of `relata check`: `python benchmarks/check.py [--rows 100000] [--photo FILE]`.

Rows of LLaVA's kind, of ms-swift's, and relata's own examples and scenes (with masks) are made of the rendered world
and repeated under new ids and image names. Each row has an image file of its own: a rendered picture, or the photo
given.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from relata import store, synth
from relata.chat import Example
from relata.dialects import dialect
from relata.formats import llava, sharegpt
from relata.linter import check
from relata.recipes import build

Json = dict[str, Any]


def repeated(rows: list[Json], count: int) -> Iterator[Json]:
    """The rows again and again, each time with other ids and images."""
    for number in range(count):
        row = dict(rows[number % len(rows)], id=f"{number}")
        name = f"images/{number // 1000}/{number}.png"
        if isinstance(row.get("images"), list):
            row["images"] = [name if isinstance(image, str) else dict(image, path=name) for image in row["images"]]
        else:
            row["image"] = name
        yield row


def main(count: int, photo: Path | None) -> None:
    print(f"{platform.python_version()}, {os.cpu_count()} CPUs, one used; {count:,} rows")
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        synth.write(folder, 400)
        build("rec", folder / "scenes.jsonl", out=folder / "rec", images=folder)
        examples = list(store.records(folder / "rec" / "examples", Example))
        picture = (photo or next((folder / "images").glob("*.png"))).read_bytes()
        for number in range(count):
            target = folder / "images" / f"{number // 1000}" / f"{number}.png"
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(picture)

        def lost(rejected: object) -> None:
            raise RuntimeError(rejected)

        def exported(write: Callable[[Path], int]) -> list[Json]:
            write(folder / "rows.json")
            found: list[Json] = json.loads((folder / "rows.json").read_bytes())
            return found

        made = dialect("asmv2")
        kinds: dict[str, list[Json]] = {
            "LLaVA rows, <box>": exported(
                lambda path: llava.write(examples, path, dialect=made, images=folder, refuse=lost)
            ),
            "ms-swift rows, objects": exported(
                lambda path: sharegpt.write(examples, path, images=folder, refuse=lost, objects=True)
            ),
            "examples": [json.loads(line) for line in (folder / "rec/examples/00000.jsonl").open()],
            "scenes with masks": [json.loads(line) for line in (folder / "scenes.jsonl").open()],
        }
        print(f"{'seconds of one core':32}{'--no-files':>12}{'with files':>12}{'MB peak':>10}{'MB of rows':>12}")
        for name, rows in kinds.items():
            path = folder / "data.jsonl"
            with path.open("w") as file:
                file.writelines(json.dumps(row) + "\n" for row in repeated(rows, count))
            seconds = []
            for files in (False, True):
                start = time.process_time()
                found = check(path, folder, files=files)
                seconds.append(time.process_time() - start)
                assert found.files[0].rows == count
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"{name:32}{seconds[0]:12.1f}{seconds[1]:12.1f}{peak:10,.0f}{path.stat().st_size / 1e6:12,.0f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--photo", type=Path)
    given = parser.parse_args()
    main(given.rows, given.photo)
