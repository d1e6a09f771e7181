"""Test programs that run as processes of their own: to be killed, to race, to be called by Git."""

import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_PROGRAM = """
import runpy, sys
sys.path.append({root!r})
runpy.run_module({module!r}, run_name="__main__", alter_sys=True)
"""


def child_command(module: str, *arguments: object) -> list[str]:
    """The command that runs one of our modules over the packengine that this process runs on.

    Not `python -m`: that puts the current folder in front of the path, and with it, in the root, the source folders
    without their compiled modules.
    """
    program = _PROGRAM.format(root=str(_ROOT), module=module)
    return [sys.executable, "-P", "-c", program, *map(str, arguments)]
