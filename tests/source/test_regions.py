import pytest

from grader.errors import CourseError
from grader.source.regions import Region, split_regions


def test_regions_are_split_from_what_is_released():
    source = "def f():\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION"
    assert split_regions(source, "here") == ("def f():", (Region("SOLUTION", "    return 1"),))


@pytest.mark.parametrize(
    "line",
    [
        "### BEGIN SOLUTON",
        "### BEGINN SOLUTION",
        "### BEING SOLUTION",
        "### begin solution",
        "# BEGIN  SOLUTION",
        "### BEGIN HIDEN TESTS",
        "### BEGIN HIDDEN TEST",
        "### END SOLUTIONS",
        "=== BEGIN MARK SHEME ===",
        "pass  ### BEGIN SOLUTION",
    ],
)
def test_a_misspelt_marker_is_named_with_its_place(line):
    with pytest.raises(CourseError, match=r"unit\.py: cell 3, line 2"):
        split_regions(f"x = 1\n{line}\ny = 2", "unit.py: cell 3")


@pytest.mark.parametrize(
    "line", ["# begin with the gradient", "# the end of the solution path", "### Solution", "# END"]
)
def test_ordinary_comments_are_no_markers(line):
    assert split_regions(line, "here") == (line, ())


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("### BEGIN SOLUTION\nx", "has no END SOLUTION"),
        ("x\n### END SOLUTION", "closes nothing"),
        ("### BEGIN SOLUTION\n### BEGIN HIDDEN TESTS\n### END SOLUTION", "stands inside"),
        ("### BEGIN SOLUTION\n### END HIDDEN TESTS", "closes nothing"),
    ],
)
def test_unbalanced_markers_are_refused(source, message):
    with pytest.raises(CourseError, match=message):
        split_regions(source, "here")
