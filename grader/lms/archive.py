"""The files in a zip or a folder that strangers filled, read without unpacking anything.

Left out, each with a reason: what leads out of the archive, links and devices, encrypted and damaged files, bombs, what is
too large, compression that no platform uses; and of two entries of one name the first. Archives in it are not opened.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import os
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from grader.engine.submission import MAX_FILE, read_plain, walk
from grader.errors import CourseError
from grader.text import printable, some

MAX_ENTRIES = 100_000
MAX_LISTING = 16 * 2**20
"""Bytes of a zip's list of contents: what Python makes of it is some twenty times as large."""
MAX_RATIO = 200
"""A larger file that was compressed more than this is a bomb: a notebook's text shrinks to a fifth, at best to a fiftieth."""
RATIO_FREE = 2**20
MAX_PATH = 4096
MAX_NAME = 200
"""Bytes of a name: file systems take 255, and something may be put behind it."""
MAX_SAMPLE = 1000
_ENCODINGS = (
    *("gbk", "big5", "shift_jis", "euc_kr", "cp1251", "cp1252", "gb18030", "cp950", "cp932", "cp949"),
    *("cp866", "cp850", "cp1250", "cp1253", "cp1254"),
)
"""What Windows writes names in where it does not write UTF-8, by country."""
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = "encrypted"


class Refused(Exception):
    """Why a file of the source is not taken, in words for a remark."""


@dataclass(frozen=True)
class Entry:
    """A file of the source. `path` leads nowhere else, but its parts may be anything; `refused` says why it is left out, if it is."""

    path: tuple[str, ...]
    read: Callable[[], bytes]
    refused: str = ""

    def content(self) -> bytes:
        """What the file holds. Raises Refused."""
        if self.refused:
            raise Refused(self.refused)
        return self.read()


Knows = Callable[[str], bool]
"""Whether a path names somebody of the class."""


def open_source(
    source: Path, stack: contextlib.ExitStack, knows: Knows | None = None
) -> tuple[list[Entry], list[str]]:
    """The files in a zip or a folder, and remarks about what is left out. A zip stays open as long as `stack`.

    Where a zip does not say how its names are encoded, they are read so that most of them are names that `knows` knows. Raises CourseError where the source as a whole cannot be read.
    """
    try:
        mode = source.stat().st_mode
        if stat.S_ISDIR(mode):
            return _folder_entries(source)
        if not stat.S_ISREG(mode):
            raise CourseError(f"{source}: neither a folder nor a zip file")
        archive = zipfile.ZipFile(stack.enter_context(_Bounded(source)))
        return _zip_entries(stack.enter_context(archive), source, knows)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, struct.error) as error:
        raise CourseError(
            f"{source}: not a zip file that can be read ({printable(str(error))}); download it again"
        ) from error
    except OSError as error:
        raise CourseError(
            f"{source}: {error.strerror or error}; give the zip file or the folder of submissions"
        ) from error


class _Bounded(io.FileIO):
    """A file that does not read a list of contents of any size into memory, which ZipFile asks for in one piece."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_LISTING:
            raise ValueError(f"its list of contents is larger than {MAX_LISTING >> 20} MiB")
        return super().read(-1 if size is None else size) or b""


def _folder_entries(source: Path) -> tuple[list[Entry], list[str]]:
    remarks: list[str] = []
    entries: list[Entry] = []
    for name, path in walk(source, "", remarks):
        if len(entries) >= MAX_ENTRIES:
            raise CourseError(f"{source}: more than {MAX_ENTRIES} files, so no class's submissions")
        entries.append(Entry(tuple(name.split("/")), functools.partial(_read_file, path)))
    return entries, remarks


def _read_file(path: Path) -> bytes:
    try:
        return read_plain(path)
    except (OSError, ValueError) as error:
        raise Refused(str(error.strerror if isinstance(error, OSError) else error)) from error


def _zip_entries(
    archive: zipfile.ZipFile, source: Path, knows: Knows | None
) -> tuple[list[Entry], list[str]]:
    """The files in a zip, and remarks about entries of it that are none."""
    infos = archive.infolist()
    if len(infos) > MAX_ENTRIES:
        raise CourseError(f"{source}: more than {MAX_ENTRIES} entries, so no class's submissions")
    entries: dict[tuple[str, ...], Entry] = {}
    odd: list[str] = []
    twice: list[str] = []
    encoding, remarks = _encoding(infos, knows)
    for info in infos:
        name = _decoded(info, encoding)
        try:
            path = _safe_path(name)
        except Refused as reason:
            odd.append(f"{printable(name, 60)} ({reason})")
            continue
        if name.endswith(("/", "\\")) or not path:
            continue
        if path in entries:
            twice.append(printable("/".join(path), 60))
        entries[path] = Entry(path, functools.partial(_read_zipped, archive, info), _refusal(info))
    if entries and all(entry.refused == _ENCRYPTED for entry in entries.values()):
        raise CourseError(f"{source}: encrypted; unpack it with its password, then give the folder")
    remarks += [
        f"{len(names)} entries of the zip {what}: {some(names)}"
        for names, what in (
            (odd, "were left out"),
            (twice, "are there twice, and the later one is taken"),
        )
        if names
    ]
    return list(entries.values()), remarks


def _decoded(info: zipfile.ZipInfo, encoding: str | None) -> str:
    """An entry's name. Without the UTF-8 flag it is in `encoding`, or UTF-8 all the same (macOS), or else what DOS made of it."""
    name = info.orig_filename
    if not info.flag_bits & 0x800:
        for candidate in (encoding, "utf-8"):
            with contextlib.suppress(UnicodeError):
                return name.encode("cp437").decode(candidate or "utf-8")
    return name


def _encoding(infos: Iterable[zipfile.ZipInfo], knows: Knows | None) -> tuple[str | None, list[str]]:
    """The encoding as which more names are known than as UTF-8 or DOS's, None where there is none; and a remark."""
    unsaid = [info for info in infos if not (info.flag_bits & 0x800 or info.orig_filename.isascii())][
        :MAX_SAMPLE
    ]
    if knows is None:
        guessed = any(_decoded(info, None) == info.orig_filename for info in unsaid)
        hint = "the zip does not say how its names are encoded: with the class list as --roster they are read as they stand there"
        return None, [hint] if guessed else []
    counts = {
        encoding: len({name for info in unsaid if knows(name := _decoded(info, encoding))})
        for encoding in (None, *_ENCODINGS)
    }
    best = max(counts, key=lambda encoding: counts[encoding])
    said = best and best.upper().replace("_", "-")
    return best, [
        f"the zip's names are read as {said}, as which most of them are in the roster"
    ] if said else []


def _safe_path(name: str) -> tuple[str, ...]:
    """The parts of an entry's path below the folder that it is unpacked to. Raises Refused where it leads elsewhere."""
    plain = name.replace("\\", "/")
    if "\0" in plain or len(plain) > MAX_PATH:
        raise Refused("an impossible name")
    if plain.startswith("/") or re.match(r"[A-Za-z]:", plain):
        raise Refused("an absolute path")
    parts = [part for part in plain.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise Refused("leads out of the archive")
    if len(parts) > 16:
        raise Refused("folders too deep")
    return tuple(unicodedata.normalize("NFC", part) for part in parts)


def safe_part(name: str) -> str:
    """A file's or folder's name that any file system takes and that is one line in a terminal; other names stay other names."""
    plain = unicodedata.normalize("NFC", name)
    safe = "".join("_" if c in "/\\" or not c.isprintable() else c for c in plain)
    if len(safe.encode("utf-8", "replace")) > MAX_NAME:
        stem, suffix = os.path.splitext(safe)
        suffix = suffix if len(suffix) <= 10 else ""
        safe = stem.encode("utf-8", "replace")[: MAX_NAME - 20].decode("utf-8", "ignore") + suffix
    if safe == plain:
        return safe
    stem, suffix = os.path.splitext(safe)
    return f"{stem}~{hashlib.sha256(plain.encode('utf-8', 'surrogatepass')).hexdigest()[:6]}{suffix}"


def _refusal(info: zipfile.ZipInfo) -> str:
    """Why a file in a zip is left out, whatever it is called; empty where it is not."""
    kind = stat.S_IFMT(info.external_attr >> 16) if info.create_system == 3 else 0
    if kind == stat.S_IFLNK:
        return "a link"
    if kind not in (0, stat.S_IFREG):
        return "not a regular file"
    if info.flag_bits & 1:
        return _ENCRYPTED
    if info.compress_type not in _METHODS:
        return "compressed in a way that no platform uses"
    if info.file_size > MAX_FILE:
        return f"larger than {MAX_FILE >> 20} MiB"
    if info.file_size > max(RATIO_FREE, MAX_RATIO * info.compress_size):
        return f"compressed more than {MAX_RATIO} times"
    return ""


def _read_zipped(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """The content, never more than the entry says it is."""
    try:
        with archive.open(info) as file:
            pieces = []
            while piece := file.read(2**20):
                pieces.append(piece)
            return b"".join(pieces)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as error:  # fmt: skip
        raise Refused("damaged") from error
