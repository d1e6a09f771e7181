//! The patterns of a sparse filter: gitignore(5), but what matches is included.

use bstr::{BStr, ByteSlice as _};
use gix_glob::Pattern;
use gix_glob::pattern::{Case, Mode as Is};
use gix_glob::wildmatch::Mode;
use packhouse_object::{Error, Result};

/// How deep the matcher goes into wildcards before it gives up, less some.
const MAX_STARS: usize = 60;
/// Each doubles the time that a match may take, as it does in Git: here to 0.3 ms.
const MAX_DOUBLE_STARS: usize = 8;

/// How much a stranger may write down.
#[derive(Clone, Copy, Debug)]
pub struct PatternLimits {
    /// Of the text.
    pub max_bytes: usize,
    /// Patterns: each path is held against all of them.
    pub max_patterns: usize,
}

/// Parsed patterns, the last one first.
#[derive(Debug)]
pub struct SparsePatterns {
    patterns: Vec<Pattern>,
}

impl SparsePatterns {
    /// Parse the text of a sparse-checkout file. Anything is a pattern.
    ///
    /// # Errors
    /// `Limit`; also for a pattern with more wildcards than can be matched exactly.
    pub fn parse(text: &[u8], limits: PatternLimits) -> Result<Self> {
        check("size of a sparse filter in bytes", text.len(), limits.max_bytes)?;
        let line_count = text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).count();
        check("count of lines of a sparse filter", line_count, limits.max_patterns)?;
        let lines: Vec<u8> =
            text.split(|&byte| byte == b'\n').flat_map(|line| [spelled_out(line), b"\n"]).flatten().copied().collect();
        let mut patterns: Vec<_> = gix_ignore::parse(&lines, false).map(|(pattern, ..)| pattern).collect();
        patterns.reverse();
        patterns.iter().try_for_each(check_wildcards)?;
        Ok(Self { patterns })
    }

    /// Whether a path is included, as the last pattern says that matches it; `None` if none does.
    ///
    /// path: without slash at either end; not the root. name_at: where its last component starts. is_live: whether
    /// patterns that name a path are to be asked, too; see [`is_live`](Self::is_live).
    pub(super) fn decide(&self, path: &[u8], name_at: usize, is_dir: bool, is_live: bool) -> Option<bool> {
        let path = BStr::new(path);
        let basename_at = (name_at > 0).then_some(name_at);
        let matches = |pattern: &&Pattern| {
            (is_live || is_of_names(pattern))
                && pattern.matches_repo_relative_path(
                    path,
                    basename_at,
                    Some(is_dir),
                    Case::Sensitive,
                    Mode::NO_MATCH_SLASH_LITERAL,
                )
        };
        self.patterns.iter().find(matches).map(|pattern| !pattern.is_negative())
    }

    /// Whether a commit's root tree is included, so that all in it is of which no pattern says anything.
    ///
    /// Its path is empty. Patterns that name a path never match that one; those of names see an empty name.
    pub(super) fn includes_root(&self) -> bool {
        let matches = |pattern: &&Pattern| match is_of_names(pattern) {
            true => pattern.matches(BStr::new(b""), Mode::empty()),
            false => is_lone_slash(pattern),
        };
        self.patterns.iter().find(matches).is_some_and(|pattern| !pattern.is_negative())
    }

    /// Whether some pattern that names a path can match anything in this folder or below it.
    ///
    /// Without `**`, a wildcard matches no slash: such a pattern has as many components as what it matches.
    pub(super) fn is_live(&self, folder: &[u8]) -> bool {
        self.patterns.iter().any(|pattern| !is_of_names(pattern) && reaches_below(pattern, folder))
    }
}

/// A line as the parser reads it as Git does. To Git, spaces or a carriage return are a pattern, the empty one: like `/`
/// it matches the empty name of the root. The parser drops such lines.
fn spelled_out(line: &[u8]) -> &[u8] {
    let without_return = line.strip_suffix(b"\r").unwrap_or(line);
    match without_return.trim_end_with(|char| char == ' ') {
        b"" if !line.is_empty() => b"/",
        b"!" => b"!/",
        _ => line,
    }
}

fn check_wildcards(pattern: &Pattern) -> Result<()> {
    let count = |stars: &str| pattern.text.find_iter(stars).count();
    check("count of * in a pattern of a sparse filter", count("*"), MAX_STARS)?;
    check("count of ** in a pattern of a sparse filter", count("**"), MAX_DOUBLE_STARS)
}

/// Whether a pattern looks at the last component of a path alone.
fn is_of_names(pattern: &Pattern) -> bool {
    pattern.mode.contains(Is::NO_SUB_DIR) && !pattern.mode.contains(Is::ABSOLUTE)
}

/// Whether a pattern is `/`, which for Git is an empty name.
fn is_lone_slash(pattern: &Pattern) -> bool {
    pattern.text.is_empty() && !pattern.mode.contains(Is::MUST_BE_DIR)
}

fn reaches_below(pattern: &Pattern, folder: &[u8]) -> bool {
    let literal = &pattern.text[..pattern.first_wildcard_pos.unwrap_or(pattern.text.len())];
    let mut prefix = folder.iter().chain(folder.last().map(|_| &b'/'));
    let agrees = literal.iter().zip(&mut prefix).all(|(left, right)| left == right);
    agrees && (pattern.text.contains_str("**") || components(&pattern.text) > components(folder))
}

/// How many components a path has; the root has none.
fn components(path: &[u8]) -> usize {
    if path.is_empty() { 0 } else { 1 + path.iter().filter(|&&byte| byte == b'/').count() }
}

/// See that something is not over a limit.
pub(super) fn check(what: &'static str, actual: usize, limit: usize) -> Result<()> {
    if actual > limit {
        return Err(Error::Limit { what, actual: actual as u64, limit: limit as u64 });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: PatternLimits = PatternLimits { max_bytes: 100, max_patterns: 3 };

    fn parsed(text: &str) -> SparsePatterns {
        SparsePatterns::parse(text.as_bytes(), LIMITS).expect("within the limits")
    }

    fn file(patterns: &SparsePatterns, path: &str) -> Option<bool> {
        let name_at = path.rfind('/').map_or(0, |slash| slash + 1);
        patterns.decide(path.as_bytes(), name_at, false, true)
    }

    #[test]
    fn the_last_pattern_that_matches_decides() {
        let patterns = parsed("*.c\n!/b/*.c\n/b/a.c");
        assert_eq!(file(&patterns, "x/a.c"), Some(true));
        assert_eq!(file(&patterns, "b/x.c"), Some(false));
        assert_eq!(file(&patterns, "b/a.c"), Some(true));
        assert_eq!(file(&patterns, "b/a.h"), None);
    }

    #[test]
    fn patterns_of_folders_match_no_file() {
        let patterns = parsed("a/");
        assert_eq!(patterns.decide(b"b/a", 2, true, true), Some(true));
        assert_eq!(file(&patterns, "b/a"), None);
    }

    #[test]
    fn the_root_has_an_empty_name_and_no_path() {
        for text in ["*", "**", "/", "*/", "!*\n/", " ", "x\n\r\n", "/\n!x"] {
            assert!(parsed(text).includes_root(), "{text:?}");
        }
        for text in ["", "a", "\t", "/*", "//", "?", "/\n!*", "/\n! ", "**/*", "# \n\n"] {
            assert!(!parsed(text).includes_root(), "{text:?}");
        }
    }

    #[test]
    fn paths_matter_only_as_deep_as_a_pattern_goes() {
        let live = |text: &str, folder: &str| parsed(text).is_live(folder.as_bytes());
        assert!(live("/*", "") && !live("/*", "a") && !live("a", ""));
        assert!(live("/a/b/", "") && live("/a/b/", "a") && !live("/a/b/", "a/b") && !live("/a/b/", "b"));
        assert!(live("/a*/b", "ax") && !live("/a*/b", "b") && !live("/a*/b", "ax/b"));
        assert!(live("a/**", "a/b/c/d") && !live("a/**", "b"));
        assert!(live("ab/c", "ab") && !live("ab/c", "a") && !live("a/c", "ab"));
    }

    #[test]
    fn a_dead_path_is_held_against_names_only() {
        let patterns = parsed("a\n!/b/a");
        assert_eq!(patterns.decide(b"b/a", 2, false, true), Some(false));
        assert_eq!(patterns.decide(b"b/a", 2, false, false), Some(true));
    }

    #[test]
    fn every_limit_holds() {
        let stars = |count| "*a".repeat(count);
        let wide = PatternLimits { max_bytes: 1000, max_patterns: 3 };
        let refused = |text: &str, limits| SparsePatterns::parse(text.as_bytes(), limits).is_err();
        assert!(!refused("a\nb\nc\n\n", LIMITS) && refused("a\nb\nc\nd", LIMITS));
        assert!(!refused(&"a".repeat(100), LIMITS) && refused(&"a".repeat(101), LIMITS));
        assert!(!refused(&stars(MAX_STARS), wide) && refused(&stars(MAX_STARS + 1), wide));
        let double_stars = |count| "**/".repeat(count);
        assert!(!refused(&double_stars(MAX_DOUBLE_STARS), wide) && refused(&double_stars(MAX_DOUBLE_STARS + 1), wide));
    }

    #[test]
    fn as_many_wildcards_as_are_allowed_are_matched_exactly() {
        let wide = PatternLimits { max_bytes: 1000, max_patterns: 1 };
        let patterns = SparsePatterns::parse("*a".repeat(MAX_STARS).as_bytes(), wide).expect("within the limits");
        assert_eq!(file(&patterns, &"xa".repeat(MAX_STARS)), Some(true));
        assert_eq!(file(&patterns, &"xa".repeat(MAX_STARS - 1)), None);
    }
}
