"""Hidden refs against the rule read word by word: each name alone, pattern by pattern."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from packengine.refs import HiddenRefs, RefEntry, build_table

# Letters around the slash in byte order, so that neighbours of a range are met.
components = st.sampled_from([b"a", b"b", b"a-", b"a0", b"a.b", b"aa"])
names = st.lists(components, min_size=1, max_size=3).map(lambda parts: b"refs/" + b"/".join(parts))
patterns = st.builds(
    lambda marks, name, slash: marks + name + slash,
    st.sampled_from([b"", b"!", b"^", b"!^"]),
    names | st.just(b"refs"),
    st.sampled_from([b"", b"/"]),
)


def hides(name: bytes, given_patterns: list[bytes]) -> bool:
    """The slow twin: the last match decides."""
    verdict = False
    for pattern in given_patterns:
        folder = pattern.lstrip(b"!^").rstrip(b"/")
        if (name + b"/").startswith(folder + b"/"):
            verdict = not pattern.startswith(b"!")
    return verdict


@given(st.lists(patterns, max_size=6), st.lists(names, max_size=12, unique=True), names | st.just(b""))
def test_every_name_has_the_verdict_of_the_last_match_alone_and_in_listings(
    given_patterns: list[bytes], stored: list[bytes], prefix: bytes
) -> None:
    hidden = HiddenRefs.of_patterns(given_patterns)
    assert [hidden.hides(name) for name in stored] == [hides(name, given_patterns) for name in stored]
    entries = [RefEntry(name, bytes(20), None) for name in sorted(stored)]
    refs, _ = build_table(entries, oid_len=20, load=lambda digest: digest)
    assert list(hidden.shown(refs, prefix)) == [
        entry for entry in entries if entry.name.startswith(prefix) and not hides(entry.name, given_patterns)
    ]


@given(st.lists(patterns, max_size=6), st.lists(names, max_size=12, unique=True), names)
def test_annotated_tags_are_listed_as_all_refs_are(
    given_patterns: list[bytes], stored: list[bytes], prefix: bytes
) -> None:
    hidden = HiddenRefs.of_patterns(given_patterns)
    entries = [RefEntry(name, bytes([at]) * 20, bytes(20)) for at, name in enumerate(sorted(stored))]
    refs, _ = build_table(entries, oid_len=20, load=lambda digest: digest)
    assert list(hidden.shown_peeled(refs, prefix)) == [(e.oid, e.peeled) for e in hidden.shown(refs, prefix)]
