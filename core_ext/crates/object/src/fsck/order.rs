//! The order of a tree's entries: by name, a directory's name taken with a slash at its end.
//!
//! Because of that slash a file and a directory of the same name need not be neighbours: `foo`, `foo.bar` and `foo/` are
//! in order. Files that a later directory could duplicate are therefore kept on a stack.

use crate::edges::TreeEntry;

/// How an entry stands to those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    InOrder,
    OutOfOrder,
    Duplicate,
}

/// Watches the entries of one tree go by.
#[derive(Default)]
pub struct Order<'a> {
    last: Option<(&'a [u8], bool)>,
    /// Names of files that have gone by, each the beginning of the next, which a directory may still duplicate.
    candidates: Vec<&'a [u8]>,
}

impl<'a> Order<'a> {
    /// The place of the next entry.
    pub fn place(&mut self, entry: &TreeEntry<'a>) -> Place {
        let (name, is_directory) = (entry.name, entry.mode & 0o170_000 == 0o040_000);
        let Some((last, last_is_directory)) = self.last.replace((name, is_directory)) else { return Place::InOrder };
        let common = last.len().min(name.len());
        match last[..common].cmp(&name[..common]) {
            std::cmp::Ordering::Less => return Place::InOrder,
            std::cmp::Ordering::Greater => return Place::OutOfOrder,
            std::cmp::Ordering::Equal if last.len() == name.len() => return Place::Duplicate,
            std::cmp::Ordering::Equal => {}
        }
        let (last_next, next) = (byte_after(last, common, last_is_directory), byte_after(name, common, is_directory));
        if last_next == 0 && comes_before_slash(next) {
            self.candidates.push(last);
        } else if next == b'/' && comes_before_slash(last_next) && self.is_duplicate(name) {
            return Place::Duplicate;
        }
        if last_next < next { Place::InOrder } else { Place::OutOfOrder }
    }

    /// Whether a file of a directory's name has gone by; files that no directory can duplicate any more are forgotten.
    fn is_duplicate(&mut self, name: &[u8]) -> bool {
        while let Some(file) = self.candidates.pop() {
            match name.strip_prefix(file) {
                Some([]) => return true,
                Some([next, ..]) if comes_before_slash(*next) => {
                    self.candidates.push(file);
                    return false;
                }
                _ => {}
            }
        }
        false
    }
}

/// The byte of a name at its common length with another: 0 after its end, or the slash of a directory.
fn byte_after(name: &[u8], common: usize, is_directory: bool) -> u8 {
    name.get(common).copied().unwrap_or(if is_directory { b'/' } else { 0 })
}

const fn comes_before_slash(byte: u8) -> bool {
    byte > 0 && byte < b'/'
}
