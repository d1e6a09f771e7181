//! Bitmap files made by hand: what they say is found, and damage is an error or does not matter.

#![allow(clippy::cast_possible_truncation)] // the sizes here are small

mod support;

use packhouse_object::{Error, Hasher, Kind, ObjectFormat};
use packhouse_pack::bitmaps::{FULL_DAG, HASH_CACHE, KINDS, MAGIC, VERSION, write_ewah};
use packhouse_pack::{BitSet, Pack};
use proptest::prelude::*;
use proptest::sample::Index;
use std::sync::Arc;
use support::PackMaker;

const FORMAT: ObjectFormat = ObjectFormat::Sha1;

/// An object of each kind in turn. What they hold plays no part: bitmaps are believed.
fn pack_of(count: u32) -> Arc<Pack> {
    let mut maker = PackMaker::new(FORMAT);
    for number in 0..count {
        maker.whole(KINDS[number as usize % 4], number.to_string().as_bytes());
    }
    maker.open()
}

/// An entry as it shall be written: for which position, what it reaches in the order of the pack, on which it stands.
#[derive(Clone, Debug)]
struct Entry {
    position: u32,
    bits: BitSet,
    xor_offset: u8,
}

fn set_of(len: u32, numbers: &[Index]) -> BitSet {
    let mut set = BitSet::new(len);
    numbers.iter().for_each(|number| _ = set.insert(number.index(len as usize) as u32));
    set
}

/// A file with these entries and the kinds that the pack truly has.
fn file_of(pack: &Pack, entries: &[Entry]) -> Vec<u8> {
    let mut file = [&MAGIC[..], &VERSION.to_be_bytes(), &(FULL_DAG | HASH_CACHE).to_be_bytes()].concat();
    file.extend_from_slice(&(entries.len() as u32).to_be_bytes());
    file.extend_from_slice(pack.trailer());
    for kind in 0..4 {
        let mut set = BitSet::new(pack.len());
        (0..pack.len()).filter(|rank| rank % 4 == kind).for_each(|rank| _ = set.insert(rank));
        write_ewah(&set, &mut file);
    }
    for (at, entry) in entries.iter().enumerate() {
        let mut bits = entry.bits.clone();
        if entry.xor_offset > 0 {
            bits.toggle(&entries[at - usize::from(entry.xor_offset)].bits);
        }
        file.extend_from_slice(&entry.position.to_be_bytes());
        file.extend_from_slice(&[entry.xor_offset, 0]);
        write_ewah(&bits, &mut file);
    }
    (0..pack.len()).for_each(|rank| file.extend_from_slice(&rank.to_be_bytes()));
    mended(file, 0)
}

/// The same with the hash of its bytes at the end, in place of the last `old` ones.
fn mended(mut file: Vec<u8>, old: usize) -> Vec<u8> {
    file.truncate(file.len().saturating_sub(old));
    let mut hasher = Hasher::unchecked(FORMAT);
    hasher.update(&file);
    file.extend_from_slice(hasher.finish().expect("unchecked").as_bytes());
    file
}

/// Distinct positions, sets that hold the position's own bit, and entries to stand on.
fn entries_for(pack: &Pack) -> impl Strategy<Value = Vec<Entry>> + use<> {
    let len = pack.len();
    let order = pack.pack_order().expect("distinct").to_vec();
    let sets = prop::collection::vec((prop::collection::vec(any::<Index>(), 0..40), any::<u8>()), 1..12);
    (sets, Just((0..len).collect::<Vec<_>>()).prop_shuffle()).prop_map(move |(sets, positions)| {
        let row = |(at, (numbers, xor)): (usize, (Vec<Index>, u8))| {
            let mut bits = set_of(len, &numbers);
            bits.insert(order.iter().position(|&position| position == positions[at]).expect("ordered") as u32);
            Entry { position: positions[at], bits, xor_offset: xor % (at as u8 + 1) }
        };
        sets.into_iter().enumerate().map(row).collect()
    })
}

fn by_position(pack: &Pack, bits: &BitSet) -> BitSet {
    let order = pack.pack_order().expect("distinct");
    let mut positions = BitSet::new(pack.len());
    bits.iter().for_each(|rank| _ = positions.insert(order[rank as usize]));
    positions
}

/// Ask for everything. Only damage may be said.
fn ask(pack: &Pack) {
    for position in 0..pack.len() {
        assert!(matches!(pack.reached_from(position), Ok(_) | Err(Error::CorruptIndex { .. })));
        let mut known = BitSet::new(pack.len());
        assert!(matches!(pack.reached_beyond(position, &mut known), Ok(_) | Err(Error::CorruptIndex { .. })));
    }
    assert!(matches!(pack.positions_of(Kind::Tree), Ok(_) | Err(Error::CorruptIndex { .. })));
    assert!(
        pack.bitmaps()
            .is_none_or(|bitmaps| bitmaps.name_hashes().is_none_or(|names| names.len() == pack.len() as usize))
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_entry_says_what_was_written((count, entries) in (100u32..300).prop_flat_map(|count| (Just(count), entries_for(&pack_of(count))))) {
        let pack = pack_of(count);
        pack.attach_bitmaps_bytes(file_of(&pack, &entries)).expect("whole");
        for _ in 0..2 {
            for entry in &entries {
                let reached = pack.reached_from(entry.position).expect("whole").expect("it has an entry");
                prop_assert_eq!(&*reached, &by_position(&pack, &entry.bits));
            }
        }
        let mut known = BitSet::new(count);
        let mut all = BitSet::new(count);
        for entry in &entries {
            let new = pack.reached_beyond(entry.position, &mut known).expect("whole").expect("it has an entry");
            let before = all.count();
            all.union(&new);
            prop_assert_eq!(all.count(), before + new.count());
        }
        prop_assert_eq!(by_position(&pack, &known), all);
        let without = (0..count).find(|position| entries.iter().all(|entry| entry.position != *position)).expect("few have");
        prop_assert!(pack.reached_from(without).expect("whole").is_none());
        prop_assert_eq!(pack.bitmaps().expect("attached").name_hashes(), Some((0..count).collect()));
    }

    /// Mostly with its hash mended, so that what lies behind it is looked at.
    #[test]
    fn damage_is_said_or_does_not_matter(
        entries in entries_for(&pack_of(130)), changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<Index>()), mend in prop::bool::weighted(0.9),
    ) {
        let pack = pack_of(130);
        let mut file = file_of(&pack, &entries);
        for (at, byte) in &changes {
            let at = at.index(file.len());
            file[at] = *byte;
        }
        if let Some(cut) = cut {
            file.truncate(cut.index(file.len()));
        }
        let file = if mend { mended(file, 20) } else { file };
        if let Err(error) = pack.attach_bitmaps_bytes(file) {
            assert!(matches!(error, Error::CorruptIndex { .. }));
        }
        ask(&pack);
    }
}

#[test]
fn kinds_are_those_of_the_file() {
    let pack = pack_of(77);
    assert!(pack.positions_of(Kind::Blob).expect("nothing is damaged").is_none());
    pack.attach_bitmaps_bytes(file_of(&pack, &[])).expect("whole");
    for kind in KINDS {
        let positions = pack.positions_of(kind).expect("whole").expect("attached").clone();
        let offsets = positions.iter().map(|position| pack.index().offset_at(position));
        assert!(offsets.into_iter().all(|offset| pack.kind_at(offset, 1).expect("whole") == kind));
    }
}

#[test]
fn an_object_of_two_kinds_is_damage() {
    let pack = pack_of(64);
    let mut file = file_of(&pack, &[]);
    let commits_at = 12 + 20 + 8 + 8; // behind header, frame and marker
    file[commits_at + 7] |= 2;
    pack.attach_bitmaps_bytes(mended(file, 20)).expect("nothing is looked at yet");
    assert!(matches!(pack.positions_of(Kind::Commit), Err(Error::CorruptIndex { .. })));
}

#[test]
fn a_file_that_cannot_be_right_is_refused() {
    let pack = pack_of(64);
    let entry = |position, xor_offset| Entry { position, bits: BitSet::full(64), xor_offset };
    let good = file_of(&pack, &[entry(3, 0), entry(4, 1)]);
    let with = |at: usize, byte: u8| {
        let mut file = good.clone();
        file[at] = byte;
        mended(file, 20)
    };
    let twice = file_of(&pack, &[entry(3, 0), entry(3, 0)]);
    let cases = [
        (with(0, b'b'), "magic"),
        (with(5, 2), "version"),
        (with(7, 4), "no whole graph"),
        (with(7, 0x45), "a flag that is not known"),
        (with(11, 3), "an entry too many"),
        (with(11, 1), "an entry too few"),
        (with(8, 0xff), "very many entries"),
        (with(12, !good[12]), "another pack"),
        (twice, "a commit twice"),
        (good[..good.len() - 1].to_vec(), "cut short"),
        (Vec::new(), "empty"),
    ];
    for (file, what) in cases {
        assert!(matches!(pack.attach_bitmaps_bytes(file), Err(Error::CorruptIndex { .. })), "{what}");
    }
    assert!(pack.bitmaps().is_none());
    pack.attach_bitmaps_bytes(good).expect("whole");
}

#[test]
fn a_bitmap_without_its_own_commit_is_damage() {
    let pack = pack_of(64);
    let entry = Entry { position: 3, bits: BitSet::new(64), xor_offset: 0 };
    pack.attach_bitmaps_bytes(file_of(&pack, &[entry])).expect("whole");
    assert!(matches!(pack.reached_from(3), Err(Error::CorruptIndex { .. })));
}
