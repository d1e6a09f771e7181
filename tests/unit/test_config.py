"""Settings: where they come from, and which are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from server.auth.configured import check_keys
from server.config import Settings, SettingsError, check_exposure, load_settings, split_bind
from server.limits import Rate, RateClass


def load(
    flags: dict[str, Any] | None = None, environment: dict[str, str] | None = None, toml: Path | None = None
) -> Settings:
    return load_settings(flags or {}, environment=environment or {}, config_path=toml)


def toml_file(folder: Path, text: str) -> Path:
    path = folder / "packhouse.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_are_the_contracts() -> None:
    settings = load()
    assert settings.data_dir == Path("data")
    assert settings.bind == "127.0.0.1:8787"
    assert settings.rest_body_limit_bytes == 1024 * 1024
    assert settings.git_body_limit_bytes == 2 * 1024**3
    assert settings.request_timeout_secs == 300
    assert settings.shutdown_timeout_secs == 30
    assert settings.shutdown_drain_delay_secs == 5
    assert settings.readiness_write_check
    assert settings.max_repos_per_user == 100
    assert settings.max_commit_blob_bytes == 8 * 1024 * 1024
    assert settings.max_repo_bytes == 0


def test_flag_beats_environment_beats_file_beats_default(tmp_path: Path) -> None:
    toml = toml_file(tmp_path, "workers = 3\nlog_level = 'error'\nlog_format = 'json'\n")
    environment = {"ARTIFACTS_WORKERS": "4", "ARTIFACTS_LOG_LEVEL": "warning"}
    settings = load({"workers": 5, "log_level": None}, environment, toml)
    assert (settings.workers, settings.log_level, settings.log_format) == (5, "warning", "json")


def test_environment_names_the_file_unless_a_flag_does(tmp_path: Path) -> None:
    toml = toml_file(tmp_path, "workers = 3")
    assert load(environment={"ARTIFACTS_CONFIG": str(toml)}).workers == 3
    other = tmp_path / "other.toml"
    other.write_text("workers = 7", encoding="utf-8")
    assert load(environment={"ARTIFACTS_CONFIG": str(toml)}, toml=other).workers == 7


def test_keys_may_be_spelt_like_flags(tmp_path: Path) -> None:
    assert load(toml=toml_file(tmp_path, "data-dir = '/srv/git'")).data_dir == Path("/srv/git")


def test_empty_variable_counts_as_unset() -> None:
    assert load(environment={"ARTIFACTS_PUBLIC_BASE_URL": ""}).public_base_url is None


@pytest.mark.parametrize("text", ["true", "1"])
def test_variables_hold_truth_values(text: str) -> None:
    assert load(environment={"ARTIFACTS_ALLOW_INSECURE": text}).allow_insecure


def test_unknown_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="unknown key 'wrokers'"):
        load(toml=toml_file(tmp_path, "wrokers = 3"))


def test_key_in_two_spellings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="set twice"):
        load(toml=toml_file(tmp_path, "data_dir = 'a'\ndata-dir = 'b'"))


@pytest.mark.parametrize(
    "text", ["workers = '3'", "workers = 0", "workers = true", "log_level = 'loud'", "data_dir = 1"]
)
def test_value_of_wrong_type_or_range_names_file_and_key(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match=rf"packhouse\.toml: {text.split(maxsplit=1)[0]}: "):
        load(toml=toml_file(tmp_path, text))


@pytest.mark.parametrize(("variable", "text"), [("ARTIFACTS_WORKERS", "many"), ("ARTIFACTS_REQUEST_TIMEOUT_SECS", "0")])
def test_bad_variable_is_named(variable: str, text: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        load(environment={variable: text})


@pytest.mark.parametrize(("name", "value"), [("request_timeout_secs", 0.0), ("workers", 0), ("log_level", "loud")])
def test_bad_flag_is_named(name: str, value: object) -> None:
    with pytest.raises(SettingsError, match=f"--{name.replace('_', '-')}: "):
        load({name: value})


@pytest.mark.parametrize("text", ["no toml", "\ufeffx", "a = [1"])
def test_unreadable_file_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match=r"packhouse\.toml"):
        load(toml=toml_file(tmp_path, text))
    with pytest.raises(SettingsError, match=r"absent\.toml"):
        load(toml=tmp_path / "absent.toml")


@pytest.mark.parametrize(
    ("bind", "expected"),
    [("127.0.0.1:0", ("127.0.0.1", 0)), ("[::1]:8787", ("::1", 8787)), ("localhost:65535", ("localhost", 65535))],
)
def test_bind_is_host_and_port(bind: str, expected: tuple[str, int]) -> None:
    assert split_bind(bind) == expected


@pytest.mark.parametrize("bind", ["", "8787", ":8787", "host:", "host:port", "host:65536", "host:-1", "host:٣"])
def test_bind_without_host_or_port_is_refused(bind: str) -> None:
    with pytest.raises(SettingsError, match="HOST:PORT"):
        load({"bind": bind})


@pytest.mark.parametrize("bind", ["0.0.0.0:8787", "[::]:8787", "192.0.2.1:80", "git.example.com:80"])
def test_bind_beyond_loopback_needs_encryption_or_consent(bind: str) -> None:
    with pytest.raises(SettingsError, match="--allow-insecure"):
        check_exposure(load({"bind": bind}))
    with pytest.raises(SettingsError, match="--allow-insecure"):
        check_exposure(load({"bind": bind, "public_base_url": "http://git.example.com"}))
    check_exposure(load({"bind": bind, "allow_insecure": True}))
    check_exposure(load({"bind": bind, "public_base_url": "https://git.example.com"}))
    check_exposure(load({"bind": bind, "tls_cert": Path("c"), "tls_key": Path("k")}))


@pytest.mark.parametrize("bind", ["127.0.0.1:1", "127.8.8.8:1", "[::1]:1", "localhost:1"])
def test_loopback_needs_no_encryption(bind: str) -> None:
    check_exposure(load({"bind": bind}))


def test_certificate_and_key_go_together() -> None:
    with pytest.raises(SettingsError, match="together"):
        load({"tls_cert": Path("c")})


@pytest.mark.parametrize("token", ["", " ", "a b", "ä", "x" * 257, "a\n"])
def test_admin_token_is_graphic_ascii(token: str) -> None:
    with pytest.raises(SettingsError, match="admin_token"):
        load({"admin_token": token})
    assert load({"admin_token": "x" * 256}).admin_token == "x" * 256


@pytest.mark.parametrize("url", ["git.example.com", "ftp://x", "https://", "https://x/", "https://x?y", "https://x#y"])
def test_public_base_url_is_a_plain_http_url(url: str) -> None:
    with pytest.raises(SettingsError, match="public_base_url"):
        load({"public_base_url": url})


def test_base_url_falls_back_to_the_bind() -> None:
    assert load().base_url == "http://127.0.0.1:8787"
    assert load({"public_base_url": "https://x/git"}).base_url == "https://x/git"


def test_a_list_is_words_in_flags_and_variables_and_an_array_in_the_file(tmp_path: Path) -> None:
    patterns = ("refs/pull", "!refs/pull/1")
    assert load({"hidden_refs": " refs/pull  !refs/pull/1 "}).hidden_refs == patterns
    assert load(environment={"ARTIFACTS_HIDDEN_REFS": "refs/pull !refs/pull/1"}).hidden_refs == patterns
    assert load(toml=toml_file(tmp_path, "hidden_refs = ['refs/pull', '!refs/pull/1']")).hidden_refs == patterns
    assert load().hidden_refs == ()


@pytest.mark.parametrize("pattern", ["HEAD", "refs", "refs/", "refs/pull/", "!refs/a", "^refs/a", "!^refs/a"])
def test_hidden_refs_are_patterns_of_transfer_hiderefs(pattern: str) -> None:
    assert load({"hidden_refs": pattern}).hidden_refs == (pattern,)


@pytest.mark.parametrize("pattern", ["pull", "!", "refs/a..b", "refs//a", "/refs/a", "refs/*", "heads/main"])
def test_hidden_refs_that_can_match_nothing_are_refused(pattern: str) -> None:
    with pytest.raises(SettingsError, match=r"hidden_refs: .* is neither HEAD nor refs/"):
        load({"hidden_refs": pattern})


def test_admin_token_is_not_in_the_representation() -> None:
    assert "sesame" not in repr(load({"admin_token": "sesame"}))


@pytest.mark.parametrize("secret", ["", "short", "x" * 31])
def test_a_secret_for_tokens_has_as_many_bytes_as_its_hash(secret: str) -> None:
    with pytest.raises(SettingsError, match="jwt_secret: HS256 takes no secret of less than 32 bytes"):
        load({"jwt_secret": secret})
    assert "sesame" not in repr(load({"jwt_secret": "sesame" * 6}))


def test_rates_are_the_contracts() -> None:
    """So many at once, and then one each so many nanoseconds."""
    assert load().rates == {
        RateClass.CREATE: Rate(20, 6_000_000_000),
        RateClass.TOKEN: Rate(120, 500_000_000),
        RateClass.COMMIT: Rate(600, 100_000_000),
        RateClass.READ: Rate(300, 200_000_000),
        RateClass.HEALTH: Rate(60, 500_000_000),
    }


def test_rates_are_read_by_class() -> None:
    rates = load({"rate_create": "1/2m", "rate_read": "off"}).rates
    assert rates[RateClass.CREATE] == Rate(1, 30_000_000_000)
    assert rates[RateClass.READ] is None
    assert rates[RateClass.COMMIT] == Rate(600, 100_000_000)
    assert rates.keys() == set(RateClass)


@pytest.mark.parametrize("rate_class", RateClass)
def test_a_rate_that_is_none_is_refused_by_name(rate_class: RateClass) -> None:
    with pytest.raises(SettingsError, match=f"rate_{rate_class.value}: 'often' is neither"):
        load({f"rate_{rate_class.value}": "often"})


def test_imports_may_go_to_networks_and_hosts_that_are_named() -> None:
    assert load({"import_allow": "10.1.0.0/16 git.lan"}).import_allow == ("10.1.0.0/16", "git.lan")
    with pytest.raises(SettingsError, match=r"import_allow: 'https://git\.lan' is neither a network"):
        load({"import_allow": "https://git.lan"})


def test_trusted_proxies_are_networks() -> None:
    assert load({"trusted_proxies": "10.0.0.0/8 fd00::1"}).trusted_proxies == ("10.0.0.0/8", "fd00::1")
    with pytest.raises(SettingsError, match=r"trusted_proxies: 10\.0\.0\.1/8 has host bits set"):
        load({"trusted_proxies": "10.0.0.1/8"})


@pytest.mark.parametrize("content", [None, "{}"])
def test_keys_that_cannot_be_read_end_the_start(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "jwks"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SettingsError, match=f"jwt_jwks: {path}: "):
        check_keys(load({"jwt_jwks": str(path)}))
    check_keys(load())
    check_keys(load({"jwt_jwks": "https://nobody.invalid/keys"}))  # which is for the workers to ask
    with pytest.raises(SettingsError, match="jwt_jwks: keys are fetched by https only"):
        load({"jwt_jwks": "http://id.example.com/keys"})
