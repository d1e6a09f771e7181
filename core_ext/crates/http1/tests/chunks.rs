//! Chunked bodies, in whatever pieces they arrive.

use packhouse_http1::ChunkedBody;
use proptest::prelude::*;

const MAX_LINE_BYTES: usize = 24;
const MAX_TRAILER_BYTES: usize = 40;

/// (payload, bytes used, whether the body ended), or the sentence of a refusal.
type Outcome = Result<(Vec<u8>, usize, bool), String>;

fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let mut body = ChunkedBody::new(MAX_LINE_BYTES, MAX_TRAILER_BYTES);
    let (mut payload, mut used) = (Vec::new(), 0);
    for piece in pieces {
        let (runs, size) = body.read(piece).map_err(|error| error.to_string())?;
        payload.extend(runs.concat());
        used += size;
        assert!(size == piece.len() || body.is_complete());
    }
    Ok((payload, used, body.is_complete()))
}

fn whole(data: &str) -> Outcome {
    read([data.as_bytes()])
}

#[test]
fn payload_ends_with_the_last_chunk() {
    let body = "5;a=\"b\"\r\nhello\r\n00D; x\r\n, wonderful w\r\n4\r\norld\r\n000\r\nA: b\r\n\r\n";
    let expected = Ok((b"hello, wonderful world".to_vec(), body.len(), true));
    assert_eq!(whole(body), expected);
    assert_eq!(whole(&format!("{body}GET /")), expected);
    assert_eq!(whole("7fffffffffffffff\r\nx"), Ok((b"x".to_vec(), 19, false)));
}

#[test]
fn nothing_but_the_grammar_is_taken() {
    let sizes =
        ["", "+1", "0x1", " 1", "1 ", "-1", "g", "1;\0", "1\r", "8000000000000000", "00000000000000001", "1 a", "1 ;a"];
    for size in sizes {
        assert!(whole(&format!("{size}\r\nx\r\n")).is_err(), "{size:?}");
    }
    for body in
        ["1\nx\r\n", "1\r\nx\n", "1\r\nxy\r\n", "1\r\nx\r\r\n", "0\r\n\n", "0\r\nA b\r\n\r\n", "0\r\n A: b\r\n\r\n"]
    {
        assert!(whole(body).is_err(), "{body:?}");
    }
}

#[test]
fn a_refusal_is_for_good() {
    let mut body = ChunkedBody::new(MAX_LINE_BYTES, MAX_TRAILER_BYTES);
    let error = body.read(b"x\r\n").expect_err("no size");
    assert_eq!(body.read(b"0\r\n\r\n"), Err(error));
    assert!(!body.is_complete());
}

#[test]
fn lines_and_trailers_are_bounded() {
    let line = |size: usize| format!("0;{}\r\n\r\n", "x".repeat(size - 4));
    assert!(whole(&line(MAX_LINE_BYTES)).is_ok());
    assert!(whole(&line(MAX_LINE_BYTES + 1)).is_err());
    assert!(whole(&"1".repeat(MAX_LINE_BYTES)).is_err());
    let trailers = |size: usize| format!("0\r\nA: {}\r\n\r\n", "b".repeat(size - 7));
    assert!(whole(&trailers(MAX_TRAILER_BYTES)).is_ok());
    assert!(whole(&trailers(MAX_TRAILER_BYTES + 1)).is_err());
    assert!(whole(&format!("0\r\n{}", "A: b\r\n".repeat(MAX_TRAILER_BYTES))).is_err());
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    const KNOWN: &[&str] = &[
        "1\r\nx\r\n",
        "a;b\r\n0123456789\r\n",
        "0\r\n",
        "\r\n",
        "A: b\r\n",
        "3\r\nab",
        "\n",
        "2",
        ";",
        "Content-Length: 5\r\n",
    ];
    let piece = prop_oneof![
        9 => prop::sample::select(KNOWN).prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..8),
    ];
    prop::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn pieces_are_read_as_the_whole(data in bodies(), size in 1_usize..9) {
        let expected = read([&data[..]]);
        // Behind the end nothing is taken, so that pieces behind it do not count.
        prop_assert_eq!(read(data.chunks(size)), expected.clone());
        prop_assert_eq!(read(data.chunks(1)), expected);
    }
}
