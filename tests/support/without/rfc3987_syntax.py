"""First on the path of nbgrader's processes: jsonschema goes on without this module, which compiles a grammar for a second and is never used."""

raise ImportError("not needed here")
