//! Merging what one path has in three trees: modes, texts, links, submodules.

use crate::marked::Marks;
use crate::paths::{Path, REGULAR, SUBMODULE, Version, kind};
use crate::similarity::is_binary;
use crate::text;
use packhouse_gix::Objects;
use packhouse_object::{Kind, Oid, Result};

/// The length of the marks around a conflict in a text.
const MARK_SIZE: usize = 7;

/// How the two sides are called in texts with conflicts.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    pub(crate) ours: Vec<u8>,
    pub(crate) theirs: Vec<u8>,
}

/// Three versions, and where each of them lay.
pub(crate) struct Three<'a> {
    pub(crate) base: Option<Version>,
    pub(crate) ours: Version,
    pub(crate) theirs: Version,
    pub(crate) paths: [&'a Path; 3],
}

/// What a merge of three versions came to.
pub(crate) struct Content {
    pub(crate) merged: Option<Version>,
    /// The kind of the conflict, if there is one.
    pub(crate) conflict: Option<&'static str>,
}

/// Merges versions of one path.
pub(crate) struct ContentMerger<'a> {
    pub(crate) objects: &'a Objects<'a>,
    pub(crate) names: Names,
    /// How many merges of bases this one is within. Inside, what cannot be merged stays as the base has it.
    pub(crate) depth: usize,
    /// Largest sum of the three texts, in bytes.
    pub(crate) max_text_bytes: u64,
}

impl ContentMerger<'_> {
    /// Merge two versions of the same kind. extra_marks: makes the marks of a conflict longer, for texts that have some.
    pub(crate) fn merge(&self, three: &Three<'_>, extra_marks: usize) -> Result<Content> {
        let (ours, theirs) = (three.ours, three.theirs);
        let base_mode = three.base.map_or(0, |base| base.mode);
        let (mode, mode_conflict) = if ours.mode == theirs.mode || ours.mode == base_mode {
            (theirs.mode, None)
        } else {
            (ours.mode, (theirs.mode != base_mode).then_some("mode"))
        };
        let base_oid = three.base.map(|base| base.oid);
        let content = if ours.oid == theirs.oid || Some(ours.oid) == base_oid {
            kept(mode, theirs.oid)
        } else if Some(theirs.oid) == base_oid {
            kept(mode, ours.oid)
        } else {
            self.merge_contents(three, mode, extra_marks)?
        };
        Ok(Content { conflict: content.conflict.or(mode_conflict), ..content })
    }

    fn merge_contents(&self, three: &Three<'_>, mode: u32, extra_marks: usize) -> Result<Content> {
        match three.ours.kind() {
            REGULAR => self.merge_files(three, mode, extra_marks),
            SUBMODULE => Ok(self.merge_submodules(three, mode)),
            _ => Ok(self.merge_links(three, mode)),
        }
    }

    /// No submodule's history is here, so two new commits are a conflict.
    fn merge_submodules(&self, three: &Three<'_>, mode: u32) -> Content {
        let merged = match (self.depth, three.base) {
            (0, _) => Some(Version { mode, oid: three.ours.oid }),
            (_, Some(base)) if base.kind() == SUBMODULE => Some(Version { mode, oid: base.oid }),
            (_, base) => base,
        };
        Content { merged, conflict: Some("submodule") }
    }

    fn merge_links(&self, three: &Three<'_>, mode: u32) -> Content {
        let merged = if self.depth > 0 { three.base } else { Some(Version { mode, oid: three.ours.oid }) };
        Content { merged, conflict: Some("symlink") }
    }

    fn merge_files(&self, three: &Three<'_>, mode: u32, extra_marks: usize) -> Result<Content> {
        // Of another kind, the base says nothing about the content.
        let base_oid = three.base.filter(|base| base.kind() == kind(Some(three.ours))).map(|base| base.oid);
        self.check_size([base_oid, Some(three.ours.oid), Some(three.theirs.oid)])?;
        let base = base_oid.map_or(Ok(Vec::new()), |oid| self.objects.read_kind(&oid, Kind::Blob))?;
        let ours = self.objects.read_kind(&three.ours.oid, Kind::Blob)?;
        let theirs = self.objects.read_kind(&three.theirs.oid, Kind::Blob)?;
        if [&base, &ours, &theirs].into_iter().any(|content| is_binary(content)) {
            return self.merge_binaries(three.ours.oid, base_oid, mode);
        }
        let (our_name, their_name) = self.mark_names(three);
        let marks = Marks { size: MARK_SIZE + extra_marks, ours: &our_name, theirs: &their_name };
        let merged = text::merge(&base, &ours, &theirs, &marks)?;
        let oid = self.objects.write_object(Kind::Blob, &merged.text)?;
        Ok(Content { conflict: (!merged.is_clean).then_some("content"), ..kept(mode, oid) })
    }

    fn check_size(&self, oids: [Option<Oid>; 3]) -> Result<()> {
        let mut sum = 0;
        for oid in oids.into_iter().flatten() {
            sum += self.objects.size_of(&oid)?;
        }
        let (actual, limit) = (sum, self.max_text_bytes);
        if actual > limit {
            return Err(packhouse_object::Error::Limit { what: "bytes of texts to be merged", actual, limit });
        }
        Ok(())
    }

    fn merge_binaries(&self, ours: Oid, base: Option<Oid>, mode: u32) -> Result<Content> {
        if self.depth == 0 {
            return Ok(Content { conflict: Some("binary"), ..kept(mode, ours) });
        }
        let base = base.map_or_else(|| self.objects.write_object(Kind::Blob, b""), Ok)?;
        Ok(kept(mode, base))
    }

    /// The names behind the marks; with the paths, if these are not all the same.
    fn mark_names(&self, three: &Three<'_>) -> (Vec<u8>, Vec<u8>) {
        let [base, ours, theirs] = three.paths;
        if base == ours && ours == theirs {
            return (self.names.ours.clone(), self.names.theirs.clone());
        }
        ([&self.names.ours, &b":"[..], ours].concat(), [&self.names.theirs, &b":"[..], theirs].concat())
    }
}

const fn kept(mode: u32, oid: Oid) -> Content {
    Content { merged: Some(Version { mode, oid }), conflict: None }
}
