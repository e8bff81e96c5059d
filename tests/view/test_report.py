"""Sections of a report and scores as tables."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest

from relata import RelataError, Scene
from relata.view.report import (
    MOST_POINTS,
    PREVIEW,
    Code,
    Curve,
    Gallery,
    Prose,
    Table,
    cell,
    drawable,
    environment,
    points,
    report,
)
from relata.view.scores import sections


def data(page: Path) -> dict[str, Any]:
    """The data that a page holds."""
    found = re.search(r'id="data">(.*?)</script>', page.read_text())
    assert found
    value: dict[str, Any] = json.loads(found[1])
    return value


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (math.nan, "–"),
        (True, "yes"),
        (0.63412, "0.6341"),
        (71.2345, "71.23"),
        (1234.56, "1,234.6"),
        (9999, "9999"),
        (1234567, "1,234,567"),
        (1e-9, "1e-09"),
        (math.inf, "inf"),
        ("a\x00b", "a\ufffdb"),
    ],
)
def test_cells(value: str | float | bool | None, shown: str) -> None:
    assert cell(value) == shown


def test_numbers_of_a_column_have_the_same_decimals() -> None:
    found = drawable(Table("t", ("name", "score", "n"), (("a", 0.5, 10), ("b", 0.634, None), ("c", None, 7))))
    assert found["rows"] == [["a", "0.500", "10"], ["b", "0.634", "–"], ["c", "–", "7"]]
    assert found["numeric"] == [False, True, True]


def test_a_row_that_does_not_fit_its_columns_is_refused() -> None:
    with pytest.raises(RelataError, match="table 'scores': a row has 1 cells for 2 columns"):
        drawable(Table("scores", ("a", "b"), (("only",),)))


def test_long_curves_are_thinned_and_end_where_they_end() -> None:
    line = [(float(i), float(i * i)) for i in range(10_001)]
    found = points(line)
    assert len(found) <= MOST_POINTS + 1
    assert found[0] == (0.0, 0.0)
    assert found[-1] == line[-1]


def test_a_loss_that_is_not_a_number_leaves_a_gap() -> None:
    assert points([(0, 1.0), (1, math.nan), (2, math.inf), (3, 0.5)]) == [(0.0, 1.0), None, None, (3.0, 0.5)]
    assert points([]) == []


def test_a_report_holds_its_sections_in_order(tmp_path: Path) -> None:
    curve = Curve("Learning", {"loss": [(0, 2.0), (1, math.nan), (2, 1.0)]}, "step", "loss")
    page = report(tmp_path / "r.html", [Prose("Why", "Because."), curve, Code("Run", "relata demo"), environment()])
    found = data(page)
    assert [s["type"] for s in found["sections"]] == ["prose", "curve", "code", "table"]
    assert found["sections"][1]["series"] == [{"name": "loss", "points": [[0, 2], None, [2, 1]]}]
    assert [row[0] for row in found["sections"][3]["rows"] if row[0] in ("python", "relata")] == ["python", "relata"]


def test_a_long_gallery_has_a_preview_and_pages_of_its_own(tmp_path: Path, photos: Path, scene: Scene) -> None:
    scenes = tuple(scene.replace(id=f"s{i}") for i in range(120))
    page = report(tmp_path / "out", [Prose("Why", ""), Gallery("Samples <b>", scenes, photos)])
    section = data(page)["sections"][1]
    assert [item["id"] for item in section["items"]] == [f"s{i}" for i in range(PREVIEW)]
    assert section["pages"] == ["index-2-samples-b.html", "index-2-samples-b-2.html", "index-2-samples-b-3.html"]
    whole = [data(page.parent / name) for name in section["pages"]]
    assert [len(p["sections"][0]["items"]) for p in whole] == [50, 50, 20]
    assert [p["sections"][0]["first"] for p in whole] == [0, 50, 100]
    assert whole[1]["current"] == 1
    assert len(list((tmp_path / "out" / "assets").iterdir())) == 1


def test_a_short_gallery_stands_in_the_report_alone(tmp_path: Path, photos: Path, scene: Scene) -> None:
    page = report(tmp_path, [Gallery("Samples", (scene,), photos)])
    assert data(page)["sections"][0]["pages"] == []
    assert [file.name for file in tmp_path.glob("*.html")] == ["index.html"]


SCORES = {
    "value": 0.634,
    "by_category": {"left of": {"value": 0.6, "count": 10}, "under": {"value": 0.55, "count": 11, "note": "few"}},
    "count": 1000,
    "protocol": "official",
    "interval": [0.604, 0.664],
    "settings": {"seed": 1, "device": None},
    "runs": [{"seed": 1, "value": 0.6}, {"seed": 2, "value": 0.65}],
    "options": ["A", "B"],
    "letters": [f"option {i}" for i in range(9)],
    "details": {"official": {"rules": {"top": 20}, "values": {"R@20": {"value": 0.2}}, "notes": ["no masks"]}},
    "deep": {"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}},
    "empty": {},
}


def test_scores_become_tables_with_what_matters_first() -> None:
    first, *others = sections(SCORES, "Scores")
    assert isinstance(first, Table)
    assert first.rows == (
        ("protocol", "official"),
        ("value", 0.634),
        ("interval", "0.604 to 0.664"),
        ("count", 1000),
        ("options", "A, B"),
    )
    by_name = {section.title: section for section in others}
    category = by_name["By category"]
    assert isinstance(category, Table)
    assert category.columns == ("", "value", "count", "note")
    assert category.rows == (("left of", 0.6, 10, None), ("under", 0.55, 11, "few"))
    runs, letters, settings = by_name["Runs"], by_name["Letters"], by_name["Settings"]
    assert isinstance(runs, Table)
    assert runs.rows == (("1", 1, 0.6), ("2", 2, 0.65))
    assert isinstance(letters, Table)
    assert letters.rows[8] == ("9", "option 8")
    assert isinstance(settings, Table)
    assert settings.rows == (("seed", 1), ("device", None))
    assert [name for name in by_name if name.startswith("Details")] == [
        *("Details, official", "Details, official, rules", "Details, official, values")
    ]
    deep = by_name["Deep, a, b, c"]
    assert isinstance(deep, Code)
    assert json.loads(deep.text) == {"d": {"e": {"f": 1}}}
    assert "Empty" not in by_name


def test_every_section_of_any_scores_can_be_drawn() -> None:
    for section in sections(SCORES, "Scores"):
        assert not isinstance(section, Gallery)
        assert drawable(section)["title"]
