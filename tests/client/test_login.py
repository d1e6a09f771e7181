"""Which server and token are meant, and how they are kept."""

import stat
from pathlib import Path

import pytest

from packhouse_client import Client, ConfigurationError
from packhouse_client.login import (
    Login,
    find_login,
    forget_login,
    keep_login,
    logins_path,
    normal_server,
    read_logins,
)

SERVER, OTHER = "https://git.example.com", "https://other.example.com:8443"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"XDG_CONFIG_HOME": str(tmp_path / "config")}


def test_arguments_come_before_the_environment_and_that_before_the_file(environment: dict[str, str]) -> None:
    keep_login(Login(SERVER, "kept"), environment)
    assert find_login(environment=environment) == Login(SERVER, "kept")
    variables = {**environment, "PACKHOUSE_SERVER": OTHER, "PACKHOUSE_TOKEN": "variable"}
    assert find_login(environment=variables) == Login(OTHER, "variable")
    assert find_login("http://here", "argument", environment=variables) == Login("http://here", "argument")


def test_a_token_is_for_its_own_server_only(environment: dict[str, str]) -> None:
    keep_login(Login(SERVER, "kept"), environment)
    assert find_login(OTHER, environment=environment) == Login(OTHER, None)
    assert find_login(f"{SERVER}/", environment=environment) == Login(SERVER, "kept")


def test_the_file_is_for_its_owner_only(environment: dict[str, str]) -> None:
    path = keep_login(Login(SERVER, "kept"), environment)
    assert path == logins_path(environment)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_that_others_can_use_is_refused(environment: dict[str, str], mode: int) -> None:
    path = keep_login(Login(SERVER, "kept"), environment)
    path.chmod(mode)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        find_login(environment=environment)


def test_a_file_that_is_none_of_ours_is_named(environment: dict[str, str]) -> None:
    path = keep_login(Login(SERVER, "kept"), environment)
    path.write_text("hello")
    with pytest.raises(ConfigurationError, match=r"login\.json"):
        find_login(environment=environment)


def test_a_forgotten_login_leaves_the_others(environment: dict[str, str]) -> None:
    keep_login(Login(SERVER, "one"), environment)
    keep_login(Login(OTHER, "two"), environment)
    assert forget_login(OTHER, environment)
    assert not forget_login(OTHER, environment)
    assert read_logins(environment).tokens == {SERVER: "one"}
    assert find_login(environment=environment) is None


def test_the_folder_is_that_of_xdg_or_of_the_home() -> None:
    assert logins_path({"HOME": "/home/ann"}) == Path("/home/ann/.config/packhouse/login.json")
    assert logins_path({"HOME": "/home/ann", "XDG_CONFIG_HOME": "/x"}) == Path("/x/packhouse/login.json")


@pytest.mark.parametrize("text", ["git.example.com", "ftp://git.example.com", "file:///etc"])
def test_what_is_no_url_of_a_server_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="a server is a URL"):
        find_login(text, environment={"HOME": "/nowhere"})


def test_a_client_without_any_server_says_how_to_name_one(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    monkeypatch.delenv("PACKHOUSE_SERVER", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", environment["XDG_CONFIG_HOME"])
    with pytest.raises(ConfigurationError, match=r"PACKHOUSE_SERVER.*packhouse login"):
        Client()


@pytest.mark.parametrize("server", ["https://user:secret@git.test", "http://secret@git.test/below"])
def test_a_server_has_no_credentials_in_its_url_and_they_are_not_shown(server: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        normal_server(server)
    assert "secret" not in str(caught.value)
    assert normal_server("https://git.test/at@home/") == "https://git.test/at@home"
