//! SHA-1 side by side: ours with and without collision detection, and RustCrypto's translation of sha1dc.

use packhouse_object::{Hasher, ObjectFormat};
use std::hint::black_box;
use std::time::Instant;

fn main() {
    let data: Vec<u8> = (0..64 * 1024u32).map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()[2]).collect();
    for size_bytes in [200, 1000, 4000, 64 * 1024] {
        let input = &data[..size_bytes];
        rate("sha1 unchecked", input, |input| ours(Hasher::unchecked(ObjectFormat::Sha1), input));
        rate("sha1 checked", input, |input| ours(Hasher::checked(ObjectFormat::Sha1), input));
        rate("sha1-checked (RustCrypto)", input, |input| {
            black_box(sha1_checked::Sha1::try_digest(input));
        });
        rate("sha256", input, |input| ours(Hasher::checked(ObjectFormat::Sha256), input));
    }
}

fn ours(mut hasher: Hasher, input: &[u8]) {
    hasher.update(input);
    black_box(hasher.finish()).expect("no collision in this input");
}

/// The best of some short rounds: what the code can do when nobody else has the core.
fn rate(name: &str, input: &[u8], work: impl Fn(&[u8])) {
    let repeats = 4_000_000 / input.len();
    let round = || {
        let start = Instant::now();
        (0..repeats).for_each(|_| work(black_box(input)));
        start.elapsed()
    };
    let best = (0..20).map(|_| round()).min().unwrap_or_default();
    let megabytes = (repeats * input.len()) as f64 / 1e6;
    println!("{name:28}{:>8} B {:>8.0} MB/s", input.len(), megabytes / best.as_secs_f64());
}
