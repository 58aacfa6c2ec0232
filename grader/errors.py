"""What a user can be told in one line."""

from __future__ import annotations


class CourseError(Exception):
    """Something a user did that has a one-line explanation; the command line prints it and exits with 2."""
