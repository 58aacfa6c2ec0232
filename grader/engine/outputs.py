"""What a cell puts out, in nbformat's form: kept within limits in the student's process, and made afresh in the examiner's."""

from __future__ import annotations

import re
from typing import Any

SHOWN = ("text/plain", "image/png", "image/jpeg")
"""What is kept of a rich output. HTML, SVG and script of a stranger must not run in the instructor's browser."""
MAX_OUTPUTS = 1000
AROUND = 100
"""Bytes that JSON puts around an output."""
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")


class Output:
    """The outputs of one cell in nbformat's form, cut where they exceed `text` or `pictures` bytes."""

    def __init__(self, text: int, pictures: int) -> None:
        self.items: list[dict[str, Any]] = []
        self.text_left, self.pictures_left, self.is_cut = text, pictures, False

    def text(self, name: str, text: str) -> None:
        last = self.items[-1] if self.items else {}
        if last.get("output_type") != "stream" or last["name"] != name:
            if not self._room(0, 0):
                return
            last = {"output_type": "stream", "name": name, "text": []}
            self.items.append(last)
        piece = text[: max(self.text_left, 0)]
        if piece:
            last["text"].append(piece)
            self.text_left -= len(piece)
        self.is_cut = self.is_cut or len(piece) < len(text)

    def rich(self, kind: str, data: dict[str, Any], **more: Any) -> None:
        kept = {mime: data[mime] for mime in SHOWN if isinstance(data.get(mime), str)}
        pictures = sum(len(text) for mime, text in kept.items() if mime != "text/plain")
        if kept and self._room(len(kept.get("text/plain", "")), pictures):
            self.items.append({"output_type": kind, "data": kept, "metadata": {}, **more})

    def error(self, name: str, value: str, traceback: list[str]) -> None:
        first = all(item["output_type"] != "error" for item in self.items)
        room = max(self.text_left, 2000 if first else 0)  # one error is always shown
        shown = {"ename": name, "evalue": value[:room], "traceback": ["\n".join(traceback)[:room]]}
        if first or self._room(0, 0):
            self.text_left -= len(shown["evalue"]) + len(shown["traceback"][0])
            self.items.append({"output_type": "error", **shown})

    def is_full(self) -> bool:
        """Whether no other output is kept, however small."""
        return self.text_left < AROUND or len(self.items) >= MAX_OUTPUTS

    def _room(self, text: int, pictures: int) -> bool:
        text += AROUND
        if self.is_full() or text > self.text_left or pictures > self.pictures_left:
            self.is_cut = True
            return False
        self.text_left -= text
        self.pictures_left -= pictures
        return True

    def done(self) -> list[dict[str, Any]]:
        for item in self.items:
            if item["output_type"] == "stream":
                item["text"] = "".join(item["text"])
        if self.is_cut:
            note = "\n[the output was cut here: it is longer than the grader keeps]\n"
            self.items.append({"output_type": "stream", "name": "stderr", "text": note})
        return self.items


def note(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stderr", "text": f"[{clean(text)}]\n"}


def plain_outputs(outputs: Any, limit: int, pictures: int) -> list[dict[str, Any]]:
    """The outputs in nbformat's form, made afresh from what the student's process sent, within the limits."""
    kept = Output(limit + 200, pictures)  # with room for the note that something was cut
    for item in (outputs if isinstance(outputs, list) else [])[: MAX_OUTPUTS + 2]:
        match item:
            case {"output_type": "stream", "name": "stdout" | "stderr" as name, "text": str(text)}:
                kept.text(name, clean(text, limit + 200))
            case {"output_type": "error", "ename": str(kind), "evalue": str(text), "traceback": [str(trace)]}:
                kept.error(clean(kind, 200), clean(text), [clean(trace, limit)])
            case {"output_type": "display_data" | "execute_result" as kind, "data": dict(data)}:
                count = item.get("execution_count")
                more = {"execution_count": count if type(count) is int and abs(count) < 2**31 else None}
                kept.rich(kind, _plain_bundle(data), **(more if kind == "execute_result" else {}))
    return kept.done()


def _plain_bundle(data: dict[Any, Any]) -> dict[str, str]:
    """The forms that are shown: clean text, and pictures that are base64 and nothing else."""
    bundle = {mime: data[mime] for mime in SHOWN if isinstance(data.get(mime), str)}
    plain = {"text/plain": clean(bundle.pop("text/plain"), 2**20)} if "text/plain" in bundle else {}
    return plain | {mime: text for mime, text in bundle.items() if _BASE64.fullmatch(text)}


def printable(text: str) -> str:
    """`clean` text of one message: nothing moves a cursor or turns the direction of writing."""
    return clean(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", text))


def clean(text: str, limit: int = 4000) -> str:
    """Text fit for a report: no addresses, which differ from run to run, no broken characters, not too long."""
    return _ADDRESS.sub("0x...", text[:limit]).encode("utf-8", "replace").decode()
