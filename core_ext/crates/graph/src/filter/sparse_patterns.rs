//! The patterns of a sparse filter: gitignore(5), but what matches is included.

use bstr::BStr;
use gix_glob::Pattern;
use gix_glob::pattern::{Case, Mode as Is};
use gix_glob::wildmatch::Mode;
use packhouse_object::{Error, Result};

/// How deep the matcher goes into wildcards before it gives up, less some.
const MAX_STARS: usize = 60;

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
        check("bytes of a sparse filter", text.len(), limits.max_bytes)?;
        let line_count = text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).count();
        check("lines of a sparse filter", line_count, limits.max_patterns)?;
        // A last line without end loses its carriage return all the same.
        let lines = [text, b"\n"].concat();
        let mut patterns: Vec<_> = gix_ignore::parse(&lines, false).map(|(pattern, ..)| pattern).collect();
        patterns.reverse();
        for pattern in &patterns {
            let stars = pattern.text.iter().filter(|&&byte| byte == b'*').count();
            check("wildcards of a pattern of a sparse filter", stars, MAX_STARS)?;
        }
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
    agrees && (has_double_star(pattern) || components(&pattern.text) > components(folder))
}

fn has_double_star(pattern: &Pattern) -> bool {
    pattern.text.windows(2).any(|pair| pair == b"**")
}

/// How many components a path has; the root has none.
fn components(path: &[u8]) -> usize {
    if path.is_empty() { 0 } else { 1 + path.iter().filter(|&&byte| byte == b'/').count() }
}

fn check(what: &'static str, actual: usize, limit: usize) -> Result<()> {
    if actual > limit {
        return Err(Error::Limit { what, actual: actual as u64, limit: limit as u64 });
    }
    Ok(())
}
