"""Files that are hardly notebooks: a reason, or accepted where the meaning is clear."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import nbformat

from tests.hostile.case import (
    FULL,
    ISOLATED,
    TIGHT,
    Case,
    Expect,
    Json,
    World,
    cell,
    code,
    edited,
    raw,
    ungradable,
    with_cells,
)

HEADING = "malformed"
ITEMS = (
    "truncated JSON",
    "empty",
    "random bytes",
    "UTF-8 with a byte-order mark",
    "UTF-16",
    "a JSON list or number",
    "200,000 levels",
    "NUL",
    "lone surrogates",
    "nbformat 2",
    "3",
    "99",
    "conflict markers",
    "no cells",
    "50,000 cells",
    "200 MB",
    "outputs missing",
    "ids missing",
    "doubled or invalid",
    "NaN in JSON",
    "syntax errors",
    "`%%bash`",
    "`!rm -rf`",
    "`%cd`",
    "`%reset -f`",
    "Colab's own magics",
    "Drive cells",
    "HTML",
    ".py",
    ".docx renamed",
)

NO_NOTEBOOK = ungradable(".")
"""Some sentence; the suite holds that every row without a score has one."""
EITHER = Expect(passes="either", status=None)
"""Full marks, or no score and a sentence; never a zero."""


def _old(version: int) -> Callable[[bytes], bytes]:
    """The notebook in an old format, made by nbformat itself (2: version 3 without what 2 does not know)."""

    def convert(data: bytes) -> bytes:
        nb = nbformat.convert(nbformat.reads(data.decode(), as_version=4), 3)
        if version == 2:
            nb["nbformat"] = 2
            nb.pop("nbformat_minor", None)
            for sheet in nb["worksheets"]:
                sheet["cells"] = [one for one in sheet["cells"] if one["cell_type"] in ("code", "markdown")]
                for one in sheet["cells"]:
                    one.pop("metadata", None)
        return json.dumps(nb).encode()

    return convert


def _conflict(data: bytes) -> bytes:
    text = json.dumps(json.loads(data), indent=1)
    half = len(text) // 2
    return f"{text[:half]}\n<<<<<<< HEAD\n{text[half:]}\n=======\n{text[half:]}\n>>>>>>> theirs\n".encode()


def _levels(data: bytes) -> bytes:
    return b'{"cells": ' + b"[" * 200_000 + b"]" * 200_000 + b', "nbformat": 4}'


def _with(**values: Any) -> Callable[[bytes], bytes]:
    return lambda data: json.dumps({**json.loads(data), **values}).encode()


def _big(data: bytes) -> bytes:
    nb = json.loads(data)
    nb["cells"].append(code("x = 1"))
    nb["cells"][-1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * 200_000_000}]
    return json.dumps(nb).encode()


def _many_cells(nb: Json, world: World) -> None:
    nb["cells"] += [{**code("x = 1"), "id": f"c{i}"} for i in range(50_000)]


def _real_cells(nb: Json, world: World) -> None:
    """Cells that look like work, each looked at by whoever lines cells up."""
    nb["cells"] += [
        code(f"def f{i}(x):\n    y = x + {i}\n    return [y for y in range(x)]\nprint(f{i}(3))")
        for i in range(1500)
    ]


def _shuffled_text(nb: Json, world: World) -> None:
    """Cells without metadata that hold the letters of a solution in another order: dear to compare with it."""
    text = "# " + "".join(sorted(str(cell(nb, world.solutions[0])["source"]))).replace("\n", "")
    nb["cells"] = [{**code(text), "id": f"c{i}"} for i in range(1500)]


def _cells(change: Callable[[Json, int], object]) -> Callable[[Json, World], None]:
    def edit(nb: Json, world: World) -> None:
        for number, one in enumerate(nb["cells"]):
            change(one, number)

    return edit


def _code_only(change: Callable[[Json], object]) -> Callable[[Json, World], None]:
    return _cells(lambda one, number: change(one) if one["cell_type"] == "code" else None)


def _syntax_error(nb: Json, world: World) -> None:
    cell(nb, world.solutions[0])["source"] = "def scale_rows(x, factors:\n    return x *"


def _conflict_in_a_cell(nb: Json, world: World) -> None:
    target = cell(nb, world.solutions[0])
    target["source"] = f"<<<<<<< HEAD\n{target['source']}\n=======\n{target['source']}\n>>>>>>> theirs"


def _odd_cells(nb: Json, world: World) -> None:
    nb["cells"] += [
        None,
        3,
        "x",
        [],
        {},
        {"cell_type": "code"},
        {"cell_type": 4, "source": "x"},
        {"cell_type": "code", "source": 3, "metadata": []},
    ]
    nb["cells"] += [
        {"cell_type": "code", "source": [1, None, "x"], "metadata": None, "outputs": "x"},
        {"cell_type": "heading", "source": "x", "level": 1},
    ]


def _docx(data: bytes) -> bytes:
    return b"PK\x03\x04\x14\x00\x06\x00\x08\x00" + random.Random(1).randbytes(5000) + b"word/document.xml"


BREAKS: dict[str, tuple[str, Callable[[bytes], bytes], Expect]] = {
    "truncated": ("truncated JSON", lambda data: data[: len(data) // 2], NO_NOTEBOOK),
    "truncated_by_one": ("truncated JSON", lambda data: data[:-1], NO_NOTEBOOK),
    "empty": ("empty", lambda data: b"", NO_NOTEBOOK),
    "blank": ("empty", lambda data: b" \n\t\n", NO_NOTEBOOK),
    "random_bytes": ("random bytes", lambda data: random.Random(3).randbytes(len(data)), NO_NOTEBOOK),
    "byte_order_mark": ("UTF-8 with a byte-order mark", lambda data: b"\xef\xbb\xbf" + data, FULL),
    "utf_16": ("UTF-16", lambda data: data.decode().encode("utf-16"), EITHER),
    "utf_16_without_a_mark": ("UTF-16", lambda data: data.decode().encode("utf-16-le"), EITHER),
    "latin_1": ("own", lambda data: data[:-1] + b', "x": "\xfc"}', EITHER),
    "json_list": ("a JSON list or number", lambda data: b"[" + data + b"]", NO_NOTEBOOK),
    "json_number": ("a JSON list or number", lambda data: b"42", NO_NOTEBOOK),
    "json_text": ("a JSON list or number", lambda data: b'"cells"', NO_NOTEBOOK),
    "json_null": ("a JSON list or number", lambda data: b"null", NO_NOTEBOOK),
    "levels": ("200,000 levels", _levels, NO_NOTEBOOK),
    "levels_in_metadata": (
        "200,000 levels",
        lambda data: data[:-1] + b', "x": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}",
        EITHER,
    ),
    "nul_bytes": ("NUL", lambda data: data.replace(b'"cells"', b'"cells\0"'), NO_NOTEBOOK),
    "nul_tail": ("NUL", lambda data: data + b"\0" * 1000, EITHER),
    "nbformat_2": ("nbformat 2", _old(2), FULL),
    "nbformat_3": ("3", _old(3), FULL),
    "nbformat_99": ("99", _with(nbformat=99), EITHER),
    "nbformat_text": ("99", _with(nbformat="four"), EITHER),
    "nbformat_negative": ("99", _with(nbformat=-1), EITHER),
    "nbformat_missing": (
        "99",
        lambda data: json.dumps({"cells": json.loads(data)["cells"]}).encode(),
        EITHER,
    ),
    "nbformat_minor_odd": ("own", _with(nbformat_minor={}), EITHER),
    "conflict_markers": ("conflict markers", _conflict, NO_NOTEBOOK),
    "no_cells": ("no cells", _with(cells=[]), Expect(passes="none", status=None, reason=".")),
    "cells_missing": (
        "no cells",
        lambda data: b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}',
        NO_NOTEBOOK,
    ),
    "cells_is_a_number": ("no cells", _with(cells=7), NO_NOTEBOOK),
    "cells_is_a_dict": ("no cells", _with(cells={"0": {}}), NO_NOTEBOOK),
    "big": ("200 MB", _big, NO_NOTEBOOK),
    "very_many_parts": (
        "50,000 cells",
        lambda data: b'{"cells": [' + b"{}," * 20_000_000 + b"{}]}",
        NO_NOTEBOOK,
    ),
    "nan": ("NaN in JSON", lambda data: data[:-1] + b', "x": [NaN, Infinity, -Infinity, 1e999]}', FULL),
    "huge_number": ("own", lambda data: data[:-1] + b', "x": ' + b"9" * 100_000 + b"}", EITHER),
    "doubled_keys": ("own", lambda data: b'{"cells": [], ' + data[1:], FULL),
    "metadata_is_a_list": ("own", _with(metadata=[]), EITHER),
    "html": ("HTML", lambda data: b"<!DOCTYPE html><html><body>Sign in</body></html>", NO_NOTEBOOK),
    "python": (
        ".py",
        lambda data: b"import numpy as np\ndef scale_rows(x, factors):\n    return x\n",
        NO_NOTEBOOK,
    ),
    "docx": (".docx renamed", _docx, NO_NOTEBOOK),
    "pdf": (".docx renamed", lambda data: b"%PDF-1.7\n" + random.Random(2).randbytes(1000), NO_NOTEBOOK),
    "zip_of_the_notebook": (".docx renamed", lambda data: b"PK\x05\x06" + bytes(18), NO_NOTEBOOK),
    "pickle": ("own", lambda data: b"cos\nsystem\n(S'touch /tmp/e3_owned'\ntR.", NO_NOTEBOOK),
    "trailing_text": ("own", lambda data: data + b"\nhello", EITHER),
}

COLAB = """
#@title Options { run: "auto" }
from google.colab import drive, files, output
drive.mount('/content/drive')
"""

CELLS: dict[str, tuple[str, str, str]] = {
    "bash": ("`%%bash`", "%%bash\necho hello\nrm -f data*\nexit 3", "first"),
    "unknown_shell": ("`%%bash`", "%%writefile helper.py\nx = 1", "first"),
    "javascript_cell": ("own", "%%javascript\nalert(1)", "first"),
    "unknown_magic": ("own", "%%nosuchmagic\nx", "first"),
    "rm": ("`!rm -rf`", "!rm -rf <<planted>>\n!rm -rf nowhere", "first"),
    "cd": ("`%cd`", "%cd /\n%cd ..\n%cd -\n%pwd", "first"),
    "cd_to_nowhere": ("`%cd`", "%cd /content/drive/MyDrive/course", "first"),
    "working_folder_deleted": (
        "own",
        "import os, shutil\nhere = os.getcwd()\nos.makedirs('a/b', exist_ok=True); os.chdir('a/b'); shutil.rmtree('../../a')",
        "first",
    ),
    "reset": ("`%reset -f`", "%reset -f", "top"),
    "colab": (
        "Colab's own magics",
        "%tensorflow_version 2.x\n%load_ext google.colab.data_table\n%%shell\nls\n",
        "first",
    ),
    "colab_shell": ("Colab's own magics", "%%shell\nls -la", "first"),
    "colab_form": (
        "Colab's own magics",
        "#@markdown ## Options\nlr = 0.1 #@param {type:'number'}\n%pip -q install torch",
        "first",
    ),
    "drive": ("Drive cells", COLAB, "top"),
    "drive_upload": ("Drive cells", "from google.colab import files\nuploaded = files.upload()", "first"),
    "quit": ("own", "quit()", "first"),
    "exit_magic": ("own", "%quit\nexit", "first"),
    "load_ext": (
        "own",
        "%load_ext autoreload\n%autoreload 2\n%matplotlib widget\n%xmode Minimal\n%pdb on",
        "first",
    ),
    "debug": ("own", "%debug\n%run nowhere.py\n%load nowhere.py\n%history", "end"),
    "nul_in_a_source": ("NUL", "x = 1\0\n", "first"),
    "lone_surrogate_in_a_source": ("lone surrogates", "x = '\ud800'\nprint('ok')", "first"),
    "lone_surrogate_in_an_output": (
        "lone surrogates",
        "print('\\ud800 \\udfff')\nprint(chr(0xdc80), end='')\n'\\ud800'",
        "first",
    ),
    "not_characters": ("own", "print('\\ufffe \\uffff \\x00 \\x85 \\u2028')", "first"),
    "tabs_and_spaces": ("syntax errors", "if True:\n\tx = 1\n        y = 2", "first"),
    "very_long_line": ("own", "x = " + "+".join(["1"] * 5000), "first"),
    "parser_bomb": ("syntax errors", "x = " + "(" * 5000 + ")" * 5000, "first"),
    "compiler_bomb": ("syntax errors", "(1,) * 10**9 if 0 else " + "-" * 20_000 + "1", "first"),
    "constant_folding_bomb": ("own", "x = (((9**999)**99)[0:0] if 0 else 'a' * 4000)", "first"),
    "very_many_lines": ("own", "x = 1\n" * 200_000, "first"),
    "very_many_fields": ("own", "x = f'" + "{1}" * 10_000 + "'", "first"),
    "very_many_branches": ("own", "if 0:\n    pass\n" + "elif 0:\n    pass\n" * 2_000, "first"),
    "very_many_dots": ("own", "x = 1\nif 0:\n    x" + ".x" * 50_000, "first"),
    "coding_cookie": ("own", "# -*- coding: utf-7 -*-\nx = 1", "first"),
}

CASES = (
    *(Case(name, item, raw(change), expect) for name, (item, change, expect) in BREAKS.items()),
    *(
        Case(
            name, item, with_cells(source, at=at), FULL, limits=TIGHT if name.startswith("very_many") else {}
        )
        for name, (item, source, at) in CELLS.items()
    ),
    Case("lone_surrogates_in_json", "lone surrogates", raw(_with(title="\ud800")), FULL),
    Case("cells_50000", "50,000 cells", edited(_many_cells), EITHER),
    Case("cells_1500_with_work", "50,000 cells", edited(_real_cells), EITHER, limits=TIGHT),
    Case("cells_1500_shuffled", "own", edited(_shuffled_text), Expect(passes="none", status=None)),
    Case("outputs_missing", "outputs missing", edited(_code_only(lambda one: one.pop("outputs"))), FULL),
    Case(
        "outputs_odd",
        "outputs missing",
        edited(_code_only(lambda one: one.update(outputs={"x": 1}, execution_count="one"))),
        FULL,
    ),
    Case("ids_missing", "ids missing", edited(_cells(lambda one, i: one.pop("id", None))), FULL),
    Case("ids_doubled", "doubled or invalid", edited(_cells(lambda one, i: one.update(id="same"))), FULL),
    Case(
        "ids_invalid",
        "doubled or invalid",
        edited(_cells(lambda one, i: one.update(id=f"ü /{i}" * 30))),
        FULL,
    ),
    Case("ids_not_text", "doubled or invalid", edited(_cells(lambda one, i: one.update(id=i))), FULL),
    Case("metadata_missing", "own", edited(_cells(lambda one, i: one.pop("metadata"))), FULL),
    Case("odd_cells", "own", edited(_odd_cells), EITHER),
    Case("syntax_error", "syntax errors", edited(_syntax_error), Expect(passes=(1, 2))),
    Case(
        "conflict_markers_in_a_cell", "conflict markers", edited(_conflict_in_a_cell), Expect(passes=(1, 2))
    ),
    Case("reset_at_the_end", "`%reset -f`", with_cells("%reset -f", at="end"), Expect(passes="any")),
    Case(
        "deletes_everything_that_it_can",
        "`!rm -rf`",
        with_cells(
            f"{ISOLATED}\nimport shutil\nassert isolated()\nfor path in ('.', '/tmp', '/home', '/work', '/root'):\n"
            "    shutil.rmtree(path, ignore_errors=True)",
            at="end",
        ),
        Expect(passes="any"),
    ),
)
