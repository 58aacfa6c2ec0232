"""What one submission may use. Times are wall-clock seconds unless they say processor; sizes are bytes."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Limits:
    """The limits of grading one submission; a result is filed under them."""

    cell_seconds: float = 60.0
    test_seconds: float = 30.0
    notebook_seconds: float = 300.0
    cpu_seconds: int = 120  # processor time of one student's process, and of all of its children together
    memory: int = 2 * 2**30  # of the student's processes together, beyond what they start with
    processes: int = 64  # processes and threads
    files: int = 256  # open at a time
    scratch: int = 256 * 2**20  # files written
    inodes: int = 10_000  # files and folders there
    answer: int = 32 * 2**20  # one answer to a test
    cell_output: int = 64 * 2**10  # text of one cell
    cell_pictures: int = 2**20  # pictures of one cell, in base64
    notebook_output: int = 4 * 2**20  # text and pictures of all cells
    examiner_memory: int = 2 * 2**30  # of the trusted process that runs the tests
    restarts: int = 20  # student's processes after the first, a notebook

    def of_examiner(self) -> Limits:
        """What the examiner's own process may use."""
        return replace(self, memory=self.examiner_memory, cpu_seconds=int(self.notebook_seconds) + 1)
