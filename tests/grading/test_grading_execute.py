"""Running students' code: what is run, in which environment, and what a bad cell costs."""

import os

import nbformat
import pytest

from clerkship_grading.preprocessors.execute import (
    ExecuteAnswers,
    clean_environment,
    needs_running,
    plain_outputs,
)

TEST = {"nbgrader": {"grade_id": "t", "grade": True, "solution": False, "points": 1}}


def code(source, **metadata):
    return nbformat.v4.new_code_cell(source, metadata=metadata)


def run(tmp_path, *cells, **options):
    """Grade a notebook made of these cells in a folder with one answer file."""
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers" / "post.json").write_text("{}")
    (tmp_path / "module.ipynb").write_text("### BEGIN HIDDEN TESTS")
    notebook = nbformat.v4.new_notebook(cells=list(cells))
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    step = ExecuteAnswers(timeout=options.pop("timeout", 20), **options)
    resources = {"metadata": {"path": str(tmp_path)}}
    return step.preprocess(notebook, resources)[0].cells


def printed(cell):
    return "".join(o.get("text", "") for o in cell.outputs)


# -- without a kernel ------------------------------------------------------------------------


def test_the_environment_holds_no_token_and_no_place_of_keys(tmp_path):
    grader = {
        "PATH": "/bin", "HOME": "/home/teacher", "JUPYTERHUB_API_TOKEN": "t", "JPY_API_TOKEN": "t",
        "CLERKSHIP_KEYS": "/keys", "AWS_SECRET_ACCESS_KEY": "s", "LANG": "C.UTF-8",
    }  # fmt: skip
    environment = clean_environment(grader, tmp_path)
    assert environment["PATH"] == "/bin"
    assert environment["LANG"] == "C.UTF-8"
    assert environment["HOME"] == str(tmp_path)
    assert not {"t", "s", "/keys", "/home/teacher"} & set(environment.values())


@pytest.mark.parametrize("kind", ["quiz", "annotate", "show"])
def test_a_cell_that_shows_a_widget_is_not_run(kind):
    assert not needs_running(code("ReadingRoom()", clerkship={"kind": kind}))


def test_code_is_run_and_text_and_empty_cells_are_not():
    assert needs_running(code("1 + 1"))
    assert needs_running(code("f()", clerkship={"kind": "code", "task": "t"}))
    assert not needs_running(code("  \n"))
    assert not needs_running(nbformat.v4.new_markdown_cell("text"))


def test_a_notebook_of_widgets_starts_no_kernel(tmp_path, monkeypatch):
    monkeypatch.setattr(ExecuteAnswers, "setup_kernel", lambda *_a, **_k: pytest.fail("a kernel"))
    cell = code("ReadingRoom()", clerkship={"kind": "show"})
    assert run(tmp_path, cell)[0].outputs == []


def test_output_that_a_browser_would_execute_is_dropped():
    outputs = [
        nbformat.v4.new_output(
            "display_data", {"text/html": "<script>", "text/plain": "a table", "image/png": "iVBO"}
        ),
        nbformat.v4.new_output("display_data", {"application/javascript": "alert(1)"}),
    ]
    assert [o.data for o in plain_outputs(outputs)] == [
        {"text/plain": "a table", "image/png": "iVBO"}
    ]


def test_a_flood_of_output_is_cut():
    flood = [nbformat.v4.new_output("stream", name="stdout", text="x" * 900_000) for _ in range(9)]
    kept = plain_outputs(flood)
    assert len(kept) == 3
    assert "cut here" in kept[-1].text


# -- with a real kernel ------------------------------------------------------------------------


@pytest.mark.slow
def test_code_runs_beside_the_answers_but_away_from_keys_tokens_and_notebook(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "the-token")
    monkeypatch.setenv("CLERKSHIP_KEYS", "/the/keys")
    cells = run(
        tmp_path,
        code("import os, glob; print(sorted(glob.glob('**', recursive=True)))"),
        code("print(dict(os.environ), os.getcwd())"),
        code("open('answers/post.json', 'w').write('forged')"),
        code("raise ValueError('mine')"),
        code("print('still here')"),
    )
    assert "post.json" in printed(cells[0])
    assert "ipynb" not in printed(cells[0])
    for secret in ("the-token", "/the/keys", str(tmp_path), f"'HOME': '{os.environ['HOME']}'"):
        assert secret not in printed(cells[1])
    assert (tmp_path / "answers" / "post.json").read_text() == "{}"
    assert cells[3].outputs[0].ename == "ValueError"
    assert "still here" in printed(cells[4])


@pytest.mark.slow
def test_a_cell_that_hangs_costs_itself_only(tmp_path):
    cells = run(
        tmp_path,
        code("x = 40"),
        code("while True: pass"),
        code("assert x + 2 == 42", **TEST),
        timeout=2,
    )
    assert cells[1].outputs[0].ename == "NotRun"
    assert cells[2].outputs == []


@pytest.mark.slow
def test_a_kernel_that_dies_is_replaced_and_the_answers_before_it_run_again(tmp_path):
    cells = run(
        tmp_path,
        code("x = 40; print('once')"),
        code("assert x == 40; x = 0", **TEST),  # a test is not run a second time
        code("import os; os._exit(1)"),
        code("assert x + 2 == 42", **TEST),
    )
    assert printed(cells[0]) == "once\n"
    assert cells[1].outputs == []
    assert "stopped Python" in cells[2].outputs[0].evalue
    assert cells[3].outputs == []


@pytest.mark.slow
def test_a_cell_that_cannot_be_interrupted_costs_itself_only(tmp_path):
    stubborn = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
    cells = run(tmp_path, code("x = 40"), code(stubborn), code("print(x + 2)"), timeout=2)
    assert cells[1].outputs[0].ename == "NotRun"
    assert printed(cells[2]) == "42\n"


@pytest.mark.slow
def test_a_submission_that_kills_every_kernel_is_given_up_and_not_lost(tmp_path):
    cells = run(tmp_path, *[code("import os; os._exit(1)") for _ in range(6)])
    assert [cell.outputs[0].ename for cell in cells] == ["NotRun"] * 6
    assert "before it" in cells[-1].outputs[0].evalue


@pytest.mark.slow
def test_code_that_takes_all_memory_costs_itself_only(tmp_path):
    greedy = "x = bytearray(3 << 30)"
    cells = run(tmp_path, code(greedy), code("print('still here')"), memory_mb=2048)
    assert cells[0].outputs[0].ename == "MemoryError"
    assert printed(cells[1]) == "still here\n"
