//! Reading a pack part by part: what is copied from a stored pack stays where it is mapped, until the kernel takes it.

use super::PackStream;
use packhouse_object::Result;
use packhouse_pack::Pack;
use std::hint::black_box;
use std::ops::Range;
use std::sync::Arc;

/// The length of a side-band packet, in hex digits, and its band.
pub const PACKET_HEAD_BYTES: usize = 5;

/// The side-band that carries the pack.
const DATA_BAND: u8 = 1;

/// No page is smaller.
const PAGE_BYTES: usize = 4096;

/// Some of what is to be sent.
pub enum Part {
    /// Bytes made for this pack, and heads of packets.
    Made(Vec<u8>),
    /// A run of bytes of a stored pack.
    Stored(Arc<Pack>, Range<usize>),
}

impl Part {
    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Made(bytes) => bytes,
            Self::Stored(pack, range) => &pack.bytes()[range.clone()],
        }
    }
}

/// How much of a pack to read at once, and how it is cut.
#[derive(Clone, Copy, Debug)]
pub struct Portion {
    /// The most bytes to have in memory.
    pub made_bytes: usize,
    /// The most bytes in all; at least as many.
    pub bytes: usize,
    /// How many bytes of the pack a packet of side-band 1 carries; `None`: there are no packets.
    pub packet_data_bytes: Option<usize>,
}

/// Parts being put together.
#[derive(Default)]
struct Parts {
    list: Vec<Part>,
    made_bytes: usize,
    pack_bytes: usize,
}

impl Parts {
    /// Where made bytes go.
    fn made(&mut self) -> &mut Vec<u8> {
        if !matches!(self.list.last(), Some(Part::Made(_))) {
            self.list.push(Part::Made(Vec::new()));
        }
        match self.list.last_mut() {
            Some(Part::Made(bytes)) => bytes,
            _ => unreachable!("one was added just now"),
        }
    }
}

impl PackStream {
    /// The next bytes, and whether they are the last: then there may be none.
    ///
    /// # Errors
    /// As [`Self::prepare`].
    pub fn read_parts(&mut self, portion: Portion) -> Result<(Vec<Part>, bool)> {
        let mut parts = Parts::default();
        let (most_made, most) = (portion.made_bytes.max(1), portion.bytes.max(1));
        while parts.made_bytes < most_made && parts.pack_bytes < most {
            let room = most - parts.pack_bytes;
            let prepared = self.prepare(room.min(most_made - parts.made_bytes))?;
            if prepared == 0 {
                return Ok((parts.list, true));
            }
            let len = prepared.max(room.min(self.chunks.stored_ahead()));
            self.cut(len, portion.packet_data_bytes, &mut parts);
        }
        Ok((parts.list, false))
    }

    /// Take so many of the bytes that were decided on, perhaps in packets.
    fn cut(&mut self, len: usize, packet_data_bytes: Option<usize>, parts: &mut Parts) {
        let step = packet_data_bytes.unwrap_or(len);
        for at in (0..len).step_by(step) {
            let data_bytes = step.min(len - at);
            if packet_data_bytes.is_some() {
                let mut head = [0; PACKET_HEAD_BYTES];
                write_packet_head(&mut head, data_bytes);
                parts.made().extend_from_slice(&head);
            }
            self.add_data(data_bytes, parts);
            parts.pack_bytes += data_bytes;
        }
    }

    fn add_data(&mut self, len: usize, parts: &mut Parts) {
        let Some((pack, range)) = self.chunks.take_stored(len) else {
            let made = parts.made();
            let start = made.len();
            made.resize(start + len, 0);
            self.write_prepared(&mut made[start..]);
            parts.made_bytes += len;
            return;
        };
        match &mut self.hasher {
            Some(hasher) => hasher.update(&pack.bytes()[range.clone()]),
            None => touch(&pack.bytes()[range.clone()]),
        }
        parts.list.push(Part::Stored(pack, range));
    }
}

/// Wait here for what has to come from the disk first, in a thread: whoever sends it would wait on the event loop.
fn touch(bytes: &[u8]) {
    for byte in bytes.iter().step_by(PAGE_BYTES).chain(bytes.last()) {
        black_box(*byte);
    }
}

/// Four hex digits of the packet's length, and the band. Format: gitprotocol-pack(5), "Packfile Data".
pub fn write_packet_head(head: &mut [u8], data_bytes: usize) {
    let len = PACKET_HEAD_BYTES + data_bytes;
    for (place, digit) in head.iter_mut().enumerate().take(4) {
        *digit = b"0123456789abcdef"[len >> (12 - 4 * place) & 0xf];
    }
    head[4] = DATA_BAND;
}
