"""Who may sign with which SSH key: the lines of an allowed_signers file. Format: ssh-keygen(1), "ALLOWED SIGNERS"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase

from packengine.signatures.ssh_key import SshKey

_OPTION = r'(?:cert-authority|(?:namespaces|valid-after|valid-before)="[^"]*")'
_LINE = re.compile(
    rf"""
    (?: "(?P<quoted> [^"]+ )" | (?P<bare> [^\s"]+ ) ) \s+
    (?: (?P<options> {_OPTION} (?: , {_OPTION} )* ) \s+ )?
    (?P<kind> [\w@.-]+ ) \s+ (?P<key> \S+ ) (?: \s .* )?
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_VALUED_OPTION = re.compile(r'([\w-]+)="([^"]*)"')
_TIME_FORMATS = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
_NAMESPACE = "git"


@dataclass(frozen=True, slots=True)
class AllowedSigner:
    """One key, who holds it, and when it counts."""

    principals: str
    key: SshKey
    valid_after_s: float | None
    valid_before_s: float | None

    def counts_at(self, now_s: float) -> bool:
        """Whether it is the key's time; the last second of it is."""
        is_early = self.valid_after_s is not None and now_s < self.valid_after_s
        is_late = self.valid_before_s is not None and now_s > self.valid_before_s
        return not (is_early or is_late)


def parse_allowed_signers(text: str) -> Iterator[AllowedSigner]:
    """The keys that may sign for Git; lines for other namespaces are passed over. Raises ValueError with the line."""
    for number, line in enumerate(map(str.strip, text.splitlines()), 1):
        if line and not line.startswith("#"):
            try:
                signer = _signer(line)
            except ValueError as error:
                raise ValueError(f"line {number}: {error}") from error
            if signer is not None:
                yield signer


def _signer(line: str) -> AllowedSigner | None:
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError("not of the form PRINCIPALS [OPTIONS] KIND KEY [COMMENT]")
    words = found["options"] or ""
    if "cert-authority" in words.lower():
        raise ValueError("cert-authority: SSH certificates are not verified here; name the keys themselves")
    options = {name.lower(): value for name, value in _VALUED_OPTION.findall(words)}
    if not _names_git(options.get("namespaces", _NAMESPACE)):
        return None
    return AllowedSigner(
        principals=found["quoted"] or found["bare"],
        key=SshKey.parse(found["kind"], found["key"]),
        valid_after_s=_time_s(options.get("valid-after")),
        valid_before_s=_time_s(options.get("valid-before")),
    )


def _names_git(patterns: str) -> bool:
    """A pattern list of OpenSSH: one that is negated and matches outweighs all others."""
    words = [word.strip() for word in patterns.split(",")]
    refused = any(fnmatchcase(_NAMESPACE, word[1:]) for word in words if word.startswith("!"))
    return not refused and any(fnmatchcase(_NAMESPACE, word) for word in words)


def _time_s(text: str | None) -> float | None:
    """`YYYYMMDD[HHMM[SS]][Z]`: UTC with the Z, else the machine's own time."""
    if text is None:
        return None
    digits = text.removesuffix("Z").removesuffix("z")
    if len(digits) not in _TIME_FORMATS:
        raise ValueError(f"{text!r} is not a time of the form YYYYMMDD[HHMM[SS]][Z]")
    time = datetime.strptime(digits, _TIME_FORMATS[len(digits)])  # naive: the machine's own time
    return (time.replace(tzinfo=UTC) if digits != text else time).timestamp()
