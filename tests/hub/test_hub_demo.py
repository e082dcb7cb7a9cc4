"""What the demonstration hands in, and how it notices a surprise."""

from __future__ import annotations

from pathlib import Path

import pytest

from clerkship_courses import Module, StatedAnswers, read_answers, read_course
from clerkship_hub.answering import STUDENTS, Answer, answers_of
from clerkship_hub.demo import Outcome, surprises, totals

TINY = Path(__file__).parent
"""Holds `tiny-course`."""


@pytest.fixture(scope="module")
def module() -> Module:
    return read_course(TINY / "tiny-course").modules[0]


@pytest.fixture(scope="module")
def stated(module: Module) -> StatedAnswers:
    return read_answers(module)


@pytest.mark.parametrize(("student", "points"), [("perfect", 10), ("wrong", 3), ("blank", 0)])
def test_what_each_student_must_earn_is_known_beforehand(
    module: Module, stated: StatedAnswers, student: str, points: float
) -> None:
    answers = answers_of(module, stated, student)
    assert sum(answer.expected for answer in answers) == points
    assert sum(answer.points for answer in answers) == module.points


def test_each_kind_of_task_is_answered_in_its_own_way(
    module: Module, stated: StatedAnswers
) -> None:
    perfect = {answer.task: answer for answer in answers_of(module, stated, "perfect")}
    assert "_quiz.answer('how-many', ['three'])" in (perfect["planes"].widget or "")
    assert "return 2 * value" in (perfect["double"].cell or "")
    assert "Axial cuts across" in (perfect["sentence"].cell or "")


def test_a_blank_student_touches_nothing(module: Module, stated: StatedAnswers) -> None:
    blank = answers_of(module, stated, "blank")
    assert all(answer.cell is None and answer.widget is None for answer in blank)


def outcome(**earned: float) -> Outcome:
    answers = [Answer("quiz", "quiz", 4, expected=4), Answer("essay", "written", 6, expected=2)]
    return Outcome("wrong", "m", answers, score=sum(earned.values()), max_score=10)


def test_expected_scores_are_no_surprise() -> None:
    assert surprises(outcome(), {"quiz": 4.0, "essay": 2.004}) == []


def test_one_task_too_high_and_one_too_low_do_not_cancel_out() -> None:
    found = surprises(outcome(), {"quiz": 3.0, "essay": 3.0})
    assert found == [
        "wrong, m, quiz: 3 points, expected 4 of 4",
        "wrong, m, essay: 3 points, expected 2 of 6",
    ]


def test_a_task_that_the_gradebook_lost_is_a_surprise() -> None:
    assert len(surprises(outcome(), {"quiz": 4.0})) == 1


def test_totals_add_up_over_modules() -> None:
    outcomes = [
        Outcome(student, module, [], score=score, max_score=10)
        for module in ("m", "n")
        for student, score in zip(STUDENTS, (10, 2.5, 0), strict=True)
    ]
    assert totals(outcomes) == [
        {"name": "perfect", "score": 20, "max": 20},
        {"name": "wrong", "score": 5, "max": 20},
        {"name": "blank", "score": 0, "max": 20},
    ]
