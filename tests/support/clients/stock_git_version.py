"""Which Git a program is."""

from __future__ import annotations

import re
import subprocess

FIRST_WITH_PROTOCOL_V2 = (2, 18)


def stock_git_version(program: str) -> tuple[int, ...]:
    """Major, minor and patch."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    numbers = re.match(r"git version ((?:\d+\.)*\d+)", said)
    if numbers is None:
        raise ValueError(f"{program} --version: {said}")
    return tuple(map(int, numbers[1].split(".")[:3]))
