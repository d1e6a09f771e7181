"""The engine as the settings want it: hidden refs, and keys that sign pushes."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.config import Settings, SettingsError
from server.process.engine import open_engine
from tests.support.signing import SshSigner


def test_hidden_refs_and_keys_reach_the_engine(tmp_path: Path) -> None:
    keys = tmp_path / "allowed_signers"
    keys.write_text(SshSigner.make(tmp_path, "bob").allowed_line("bob"), encoding="utf-8")
    engine = open_engine(Settings(data_dir=tmp_path / "data", hidden_refs=("refs/pull",), push_cert_keys=keys))
    assert engine.hidden_refs.hides(b"refs/pull/1")
    assert engine.pushes.policy.certificates is not None
    engine.close()


def test_nothing_is_hidden_or_verified_unless_it_is_asked_for(tmp_path: Path) -> None:
    engine = open_engine(Settings(data_dir=tmp_path / "data"))
    assert not engine.hidden_refs.hides(b"refs/heads/main")
    assert engine.pushes.policy.certificates is None
    engine.close()


def test_engines_over_one_folder_know_each_others_nonces(tmp_path: Path) -> None:
    keys = tmp_path / "allowed_signers"
    keys.write_text(SshSigner.make(tmp_path, "bob").allowed_line("bob"), encoding="utf-8")
    settings = Settings(data_dir=tmp_path / "data", push_cert_keys=keys)
    made, checked = open_engine(settings), open_engine(settings)
    assert made.pushes.policy.certificates is not None
    assert checked.pushes.policy.certificates is not None
    nonce = made.pushes.policy.certificates.nonces.make("project", 1_700_000_000)
    checked.pushes.policy.certificates.nonces.check(nonce, "project", 1_700_000_001)
    for engine in (made, checked):
        engine.close()


def test_keys_that_cannot_be_read_are_told_by_the_settings_name(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^push_cert_keys: .*none"):
        open_engine(Settings(data_dir=tmp_path / "data", push_cert_keys=tmp_path / "none"))
