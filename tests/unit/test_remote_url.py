"""URLs of remotes: what is taken, what is a credential, where redirects may lead."""

from __future__ import annotations

import pytest

from server.imports.remote_url import BadRemoteUrl, Credentials, RemoteUrl, parse_remote_url


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://github.com/a/b.git", "https://github.com/a/b.git"),
        ("https://github.com:443/a/b/", "https://github.com/a/b"),
        ("HTTPS://GitHub.com./a", "https://github.com/a"),
        ("https://host:8443/a", "https://host:8443/a"),
        ("http://127.0.0.1:3000/git/x.git", "http://127.0.0.1:3000/git/x.git"),
        ("https://[2606:50c0::1]/a", "https://[2606:50c0::1]/a"),
        ("https://xn--bcher-kva.example/a%20b", "https://xn--bcher-kva.example/a%20b"),
    ],
)
def test_a_url_is_kept_without_what_says_nothing(text: str, shown: str) -> None:
    url, credentials = parse_remote_url(text)
    assert (str(url), credentials) == (shown, None)
    assert parse_remote_url(str(url))[0] == url


@pytest.mark.parametrize(
    ("text", "credentials"),
    [
        ("https://x:secret@host/a", Credentials("x", "secret")),
        ("https://secret@host/a", Credentials("secret", "")),
        ("https://a%40b:s%3Ax@host/a", Credentials("a@b", "s:x")),
    ],
)
def test_credentials_are_taken_out_of_a_url(text: str, credentials: Credentials) -> None:
    url, found = parse_remote_url(text)
    assert found == credentials
    assert "secret" not in f"{url} {url!r}"


@pytest.mark.parametrize(
    "text",
    [
        *("", "git.example/a", "ssh://git@host/a", "git://host/a", "file:///etc", "ftp://host/a", "//host/a"),
        *("https://", "https:///a", "https://ho st/a", "https://höst/a", "https://host/ä", "https://host/a\r\nX: y"),
        *("https://host/a?b", "https://host/a#b", "https://host:99999/a", "https://host:0/a", "https://host:22/a"),
        *("https://host:80/a", "http://host:443/a", "https://[::1/a", "https://[fe80::1%25eth0]/a", "https://a_/b"),
        *("https://host\\@other/a", "https://" + "a" * 300 + "/a", "https://host/" + "a" * 3000, "https://-a/b"),
    ],
)
def test_what_is_no_remote_is_refused(text: str) -> None:
    with pytest.raises(BadRemoteUrl, match="url:"):
        parse_remote_url(text)


def test_a_refusal_does_not_repeat_what_may_be_secret() -> None:
    with pytest.raises(BadRemoteUrl) as refusal:
        parse_remote_url("https://x:secret@host:22/a?b")
    assert "secret" not in str(refusal.value)


def remote(text: str = "https://host/a") -> RemoteUrl:
    return parse_remote_url(text)[0]


@pytest.mark.parametrize(
    ("location", "moved"),
    [
        ("https://other/b/info/refs?service=git-upload-pack", "https://other/b"),
        ("/b.git/info/refs?service=git-upload-pack", "https://host/b.git"),
        ("../b/info/refs?service=git-upload-pack", "https://host/a/b"),
    ],
)
def test_a_redirect_leads_to_another_repository(location: str, moved: str) -> None:
    assert str(remote().redirected(location)) == moved


def test_within_one_origin_a_redirect_may_stay_in_the_clear() -> None:
    tail = "info/refs?service=git-upload-pack"
    assert str(remote("http://host:3000/a").redirected(f"http://host:3000/b/{tail}")) == "http://host:3000/b"
    assert str(remote("http://host:3000/a").redirected(f"https://host/b/{tail}")) == "https://host/b"
    with pytest.raises(BadRemoteUrl, match="not followed"):
        remote("http://host:3000/a").redirected(f"http://host:3001/b/{tail}")


@pytest.mark.parametrize(
    "location",
    [
        *("", "https://other/login", "https://other/b/info/refs", "https://other/info/refs?service=git-receive-pack"),
        "http://host/b/info/refs?service=git-upload-pack",
        "https://x:y@other/b/info/refs?service=git-upload-pack",
        "file:///b/info/refs?service=git-upload-pack",
        "https://other:22/b/info/refs?service=git-upload-pack",
    ],
)
def test_a_redirect_elsewhere_is_not_followed(location: str) -> None:
    with pytest.raises(BadRemoteUrl):
        remote().redirected(location)
