"""What a student's cells put out, as it is kept."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

from grader.engine.outputs import MAX_OUTPUTS, Output
from grader.engine.proxy import Link
from grader.engine.student import execute, look_up
from grader.engine.supervisor import Student
from grader.sandbox.limits import Limits

CUT = "the output was cut here"


@pytest.fixture(scope="module")
def link() -> Iterator[Link]:
    with tempfile.TemporaryDirectory() as scratch:
        process = Student(isolate=True, limits=Limits(), scratch=scratch)
        yield Link(process.data, 2**22)
        process.finish()


def run(link: Link, source: str) -> list[dict[str, Any]]:
    return list(link.ask(execute, source, 10_000, 100_000))


def test_text_is_joined_and_cut_by_size() -> None:
    output = Output(text=300, pictures=0)
    for _ in range(10):
        output.text("stdout", "ab")
    output.text("stderr", "x" * 1000)
    items = output.done()
    assert items[0] == {"output_type": "stream", "name": "stdout", "text": "ab" * 10}
    assert items[1]["text"] == "x" * 80
    assert CUT in items[2]["text"]


def test_the_number_of_outputs_is_bounded() -> None:
    output = Output(text=10**9, pictures=0)
    for _ in range(2 * MAX_OUTPUTS):
        output.rich("display_data", {"text/plain": "x"})
    items = output.done()
    assert len(items) == MAX_OUTPUTS + 1
    assert CUT in items[-1]["text"]


def test_what_nobody_will_see_is_not_drawn(link: Link) -> None:
    source = """
from IPython.display import display
from IPython.utils.capture import capture_output
class Thing:
    drawn = 0
    def __repr__(self):
        Thing.drawn += 1
        return "thing"
for _ in range(5000):
    display(Thing())
with capture_output() as caught:
    display(Thing())
assert 50 < Thing.drawn < 150 and [part.data for part in caught.outputs] == [{"text/plain": "thing"}], Thing.drawn
Thing()
"""
    *shown, last = run(link, source)
    assert len(shown) > 50 and {item["data"]["text/plain"] for item in shown} == {"thing"}
    assert CUT in last["text"]
    assert run(link, "Thing()")[0]["data"] == {"text/plain": "thing"}  # the next cell begins anew


def test_an_error_is_shown_even_when_all_is_used_up() -> None:
    output = Output(text=0, pictures=0)
    output.error("ValueError", "no", ["line", "x" * 10_000])
    (item,) = output.done()
    assert item["ename"] == "ValueError"
    assert len(item["traceback"][0]) == 2000


def test_what_a_browser_would_run_is_left_out(link: Link) -> None:
    source = """
from IPython.display import HTML, Javascript, SVG, Markdown, display
display(HTML("<script>1</script>"), Javascript("1"), Markdown("<b>"), SVG("<svg xmlns='http://www.w3.org/2000/svg'/>"))
"""
    for item in run(link, source):
        assert set(item["data"]) == {"text/plain"}


def test_values_streams_and_errors(link: Link) -> None:
    items = run(link, "import sys\nprint('a'); print('b', file=sys.stderr); 1 + 1")
    assert [item["output_type"] for item in items] == ["stream", "stream", "execute_result"]
    assert items[2]["data"] == {"text/plain": "2"}
    (error,) = run(link, "1 / 0")
    assert (error["output_type"], error["ename"]) == ("error", "ZeroDivisionError")
    assert "\x1b" not in error["traceback"][0]
    (error,) = run(link, "def f(:")
    assert error["ename"] == "SyntaxError"


def test_figures_appear_without_being_asked_for(link: Link) -> None:
    items = run(link, "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.title('t');")
    assert [set(item["data"]) for item in items] == [{"text/plain", "image/png"}]
    assert [set(item["data"]) for item in run(link, "plt.plot([1]); plt.show()")] == [
        {"text/plain", "image/png"}
    ]


def test_no_shell_no_input_no_progress_lost(link: Link) -> None:
    (item,) = run(link, "!ls -la /\nx = 5")
    assert item["text"] == "not available when grading: ls\n"
    assert run(link, "x")[0]["data"] == {"text/plain": "5"}
    assert run(link, "input()")[-1]["ename"] == "EOFError"


def test_nothing_is_kept_of_what_a_call_prints(link: Link) -> None:
    run(link, "def f(): print('secret'); return 1")
    assert link.ask(look_up, "f")() == 1
    (item,) = run(link, "1")
    assert item["data"] == {"text/plain": "1"}
