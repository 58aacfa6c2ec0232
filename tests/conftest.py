"""nbgrader starts `alembic` by name; where the environment was not activated, it stands beside our Python."""

import os
import sys
from pathlib import Path

os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
