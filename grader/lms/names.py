"""People's names as platforms write them, compared: by Unicode, without case, signs and blanks, whichever part comes first."""

from __future__ import annotations

import itertools
import re
import unicodedata
from dataclasses import dataclass

_DOTTED = str.maketrans({"ı": "i"})


def fold(text: str) -> str:
    """Letters, digits and combining marks, without case. Turkish `İ` and `ı` are `i`, as they become in some lower case or other."""
    plain = unicodedata.normalize("NFKC", text).casefold().translate(_DOTTED).replace("i\u0307", "i")
    return unicodedata.normalize("NFC", "".join(c for c in plain if unicodedata.category(c)[0] in "LMN"))


@dataclass(frozen=True)
class NameKeys:
    """What a name is found by: `whole` in any order of its parts; `halves` of one that stands in two scripts or has a part in
    brackets (`王小明 Wang Xiaoming`); `own`, the half that is not Latin, which by itself names a person."""

    whole: frozenset[str]
    halves: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()


def name_keys(name: str) -> NameKeys:
    """The keys of a name; none of a name without letters or digits."""
    latin, other, foreign = "", "", False
    for char in unicodedata.normalize("NFC", name):
        kind = unicodedata.category(char)[0]
        if kind == "L":
            foreign = not unicodedata.name(char, "").startswith("LATIN")
        elif kind != "M":
            foreign = False
        latin += " " if foreign else char
        other += char if foreign else " "
    inside = " ".join(re.findall(r"[(（\[]([^()（）\[\]]*)[)）\]]", name))
    outside = re.sub(r"[(（\[][^()（）\[\]]*[)）\]]", " ", name)
    halves = [
        _orders(half) for pair in ((latin, other), (outside, inside)) if all(map(fold, pair)) for half in pair
    ]
    own = _orders(other) if halves else frozenset()
    return NameKeys(_orders(name), frozenset(itertools.chain(*map(_long, halves))), _long(own))


def _long(keys: frozenset[str]) -> frozenset[str]:
    return frozenset(key for key in keys if len(key) > 1)


def _orders(name: str) -> frozenset[str]:
    """The parts of a name as they stand and sorted, where blanks alone part them and where signs do."""
    words = [fold(word) for word in name.split()]
    parts = [fold(part) for part in re.split(r"[\s,;.'’`´\-‐-―_/()\[\]（）]+", name)]
    return frozenset(key for key in map("".join, (words, sorted(words), sorted(parts))) if key)


def safe_name(name: str) -> str:
    """A person's name for a folder: letters, marks and digits of any script, hyphens between; `student` where none is left."""
    plain = re.sub("[&<>\"`|':\\\\]", "", unicodedata.normalize("NFC", name))  # as Moodle does
    return (
        re.sub("-+", "-", "".join(c if _word(c) or c == "." else "-" for c in plain)).strip("-._")
        or "student"
    )


def _word(char: str) -> bool:
    """Ruby's [[:word:]], which has combining marks where Python's \\w has not."""
    return unicodedata.category(char)[0] in "LMN" or char == "_"


def canvas_name(sortable: str) -> str:
    """`Doe, Jane` as Canvas puts it into a file name (canvas-lms, lib/content_zipper.rb): `doejane`."""
    return "".join(filter(_word, unicodedata.normalize("NFC", sortable).lower()))


def made_id(name: str, number: str) -> str:
    """The id of a student of whom only a name and the platform's number are known: two of one name stay two."""
    return f"{safe_name(name)}_{number}"
