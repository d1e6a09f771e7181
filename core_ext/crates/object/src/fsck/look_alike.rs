//! Names that some file system takes for `.git`, `.gitmodules` and the like.
//!
//! HFS+ ignores case and some invisible characters; NTFS ignores case, spaces and periods at the end and what follows a
//! colon, and knows each file by a short name too. Git's rules, so that what Git clients refuse to check out is refused
//! here (CVE-2014-9390, CVE-2018-11235, CVE-2019-1353).

/// A name that Git reads by itself, without its dot, in lower case.
#[derive(Clone, Copy)]
pub struct Special {
    name: &'static str,
    /// The first six characters of the short name that NTFS makes when the plain ones are taken: a hash.
    short_hash: &'static str,
}

pub const GITMODULES: Special = Special { name: "gitmodules", short_hash: "gi7eba" };
pub const GITATTRIBUTES: Special = Special { name: "gitattributes", short_hash: "gi7d29" };
pub const GITIGNORE: Special = Special { name: "gitignore", short_hash: "gi250a" };
pub const MAILMAP: Special = Special { name: "mailmap", short_hash: "maba30" };

impl Special {
    /// Whether some file system takes `name` for this.
    pub fn is(self, name: &[u8]) -> bool {
        is_on_hfs(name, self.name) || self.is_on_ntfs(name)
    }

    /// Whether NTFS takes `name` for this, in full or by one of its short names.
    pub fn is_on_ntfs(self, name: &[u8]) -> bool {
        let rest = strip_dotted(name, self.name)
            .or_else(|| strip_plain_short(name, self.name))
            .or_else(|| strip_hashed_short(name, self.short_hash));
        rest.is_some_and(|rest| ntfs_ignores(rest, b""))
    }
}

/// Whether any of the questions below could have another answer than no: few names even start so, and every name of
/// every pushed tree is asked about.
pub fn is_suspect(name: &[u8]) -> bool {
    matches!(name.first(), Some(b'.' | b'g' | b'G' | b'm' | b'M' | b'~' | 0x80..))
}

/// Whether some file system takes `name` for `.git`.
pub fn is_dotgit(name: &[u8]) -> bool {
    is_on_hfs(name, "git") || is_dotgit_on_ntfs(name)
}

/// Whether NTFS takes `name`, or the path it starts with there, for `.git`.
pub fn is_dotgit_on_ntfs(name: &[u8]) -> bool {
    let rest = strip_dotted(name, "git").or_else(|| strip_prefix_any_case(name, "git~1"));
    rest.is_some_and(|rest| ntfs_ignores(rest, b"/\\"))
}

fn strip_prefix_any_case<'a>(name: &'a [u8], prefix: &str) -> Option<&'a [u8]> {
    let (head, rest) = name.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix.as_bytes()).then_some(rest)
}

fn strip_dotted<'a>(name: &'a [u8], wanted: &str) -> Option<&'a [u8]> {
    strip_prefix_any_case(name.strip_prefix(b".")?, wanted)
}

/// Six characters, then `~1` to `~4`.
fn strip_plain_short<'a>(name: &'a [u8], wanted: &str) -> Option<&'a [u8]> {
    match strip_prefix_any_case(name, &wanted[..6])? {
        [b'~', b'1'..=b'4', rest @ ..] => Some(rest),
        _ => None,
    }
}

/// Up to six characters of the hash, `~` and a number without leading zero: eight characters in all.
fn strip_hashed_short<'a>(name: &'a [u8], short_hash: &str) -> Option<&'a [u8]> {
    let (short, rest) = name.split_at_checked(8)?;
    let tilde = short.iter().position(|&byte| byte == b'~')?;
    let (stem, number) = (&short[..tilde], &short[tilde + 1..]);
    let stem_fits = tilde <= 6 && short_hash.as_bytes()[..tilde].eq_ignore_ascii_case(stem);
    let number_fits = matches!(number, [b'1'..=b'9', more @ ..] if more.iter().all(u8::is_ascii_digit));
    (stem_fits && number_fits).then_some(rest)
}

/// Whether NTFS drops all of `rest` up to its end, a colon or one of `ends`.
fn ntfs_ignores(rest: &[u8], ends: &[u8]) -> bool {
    let tail = &rest[rest.iter().take_while(|byte| matches!(byte, b' ' | b'.')).count()..];
    tail.first().is_none_or(|byte| *byte == b':' || ends.contains(byte))
}

/// Whether HFS+ takes `name` for a dot and `wanted`.
fn is_on_hfs(name: &[u8], wanted: &str) -> bool {
    let mut characters = HfsCharacters { rest: name };
    let fits = std::iter::once('.')
        .chain(wanted.chars())
        .all(|want| characters.next().is_some_and(|found| found.to_ascii_lowercase() == want));
    // Like Git, take what is no UTF-8 at the end for the end: a name is rather refused than let through.
    fits && characters.next().is_none_or(|found| found == '/')
}

/// The characters that HFS+ sees, up to the end or to what is no UTF-8.
struct HfsCharacters<'a> {
    rest: &'a [u8],
}

impl Iterator for HfsCharacters<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        loop {
            let (character, len) = first_character(self.rest)?;
            self.rest = &self.rest[len..];
            if !is_ignored_by_hfs(character) {
                return Some(character);
            }
        }
    }
}

fn first_character(bytes: &[u8]) -> Option<(char, usize)> {
    let lead = *bytes.first()?;
    let len = match lead {
        0..0x80 => 1,
        0x80..0xe0 => 2,
        0xe0..0xf0 => 3,
        _ => 4,
    };
    let character = std::str::from_utf8(bytes.get(..len)?).ok()?.chars().next()?;
    Some((character, len))
}

/// Zero-width and direction marks.
const fn is_ignored_by_hfs(character: char) -> bool {
    matches!(character, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_dot_git_somewhere() {
        for name in [
            &b".git"[..],
            b".GiT",
            b".git ",
            b".git...",
            b".git . .",
            b".git::$INDEX_ALLOCATION",
            b".git\\hooks",
            b"GIT~1",
            b"git~1 ",
            b".g\xe2\x80\x8cit",
            b"\xef\xbb\xbf.git",
            b".git\xe2\x80\x8f",
            b".git\xff",
        ] {
            assert!(is_dotgit(name), "{}", name.escape_ascii());
        }
    }

    #[test]
    fn names_that_only_look_so() {
        for name in
            [&b"git"[..], b".gitx", b".git-", b"git~2", b"git~10", b".g\xff", b".gi", b"..git", b".g\xc3\xa9it", b""]
        {
            assert!(!is_dotgit(name), "{}", name.escape_ascii());
        }
    }

    #[test]
    fn names_that_are_gitmodules_somewhere() {
        for name in [
            &b".gitmodules"[..],
            b".GITModules ",
            b".gitmodules::$DATA",
            b"gitmod~1",
            b"GITMOD~4. ",
            b"GI7EBA~1",
            b"gi7eba~9",
            b"gi7eb~10",
            b"gi7e~123",
            b"~1000000",
            b".gitmod\xe2\x80\x8dules",
        ] {
            assert!(GITMODULES.is(name), "{}", name.escape_ascii());
        }
        for name in [
            &b"gitmod~5"[..],
            b"gitmod~0",
            b"gi7eba~0",
            b"gi7eb~01",
            b"gi7ebax1",
            b"~1",
            b".gitmodules2",
            b"gitmodules",
        ] {
            assert!(!GITMODULES.is(name), "{}", name.escape_ascii());
        }
    }
}
