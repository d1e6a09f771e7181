//! Heads of requests: what is taken, and what could be read in two ways.

use packhouse_http1::{FieldSpace, Head};
use proptest::prelude::*;

const MAX_BYTES: usize = 300;
const MAX_FIELDS: usize = 8;

/// What can be compared of a head: its size, its request, the length of its body, its fields.
type Facts = (usize, String, Option<u64>, Vec<(String, Vec<u8>)>);
/// Those, or the status of a refusal.
type Outcome = Result<Option<Facts>, u16>;

fn parse(data: &[u8]) -> Outcome {
    let mut space = FieldSpace::new(MAX_FIELDS);
    let head = Head::parse(data, MAX_BYTES, &mut space).map_err(|error| error.status)?;
    Ok(head.map(|head| {
        let fields = head.fields().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        (head.size, format!("{} {}", head.method, head.target.path()), head.facts.body_bytes, fields)
    }))
}

fn whole(data: &[u8]) -> Facts {
    parse(data).expect("a good head").expect("a whole head")
}

/// The outcome as soon as there is one, when a byte more is there each time.
fn parse_in_pieces(data: &[u8]) -> Outcome {
    (0..=data.len()).map(|size| parse(&data[..size])).find(|outcome| *outcome != Ok(None)).unwrap_or(Ok(None))
}

/// The status of a request with these fields besides its host.
fn status_of(fields: &str) -> Result<Option<u64>, u16> {
    let data = format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n");
    parse(data.as_bytes()).map(|head| head.expect("a whole head").2)
}

#[test]
fn an_absolute_target_names_the_host() {
    let (_, request, _, fields) = whole(b"GET HTTP://b:1?x HTTP/1.1\r\nA: 1\r\nHost: a\r\n\r\n");
    assert_eq!(request, "GET /");
    assert_eq!(fields, [("A".to_owned(), b"1".to_vec()), ("Host".to_owned(), b"b:1".to_vec())]);
    let (_, _, _, fields) = whole(b"GET http://b/ HTTP/1.0\r\n\r\n");
    assert_eq!(fields, [("host".to_owned(), b"b".to_vec())]);
}

#[test]
fn a_body_has_one_length() {
    assert_eq!(status_of("A: b"), Ok(Some(0)));
    assert_eq!(status_of("Content-Length: 007"), Ok(Some(7)));
    assert_eq!(status_of("Content-Length: 9223372036854775807"), Ok(Some(i64::MAX as u64)));
    assert_eq!(status_of("Transfer-Encoding: Chunked"), Ok(None));
    for length in ["9223372036854775808", "99999999999999999999999", "+5", "-5", "5,5", "5 5", "0x5", ""] {
        assert_eq!(status_of(&format!("Content-Length: {length}")), Err(400), "{length}");
    }
    let digits = |count: usize| status_of(&format!("Content-Length: {}7", "0".repeat(count - 1)));
    assert_eq!((digits(19), digits(20)), (Ok(Some(7)), Err(400)), "who counts in Python takes no number of any length");
    assert_eq!(status_of("Content-Length: 5\r\nContent-Length: 5"), Err(400));
    assert_eq!(status_of("Content-Length: 5\r\nTransfer-Encoding: chunked"), Err(400));
    assert_eq!(status_of("Transfer-Encoding: identity\r\nContent-Length: 5"), Err(400));
    assert_eq!(status_of("Transfer-Encoding: gzip, chunked"), Err(501));
}

#[test]
fn limits_hold_whole_and_in_pieces() {
    let with_line = |size: usize| format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", "a".repeat(size - 26));
    let with_fields = |count: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "A: b\r\n".repeat(count - 1));
    assert!(matches!(parse(with_line(MAX_BYTES).as_bytes()), Ok(Some((MAX_BYTES, ..)))));
    assert!(matches!(parse(with_fields(MAX_FIELDS).as_bytes()), Ok(Some(_))));
    for data in [with_line(MAX_BYTES + 1), with_fields(MAX_FIELDS + 1), "\r\n".repeat(MAX_BYTES)] {
        assert_eq!(parse(data.as_bytes()), Err(431));
        assert_eq!(parse_in_pieces(data.as_bytes()), Err(431));
    }
}

fn lines() -> impl Strategy<Value = Vec<u8>> {
    const KNOWN: &[&str] = &[
        "GET / HTTP/1.1\r\n",
        "OPTIONS * HTTP/1.0\r\n",
        "PUT http://a:1/b?c HTTP/1.1\r\n",
        "GET / HTTP/2.0\r\n",
        "Host: a\r\n",
        "Content-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Connection: close\r\n",
        " folded\r\n",
        "\r\n",
        "\n",
        "GET /",
        "A: b",
        "\r",
        "\0",
    ];
    let piece = prop_oneof![
        9 => prop::sample::select(KNOWN).prop_map(|line| line.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn pieces_are_judged_as_the_whole(data in lines()) {
        prop_assert_eq!(parse(&data), parse_in_pieces(&data));
    }

    #[test]
    fn what_follows_a_head_does_not_change_it(data in lines(), behind in lines()) {
        if let Ok(Some(head)) = parse(&data) {
            let size = head.0;
            prop_assert_eq!(parse(&[&data[..size], &behind].concat()), Ok(Some(head)));
        }
    }
}
