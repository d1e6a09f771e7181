"""Keys of people who sign, made by their own programs, and the settings by which Git signs with them."""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

NAMESPACE = "git"


@dataclass(frozen=True)
class SshSigner:
    """A key made by ssh-keygen."""

    private: Path
    public: str
    """The first two words of its line."""

    @classmethod
    def make(cls, folder: Path, name: str, kind: str = "ed25519", *options: str) -> SshSigner:
        """A key of that kind without a passphrase."""
        private = folder / name
        _run("ssh-keygen", "-q", "-t", kind, *options, "-N", "", "-C", name, "-f", str(private))
        return cls(private, " ".join(private.with_suffix(".pub").read_text(encoding="ascii").split()[:2]))

    @property
    def fingerprint(self) -> str:
        """As ssh-keygen prints it."""
        return _run("ssh-keygen", "-l", "-f", str(self.private)).split()[1]

    def allowed_line(self, principals: str, options: str = "") -> str:
        """A line of an allowed_signers file."""
        return " ".join(filter(None, [principals, options, self.public])) + "\n"

    def sign(self, payload: bytes, namespace: str = NAMESPACE, *options: str) -> bytes:
        """As Git has it signed."""
        command = ["ssh-keygen", "-q", "-Y", "sign", "-n", namespace, *options, "-f", str(self.private)]
        return subprocess.run(command, input=payload, capture_output=True, check=True).stdout

    def git_settings(self) -> list[str]:
        """Arguments before Git's command."""
        return ["-c", "gpg.format=ssh", "-c", f"user.signingKey={self.private}"]


@dataclass(frozen=True)
class OpenPgpSigner:
    """A key made by gpg, in a home of its own: short, for gpg's agent listens on a socket in it."""

    home: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="gpg-")))

    def make(self, user_id: str, kind: str = "ed25519") -> str:
        """A new key without a passphrase; its fingerprint."""
        self.gpg("--quick-gen-key", user_id, kind, "sign", "never")
        listing = self.gpg("--list-keys", "--with-colons", user_id).decode()
        return next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr:"))

    def gpg(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """Run gpg over this home."""
        command = ["gpg", "--batch", "--quiet", "--yes", "--passphrase", "", "--pinentry-mode", "loopback", *arguments]
        return subprocess.run(command, input=stdin, env=self.environment(), capture_output=True, check=True).stdout

    def export(self, user_id: str, *options: str) -> bytes:
        """The public certificate."""
        return self.gpg(*options, "--export", user_id)

    def sign(self, user_id: str, payload: bytes, *options: str) -> bytes:
        """As Git has it signed."""
        return self.gpg(*options, "-u", user_id, "-bsa", stdin=payload)

    def environment(self) -> dict[str, str]:
        """By which gpg, called by Git too, finds the key."""
        return {"PATH": os.environ["PATH"], "GNUPGHOME": str(self.home), "LC_ALL": "C"}

    def stop(self) -> None:
        """End gpg's agent."""
        subprocess.run(["gpgconf", "--kill", "all"], env=self.environment(), check=True)


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout
