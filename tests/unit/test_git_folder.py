"""Reading a Git repository's folder without Git: layouts, refs, config and loose objects."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from packengine.repository.errors import ImportRefused
from packengine.repository.git_folder import open_git_folder, read_loose

OID = "11" * 20
OTHER = "22" * 20
MIB = 1 << 20


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """The least that is a repository."""
    path = tmp_path / "bare.git"
    for folder in ("objects/pack", "objects/info", "refs/heads"):
        (path / folder).mkdir(parents=True)
    (path / "HEAD").write_text("ref: refs/heads/main\n")
    return path


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def refs_of(path: Path) -> dict[str, str]:
    return {name.decode(): oid.hex() for name, oid in open_git_folder(path).refs().items()}


def test_a_folder_without_config_is_a_sha1_repository(bare: Path) -> None:
    folder = open_git_folder(bare)
    assert (folder.object_format, folder.head(), folder.refs()) == ("sha1", b"refs/heads/main", {})


@pytest.mark.parametrize("missing", ["HEAD", "objects"])
def test_without_head_or_objects_it_is_no_repository(bare: Path, missing: str) -> None:
    (bare / missing).rename(bare / "moved")
    with pytest.raises(ImportRefused, match="is not a Git repository"):
        open_git_folder(bare)


@pytest.mark.parametrize("text", [OID, OID + "\n", "garbage"])
def test_a_head_that_names_no_branch_is_detached(bare: Path, text: str) -> None:
    write(bare / "HEAD", text)
    assert open_git_folder(bare).head() is None


def test_a_loose_ref_hides_the_packed_one_of_its_name(bare: Path) -> None:
    write(bare / "packed-refs", f"# pack-refs with: peeled\n{OID} refs/heads/a\n{OID} refs/tags/t\n^{OTHER}\n")
    write(bare / "refs/heads/a", f"{OTHER}\n")
    assert refs_of(bare) == {"refs/heads/a": OTHER, "refs/tags/t": OID}


def test_a_symbolic_ref_is_followed_to_a_loose_and_to_a_packed_ref(bare: Path) -> None:
    write(bare / "packed-refs", f"{OID} refs/heads/packed\n")
    write(bare / "refs/heads/loose", OTHER)
    write(bare / "refs/to-packed", "ref: refs/heads/packed\n")
    write(bare / "refs/to-loose", "ref:refs/heads/loose")
    write(bare / "refs/to-both", "ref: refs/to-loose\n")
    found = refs_of(bare)
    assert [found[f"refs/to-{name}"] for name in ("packed", "loose", "both")] == [OID, OTHER, OTHER]


@pytest.mark.parametrize("links", [5, 6])
def test_symbolic_refs_are_followed_for_five_links(bare: Path, links: int) -> None:
    write(bare / "refs/link-0", OID)
    for number in range(1, links + 1):
        write(bare / f"refs/link-{number}", f"ref: refs/link-{number - 1}\n")
    assert (f"refs/link-{links}" in refs_of(bare)) is (links == 5)


def test_a_name_that_is_not_utf8_is_taken_as_it_is(bare: Path) -> None:
    (bare / "packed-refs").write_bytes(OID.encode() + b" refs/heads/caf\xe9\n")
    assert list(open_git_folder(bare).refs()) == [b"refs/heads/caf\xe9"]


@pytest.mark.parametrize(
    "config",
    [
        "[extensions]\n\tobjectformat = sha256\n",
        '[core]\n\tbare = true\n[Extensions]\n\tobjectFormat = SHA256\n[remote "a"]\n\turl = b\n',
        "[extensions]\n    objectFormat=sha256\n\tworktreeConfig\n",
        "[core]\n\tx = [extensions]\n[extensions]\n\tobjectFormat = sha256",
    ],
)
def test_the_object_format_is_what_the_config_says(bare: Path, config: str) -> None:
    write(bare / "config", config)
    assert open_git_folder(bare).object_format == "sha256"


def test_a_value_of_another_section_is_not_the_object_format(bare: Path) -> None:
    write(bare / "config", "[core]\n\tobjectformat = sha256\n[extensionsx]\n\tobjectformat = sha256\n")
    assert open_git_folder(bare).object_format == "sha1"


def test_an_id_of_the_other_object_format_is_refused(bare: Path) -> None:
    write(bare / "config", "[extensions]\n\tobjectformat = sha256\n")
    write(bare / "refs/heads/a", OID)
    with pytest.raises(ImportRefused, match="an id of 20 bytes"):
        open_git_folder(bare).refs()


def test_files_whose_refs_are_files_are_taken(bare: Path) -> None:
    write(bare / "config", "[extensions]\n\trefStorage = files\n")
    assert refs_of(bare) == {}


def test_alternates_may_name_each_other(bare: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "objects"
    other.mkdir(parents=True)
    write(bare / "objects/info/alternates", f"{other}\n\n# none\n")
    write(other / "info/alternates", f"{bare}/objects\n")
    assert open_git_folder(bare).object_dirs == (bare / "objects", other)


def test_more_than_sixteen_alternates_are_refused(bare: Path, tmp_path: Path) -> None:
    folders = [tmp_path / f"alternate-{number}" for number in range(16)]
    for folder in folders:
        folder.mkdir()
    write(bare / "objects/info/alternates", "\n".join(map(str, folders[:15])))
    assert len(open_git_folder(bare).object_dirs) == 16
    write(bare / "objects/info/alternates", "\n".join(map(str, folders)))
    with pytest.raises(ImportRefused, match="more than 16 alternates"):
        open_git_folder(bare)


def test_only_packs_with_an_idx_and_files_named_as_objects_count(bare: Path) -> None:
    for name in ("pack-a.pack", "pack-a.idx", "pack-b.pack", "pack-c.idx", "tmp_pack_x"):
        write(bare / "objects/pack" / name, "")
    loose = write(bare / "objects" / OID[:2] / OID[2:], "")
    write(bare / "objects" / OID[:2] / "tmp_obj_x", "")
    write(bare / "objects/zz" / OID[2:], "")
    folder = open_git_folder(bare)
    assert [path.name for path in folder.pack_paths()] == ["pack-a.pack"]
    assert folder.loose_paths() == [loose]


def loose(path: Path, data: bytes) -> Path:
    path.write_bytes(zlib.compress(data))
    return path


@pytest.mark.parametrize("content", [b"", b"text\n", b"\0\0", bytes(100)])
def test_a_loose_object_is_read_as_it_was_written(tmp_path: Path, content: bytes) -> None:
    path = loose(tmp_path / "object", b"blob %d\0%b" % (len(content), content))
    assert read_loose(path, MIB) == ("blob", content)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"blob 4\0text\n",
        b"blob 6\0text\n",
        b"blob\0text\n",
        b"blob x\0text\n",
        b"blob 05\0text\n",
        b"blob 5text\n",
    ],
)
def test_a_loose_object_whose_header_is_wrong_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ImportRefused, match="damaged"):
        read_loose(loose(tmp_path / "object", data), MIB)


def test_a_loose_object_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    path = loose(tmp_path / "object", b"blob 1000\0" + bytes(range(250)) * 4)
    whole = path.read_bytes()
    for length in range(len(whole) - 5):  # the last bytes are zlib's checksum, and the object's hash is one
        path.write_bytes(whole[:length])
        with pytest.raises(ImportRefused):
            read_loose(path, MIB)


def test_a_loose_object_over_the_limit_is_not_inflated_whole(tmp_path: Path) -> None:
    path = loose(tmp_path / "object", b"blob %d\0" % (8 * MIB) + bytes(8 * MIB))
    with pytest.raises(ImportRefused, match=f"larger than {MIB} bytes"):
        read_loose(path, MIB)
    assert len(read_loose(path, 8 * MIB)[1]) == 8 * MIB
