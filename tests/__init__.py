"""As `grader` does: jsonschema, which nbformat needs, would compile a grammar of internet addresses for a second in each process."""

import sys

sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
