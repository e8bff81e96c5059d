"""CRPE: the published files, four protocols from one file of answers, agreement with plain loops, and gaming."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import naive_choice as naive
import pytest

from relata.benchmarks import crpe, score
from relata.errors import RelataError

Answers = Callable[..., Path]


def test_a_published_file_is_read_as_it_stands(files: Path) -> None:
    rows = crpe.questions(files / "crpe_relation.jsonl")
    assert [row.question_id for row in rows] == list(range(16))
    assert rows[1].options == ("dog", "tree", "fence", "man")
    assert (rows[1].correct_option, rows[1].category) == ("D", "subject")
    assert [row.group for row in rows[::4]] == ["subject-0", "predicate-1", "predicate-2", "object-3"]
    assert all(len({row.group for row in rows[k : k + 4]}) == 1 for k in (0, 4, 8, 12))


def test_an_unexpanded_file_is_rotated(files: Path) -> None:
    published = crpe.questions(files / "crpe_relation.jsonl")
    made = crpe.questions(files / "crpe_relation_meta.jsonl")

    def asked(rows: list[crpe.Question]) -> set[tuple[str, ...]]:
        return {(row.image, row.category, row.correct_option, *row.options) for row in rows}

    assert asked(made) == asked(published)
    assert [row.question_id for row in made[:5]] == ["1.0", "1.1", "1.2", "1.3", "2.0"]


def test_unexpanded_rows_may_also_have_lettered_text(files: Path, tmp_path: Path) -> None:
    lines = (files / "crpe_relation.jsonl").read_text().splitlines()
    (tmp_path / "some.jsonl").write_text("\n".join(lines[::4]) + "\n")
    made = crpe.questions(tmp_path / "some.jsonl")
    assert len(made) == 16
    assert made[1].text == crpe.questions(files / "crpe_relation.jsonl")[1].text


def test_damaged_files_are_refused(files: Path, tmp_path: Path) -> None:
    def refused(row: dict[str, object], message: str, times: int = 1) -> None:
        path = tmp_path / "bad.jsonl"
        path.write_text(f"{json.dumps(row)}\n" * times)
        with pytest.raises(RelataError, match=message):
            crpe.questions(path)

    row: dict[str, object] = json.loads((files / "crpe_relation.jsonl").read_text().splitlines()[0])
    refused(row, "question_id 0 occurs more than once", times=2)
    refused({**row, "correct_option": "E"}, r"bad.jsonl:1: correct_option 'E' is none of the options \['man'")
    refused({**row, "text": "What is it?"}, r"is none of the options \[\]")
    refused({"image": "x"}, "bad.jsonl:1: Object missing required field `category`")


def test_four_protocols_from_one_file_of_answers(files: Path, answers: Answers) -> None:
    # Right letters are A D C B in each group. The replies, group by group:
    #   subject     A  D  C  B              all right, strictly
    #   predicate   A. (D) C B              right, but two are not one character
    #   predicate   A  D  C  beside         abnormal image; the last names a wrong option
    #   object      Answer: A  D  C  B      right to a person; "Answer" begins with A
    said = ["A", "D", "C", "B", "A.", "(D)", "C", "B", "A", "D", "C", "beside", "Answer: A", "D", "C", "B"]
    scores = score("crpe", answers(enumerate(said)), files / "crpe_relation.jsonl")
    # official: subject 1, predicate 0 of 2, object 0 -> 1/3; 4 of 16 replies are not one character
    assert scores["official"].value == pytest.approx(1 / 3)
    assert scores["official"].unreadable == 0.25
    # fixed: subject 1, predicate 1 of 2, object 1 -> 5/6; all replies can be read
    assert scores["fixed"].value == pytest.approx(5 / 6)
    assert scores["fixed"].unreadable == 0
    # vlmevalkit: "(D)" begins with no letter and names no option; "beside" is wrong: 14 of 16
    assert scores["vlmevalkit"].value == 14 / 16
    assert scores["rows"].value == 15 / 16
    table = scores.details["fixed"].table
    assert (table["predicate"].value, table["predicate"].count) == (0.5, 2)
    assert (table["abnormal images"].value, table["abnormal images"].count) == (0, 1)


def test_existence_alone(files: Path, answers: Answers) -> None:
    scores = score("crpe", answers(enumerate("ADCB")), files / "crpe_exist.jsonl")
    assert (scores["official"].value, scores["official"].metric) == (1, "circular accuracy, mean of exist")


def test_the_fixed_rule_does_not_depend_on_the_order_of_rows(files: Path, answers: Answers, tmp_path: Path) -> None:
    lines = (files / "crpe_relation.jsonl").read_text().splitlines()
    random.Random(1).shuffle(lines)
    shuffled = tmp_path / "shuffled.jsonl"
    shuffled.write_text("\n".join(lines) + "\n")
    # the two predicate questions: one all right, one all wrong
    said = answers((k, "ADCB"[k % 4] if k // 4 != 2 else "DCBA"[k % 4]) for k in range(16))
    assert score("crpe", said, shuffled)["fixed"].value == pytest.approx((1 + 0.5 + 1) / 3)
    assert score("crpe", said, shuffled)["official"].value == pytest.approx((1 + 0 + 1) / 3)


def test_a_file_that_lost_a_row_is_refused(files: Path, answers: Answers, tmp_path: Path) -> None:
    lines = (files / "crpe_relation.jsonl").read_text().splitlines()
    (tmp_path / "short.jsonl").write_text("\n".join(lines[:-1]) + "\n")
    said = answers((k, "A") for k in range(15))
    with pytest.raises(RelataError, match="category 'object': its rows are no multiple of 4"):
        score("crpe", said, tmp_path / "short.jsonl", "official")
    with pytest.raises(RelataError, match="group 'object-3' of category 'object' has right letters A, D, C"):
        score("crpe", said, tmp_path / "short.jsonl", "fixed")


def circles(groups: int, seed: int = 0) -> list[crpe.Question]:
    """Many circular questions, a third in each relation split."""
    rng = random.Random(seed)
    made: list[crpe.Question] = []
    for group in range(groups):
        category = crpe.RELATION[group % 3]
        options = rng.sample(naive.OPTIONS, 4)
        text = "\n".join([f"Question {group}?", *(f"{x}. {o}" for x, o in zip("ABCD", options))])
        rows = crpe.rotations(crpe.Question(group, "1.jpg", text, category, "A", f"g{group}"))
        made += [row.replace(question_id=len(made) + k) for k, row in enumerate(rows)]
    return made


@pytest.mark.parametrize("seed", range(2))
def test_agreement_with_plain_loops_through_files(seed: int, tmp_path: Path, answers: Answers) -> None:
    rng = random.Random(seed)
    questions = circles(250, seed)  # 1,000 replies
    crpe.write(questions, tmp_path / "crpe.jsonl")
    said = []
    for question in questions:
        sure = int(question.group[1:]) % 2
        noise = rng.choice(naive.replies(question.options, rng.choice("ABCD")))
        said.append(question.correct_option if sure and rng.random() < 0.9 else noise)
    scores = score("crpe", answers((q.id, text) for q, text in zip(questions, said)), tmp_path / "crpe.jsonl")
    rows = [naive.Row(q.category, q.correct_option, q.options, text) for q, text in zip(questions, said)]
    splits = naive.official(rows)
    assert scores["official"].value == pytest.approx(sum(splits.values()) / 3)
    assert {name: value.value for name, value in scores.details["official"].table.items()} == pytest.approx(splits)
    assert scores["vlmevalkit"].value == pytest.approx(naive.vlmevalkit(rows))
    assert 0.1 < scores["official"].value < scores["fixed"].value < scores["rows"].value


@pytest.mark.parametrize("letter", "ABCD")
def test_a_constant_letter_scores_nothing(letter: str, files: Path, answers: Answers) -> None:
    scores = score("crpe", answers((k, letter) for k in range(16)), files / "crpe_relation.jsonl")
    assert scores["official"].value == scores["fixed"].value == 0
    assert scores["rows"].value == 0.25


def test_random_letters_score_next_to_nothing(tmp_path: Path, answers: Answers) -> None:
    questions, rng = circles(1200), random.Random(5)
    crpe.write(questions, tmp_path / "crpe.jsonl")
    scores = score("crpe", answers((q.id, rng.choice("ABCD")) for q in questions), tmp_path / "crpe.jsonl")
    assert scores["official"].value <= 0.25**4 + 0.005
    assert scores["fixed"].value <= 0.25**4 + 0.005
    assert scores["rows"].value == pytest.approx(0.25, abs=0.03)
