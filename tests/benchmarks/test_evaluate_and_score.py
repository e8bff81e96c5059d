"""Answers on disk as they come, resuming, refusing what does not fit, and the file of scores."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import relata
from relata.benchmarks import Scores, _answers, evaluate, score
from relata.chat import Answer
from relata.errors import RelataError
from relata.scene import Scene, encode

Answers = Callable[..., Path]


def knows(question: str) -> str:
    """The letter of the option that is right in the fixture."""
    right = {
        "What is riding": "man",
        "between man and": "riding",
        "between dog and": "driving",
        "What is the man": "horse",
    }
    text = next(option for stem, option in right.items() if stem in question)
    return next(line[0] for line in question.splitlines() if line[1:] == f". {text}")


def test_a_model_is_asked_scored_and_written_down(files: Path, tmp_path: Path, scripted: Any) -> None:
    model = scripted(knows)
    scores = evaluate("crpe", model, files / "crpe_relation.jsonl", out=tmp_path / "run", images="photos")
    assert scores["official"].value == scores["rows"].value == 1
    assert model.asked[0][0] == [Path("photos/coco/val2017/000000000001.jpg")]
    lines = (tmp_path / "run" / "answers.jsonl").read_text().splitlines()
    assert json.loads(lines[0]) == {"question": "0", "text": "A", "model": "scripted"}
    assert len(lines) == 16
    assert Scores.load(tmp_path / "run" / "scores.json") == scores
    assert score("crpe", tmp_path / "run", files / "crpe_relation.jsonl") == scores


def test_the_public_names() -> None:
    assert relata.evaluate is evaluate
    assert relata.score is score


def test_a_stopped_run_goes_on_where_it_was(files: Path, tmp_path: Path, scripted: Any) -> None:
    data = files / "crpe_relation.jsonl"
    whole = evaluate("crpe", scripted(knows), data, out=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        evaluate("crpe", scripted(knows, fails_after=5), data, out=tmp_path / "parts")
    path = tmp_path / "parts" / "answers.jsonl"
    assert len(path.read_text().splitlines()) == 5
    with open(path, "a") as file:
        file.write('{"question": "5", "te')  # killed while writing
    rest = scripted(knows)
    assert evaluate("crpe", rest, data, out=tmp_path / "parts") == whole
    assert len(rest.asked) == 11
    assert path.read_bytes() == (tmp_path / "whole" / "answers.jsonl").read_bytes()
    again = scripted(knows)
    assert evaluate("crpe", again, data, out=tmp_path / "parts") == whole
    assert again.asked == []


def test_a_file_cut_anywhere_loses_one_answer_at_most(tmp_path: Path) -> None:
    path, replies = tmp_path / "answers.jsonl", [Answer(str(k), "选 B\n" * k, model="m") for k in range(3)]
    _answers.append(path, replies)
    data = path.read_bytes()
    for end in range(len(data) + 1):
        path.write_bytes(data[:end])
        kept = list(_answers.resume(path).values())
        assert kept == replies[: data[:end].count(b"\n")]
        _answers.append(path, replies[len(kept) :])
        assert path.read_bytes() == data


def test_a_full_disk_costs_no_answer(
    files: Path, tmp_path: Path, scripted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []

    def fsync(handle: int) -> None:
        synced.append(handle)
        if len(synced) > 3:
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr("relata.benchmarks._answers.os.fsync", fsync)
        with pytest.raises(RelataError, match=r"cannot write .*: No space left on device"):
            evaluate("crpe", scripted(knows), files / "crpe_relation.jsonl", out=tmp_path)
    rest = scripted(knows)
    assert evaluate("crpe", rest, files / "crpe_relation.jsonl", out=tmp_path)["official"].value == 1
    assert len(rest.asked) == 12


def test_answers_of_another_model_are_not_mixed_in(files: Path, tmp_path: Path, scripted: Any) -> None:
    data = files / "crpe_relation.jsonl"
    evaluate("crpe", scripted(knows), data, out=tmp_path)
    with pytest.raises(RelataError, match=r"has answers of scripted, not of other; use another folder"):
        evaluate("crpe", scripted(knows, name="other"), data, out=tmp_path)


def test_what_cannot_be_scored_is_not_asked(files: Path, tmp_path: Path, scripted: Any) -> None:
    lines = (files / "crpe_relation.jsonl").read_text().splitlines()
    (tmp_path / "short.jsonl").write_text("\n".join(lines[:-1]))
    (tmp_path / "empty.jsonl").write_text("")
    model = scripted(knows)
    with pytest.raises(RelataError, match="its rows are no multiple of 4"):
        evaluate("crpe", model, tmp_path / "short.jsonl", out=tmp_path / "run")
    with pytest.raises(RelataError, match=r"empty\.jsonl holds no questions"):
        evaluate("crpe", model, tmp_path / "empty.jsonl", out=tmp_path / "run")
    evaluate("crpe", scripted(knows), files / "crpe_relation.jsonl", out=tmp_path / "run")
    with pytest.raises(RelataError, match=r"12 \(10, 11, .*\) answer no question of this file"):
        evaluate("crpe", model, files / "crpe_exist.jsonl", out=tmp_path / "run")
    assert model.asked == []


def test_missing_answers_are_listed_or_counted_wrong(files: Path, answers: Answers) -> None:
    data = files / "crpe_relation.jsonl"
    some = answers(
        (k, "ADCB"[k % 4]) for k in range(12)
    )  # the right letters of the file; question 12 to 15 are missing
    with pytest.raises(RelataError, match=r"4 \(12, 13, 14, 15\) of 16 questions have no answer"):
        score("crpe", some, data)
    scores = score("crpe", some, data, incomplete=True)
    # subject 1, predicate (1 + 1)/2, object 0
    assert scores["official"].value == pytest.approx(2 / 3)
    assert (scores.missing, scores.answers, scores["official"].unreadable) == (4, 12, 0.25)
    assert "INCOMPLETE: 4 questions" in str(scores)


def test_answers_that_do_not_fit_are_refused(files: Path, answers: Answers, tmp_path: Path) -> None:
    data = files / "crpe_relation.jsonl"
    with pytest.raises(RelataError, match=r"1 \(99\) answer no question of this file"):
        score("crpe", answers([(k, "A") for k in (*range(16), 99)]), data)
    with pytest.raises(RelataError, match=r":17: question 3 is answered a second time"):
        score("crpe", answers([(k, "A") for k in (*range(16), 3)]), data)
    torn = tmp_path / "torn.jsonl"
    torn.write_text('{"question": "0", "text": "A"}\n{"question": "1", "te\n')
    with pytest.raises(RelataError, match=r"torn.jsonl:2: no answer"):
        score("crpe", torn, data)
    with pytest.raises(RelataError, match=r"does not exist"):
        score("crpe", tmp_path / "nothing.jsonl", data)
    mixed = tmp_path / "mixed.jsonl"
    mixed.write_text("".join(f'{{"question": "{k}", "text": "A", "model": "m{k % 2}"}}\n' for k in range(16)))
    with pytest.raises(RelataError, match=r"mixes answers of m0, m1"):
        score("crpe", mixed, data)
    scene = tmp_path / "scene.jsonl"
    scene.write_bytes(b"".join(encode(Scene(str(k), "1.jpg", 10, 10)) + b"\n" for k in range(16)))
    with pytest.raises(RelataError, match=r"question 0 is answered with a scene"):
        score("crpe", scene, data)


def test_the_authors_own_answer_files_are_read(files: Path, tmp_path: Path) -> None:
    path = tmp_path / "theirs.jsonl"
    rows = ({"question_id": k, "text": "ADCB"[k % 4], "model_id": "asmv2", "metadata": {}} for k in range(16))
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    scores = score("crpe", path, files / "crpe_relation.jsonl", "official")
    assert (scores["official"].value, scores.model) == (1, "asmv2")


def test_wrong_names_offer_near_ones(files: Path, answers: Answers) -> None:
    some, data = answers((k, "A") for k in range(16)), files / "crpe_relation.jsonl"
    with pytest.raises(RelataError, match="unknown benchmark 'crep'; did you mean crpe"):
        score("crep", some, data)
    with pytest.raises(RelataError, match="unknown protocol of crpe 'offical'; did you mean official"):
        score("crpe", some, data, "offical")
    with pytest.raises(RelataError, match="benchmark crpe has no option 'dialect'"):
        score("crpe", some, data, dialect="asmv2")
    with pytest.raises(RelataError, match="unknown protocol among these scores 'rows'"):
        score("crpe", some, data, "official")["rows"]


def test_the_file_of_scores(files: Path, answers: Answers, tmp_path: Path) -> None:
    # every reply is "B.": unreadable to the strict reader, B to the lenient one
    data = files / "crpe_relation.jsonl"
    scores = score("crpe", answers((k, "B.") for k in range(16)), data)
    scores.write(tmp_path / "scores.json")
    written = json.loads((tmp_path / "scores.json").read_text())
    assert written["scores"]["official"] == {
        "metric": "circular accuracy, mean of subject, predicate, object",
        "value": 0.0,
        "interval": [0.0, 0.0],
        "count": 4,
        "unreadable": 1.0,
    }
    assert written["scores"]["rows"]["value"] == 0.25
    assert written["scores"]["rows"]["metric"] == "accuracy, all rows"
    assert written["differences"] == {
        "fixed - official": 0.0,
        "vlmevalkit - official": 0.25,
        "rows - official": 0.25,
    }
    assert written["missing"] == 0
    assert written["data"]["file"] == "crpe_relation.jsonl"
    assert len(written["data"]["sha256"]) == 64
    assert written["versions"]["relata"] == relata.__version__
    assert written["details"]["official"]["rules"]["reading"] == "strict"
    assert list(written["scores"]) == ["official", "fixed", "vlmevalkit", "rows"]
    assert set(written["details"]["fixed"]["table"]) == {"subject", "predicate", "object", "abnormal images"}
    printed = str(scores).splitlines()
    assert printed[0] == "crpe, scripted: 16 answers"
    assert printed[4].split("  ")[0] == "vlmevalkit"
    assert printed[4].endswith("+25.00")
    assert printed[6:8] == ["all: size 4", "official: reading strict, grouping circular, averaging categories"]
    with pytest.raises(RelataError, match=r"expected the scores\.json"):
        Scores.load(data)


def test_one_protocol_or_several(files: Path, answers: Answers) -> None:
    some, data = answers((k, "A") for k in range(16)), files / "crpe_relation.jsonl"
    assert list(score("crpe", some, data, "fixed").scores) == ["fixed"]
    two = score("crpe", some, data, ("rows", "official"))
    assert list(two.scores) == ["rows", "official"]
    assert two.differences == {"official - rows": -0.25}
