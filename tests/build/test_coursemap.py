"""The pages made from the lectures: current, complete, and every link of them leads to a heading that is there."""

import re
from urllib.parse import unquote

import nbformat
import pytest

from grader.build import coursemap, glossary
from grader.build import units as units_module
from grader.build.coursemap import edges, in_words, pages, picture, planned
from grader.build.units import Unit, read_units, table_rows
from grader.errors import CourseError
from tests.support.course import LECTURES, ROOT

TOP = "".join((ROOT / "lectures" / f"{LECTURES[0]}.py").read_text(encoding="utf-8").partition("# %%")[:1])
HEAD = "# Why is that?\n\n**Unit 05, momentum.** 60 minutes. You need gradient\ndescent (unit\n01); unit 04 helps.\n\nMore."


@pytest.fixture(scope="module")
def course_units():
    return read_units(ROOT)


@pytest.fixture(scope="module")
def made():
    return pages(ROOT)


def unit(number: str, *after: str) -> Unit:
    return Unit(f"{number}_x", "Why is that?", f"topic {number}", 60, "nothing", after, 90)


def lecture(root, slug, head=HEAD, glossary_rows="", body=""):
    folder = root / "lectures"
    folder.mkdir(parents=True, exist_ok=True)
    cells = [head, *([body] if body else []), f"## Glossary\n\n{glossary_rows}\n\n## Further reading"]
    text = "\n\n".join(
        "# %% [markdown]\n" + "\n".join(f"# {line}".rstrip() for line in c.split("\n")) for c in cells
    )
    (folder / f"{slug}.py").write_text(TOP + text + "\n")
    (folder / f"{slug}.ipynb").write_text("{}")


def test_pages_are_current(made):
    """`grader build` writes them."""
    assert {path.name for path in made} == {"README.md", "GLOSSARY.md"}
    for path, text in made.items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is stale: run `grader build`"


def test_every_unit_is_on_the_map(course_units, made):
    assert [u.slug for u in course_units] == LECTURES
    text = made[ROOT / "lectures" / "README.md"]
    for u in course_units:
        assert f"]({u.slug}.ipynb)" in text
        assert u.question in text
    for topic in planned(ROOT):
        assert topic in text
        assert f"]({topic}" not in text


def test_every_term_leads_to_a_section_that_is_there(course_units, made):
    """And has a translation and a meaning."""
    found = glossary.entries(ROOT, course_units)
    assert len(found) > 80
    headings = {}
    for u in course_units:
        nb = nbformat.read(ROOT / "lectures" / f"{u.slug}.ipynb", as_version=4)
        prose = "\n".join(cell.source for cell in nb.cells if cell.cell_type == "markdown")
        headings[u.slug] = {h.replace(" ", "-") for h in re.findall(r"^#+ (.+)$", prose, re.MULTILINE)}
    text = made[ROOT / "lectures" / "GLOSSARY.md"]
    links = re.findall(r"\]\((\w+)\.ipynb#([^)]*)\)", text)
    assert len(links) == len(found)
    for slug, anchor in links:
        assert unquote(anchor) in headings[slug], f"{slug}#{anchor}"
    for u in course_units:
        assert not glossary.unknown_sections(units_module.prose(ROOT / "lectures" / f"{u.slug}.py")), u.slug
    for entry in found:
        assert re.search("[\u4e00-\u9fff]", entry.chinese) or entry.chinese == entry.english, entry
        assert entry.meaning, f"{entry.english}: its row in {entry.unit.slug} has no meaning"


def test_every_row_of_every_lecture_is_in_the_glossary(course_units, made):
    text = made[ROOT / "lectures" / "GLOSSARY.md"]
    for u in course_units:
        prose = "\n\n".join(units_module.prose(ROOT / "lectures" / f"{u.slug}.py"))
        rows = list(table_rows(prose.partition("## Glossary\n")[2].split("\n## ")[0]))
        assert rows
        for row in rows:
            for word in re.split(r"[,，、]\s*", row["中文"]):
                assert word in text, f"{u.slug}: {word}"


def test_what_a_lecture_says_about_itself(tmp_path):
    lecture(tmp_path, "05_momentum")
    [found] = read_units(tmp_path)
    assert (found.number, found.question, found.topic, found.minutes) == (
        "05",
        "Why is that?",
        "momentum",
        60,
    )
    assert found.needs == "gradient descent (unit 01); unit 04 helps."
    assert found.after == ("01", "04")
    assert found.practice is None


def test_a_lecture_that_does_not_introduce_itself(tmp_path):
    lecture(tmp_path, "05_momentum", head="# Momentum")
    with pytest.raises(CourseError, match="the first cell should say"):
        read_units(tmp_path)


def test_markers_that_were_lost(tmp_path):
    lecture(tmp_path, "05_momentum")
    (tmp_path / "lectures" / "README.md").write_text("# The course\n")
    with pytest.raises(CourseError, match="put them back"):
        pages(tmp_path)


def test_a_course_without_the_page_has_no_map(tmp_path):
    lecture(tmp_path, "05_momentum")
    assert pages(tmp_path) == {}


def test_prose_around_the_markers_stays(tmp_path):
    lecture(tmp_path, "05_momentum")
    readme = tmp_path / "lectures" / "README.md"
    readme.write_text(f"# Mine\n\n{coursemap.BEGIN}\nold\n{coursemap.END}\n\nMine too.\n")
    once = pages(tmp_path)[readme]
    assert once.startswith("# Mine\n") and once.endswith("Mine too.\n") and "old" not in once
    readme.write_text(once)
    assert pages(tmp_path)[readme] == once


def test_arrows_leave_out_what_follows():
    units = [unit("01"), unit("02", "01"), unit("03", "01", "02"), unit("05", "03", "04")]
    assert edges(units) == [("01", "02"), ("02", "03"), ("03", "05")]
    assert (
        in_words(units)
        == "Which unit builds on which: topic 01 (01) needs no other unit; topic 02 (02) builds on 01; "
        "topic 03 (03) builds on 02; topic 05 (05) builds on 03."
    )


def test_the_picture_shows_every_unit_and_every_arrow(course_units, made):
    first, kind, title, *lines, last = picture(course_units)
    assert (first, kind, last) == ("```mermaid", "flowchart LR", "```")
    assert title == "    accTitle: Which unit builds on which"
    boxes, arrows = lines[: len(course_units)], lines[len(course_units) :]
    assert boxes == [f'    u{u.number}["{u.number} {u.topic}"]' for u in course_units]
    assert arrows == [f"    u{a} --> u{b}" for a, b in edges(course_units)]
    text = made[ROOT / "lectures" / "README.md"]
    assert "\n".join(picture(course_units)) in text and in_words(course_units) in text


def terms(tmp_path, **rows):
    for slug, (table, body) in rows.items():
        number = slug[1:3]
        head = f"# Why is that?\n\n**Unit {number}, x.** 5 minutes. You need nothing."
        lecture(tmp_path, f"{number}_x", head, f"| English | 中文 | here |\n|---|---|---|\n{table}", body)
    return {entry.english: entry for entry in glossary.entries(tmp_path, read_units(tmp_path))}


def test_a_row_of_several_terms_is_taken_apart(tmp_path):
    found = terms(
        tmp_path, u01=("| one, two | 一, 二 | the first; the second |\n| epoch | 轮次, 时期 | all |", "")
    )
    assert [(e.chinese, e.meaning) for e in found.values()] == [
        ("轮次，时期", "all"),
        ("一", "the first"),
        ("二", "the second"),
    ]


def test_terms_of_two_lectures_meet(tmp_path):
    """The first lecture defines; a row that names another unit leaves the term to that."""
    found = terms(
        tmp_path,
        u01=("| learning rate η | 学习率 | a |\n| saddle point | 鞍点 | b |", ""),
        u02=("| learning-rate | 步长 | c |\n| saddle point | 鞍点 | d |", ""),
        u03=("| saddle point | 鞍点 | unit 02 |", ""),
    )
    assert [(e.english, e.chinese, e.meaning, e.unit.number, e.others) for e in found.values()] == [
        ("learning rate η", "学习率，步长", "a", "01", ("02",)),
        ("saddle point", "鞍点", "d", "02", ("01", "03")),
    ]


def test_the_section_that_defines_a_term(tmp_path):
    """Its row says which; a row of several terms may say one for each."""
    table = "| English | 中文 | here | section |\n|---|---|---|---|\n"
    rows = "| noise | 噪声 | x | 2 |\n| one, two | 一, 二 | x | 1, 2 |\n| far | 远 | x | 7 |\n| other | 他 | unit 02 | |"
    lecture(tmp_path, "01_x", glossary_rows=table + rows, body="## 1. A\n\n## 2. B")
    found = {entry.english: entry.heading for entry in glossary.entries(tmp_path, read_units(tmp_path))}
    assert found == {"noise": "2. B", "one": "1. A", "two": "2. B", "far": "Glossary", "other": "Glossary"}
    assert glossary.unknown_sections(units_module.prose(tmp_path / "lectures" / "01_x.py")) == ["far"]


def test_table_rows():
    text = "a\n\n| x | y |\n|:--|--:|\n| 1 | a \\| b |\n\n| z |\n|---|\n| 3 |"
    assert list(table_rows(text)) == [{"x": "1", "y": "a | b"}, {"z": "3"}]
