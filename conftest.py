"""Lets tests and benchmarks import each other's support modules, whichever of them is run.

The root goes to the end of the path, not to its front: in front it would put the source folders, without their compiled
modules, before an installed packengine.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
