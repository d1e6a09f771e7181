//! Heads of answers: framing, the life of the connection, and what an application may not give.

use packhouse_http1::BodyFraming::{Chunked, Close, Length, None};
use packhouse_http1::{BodyFraming, Response, ResponseHead, Version};

const DATE: &[u8] = b"Sun, 22 Nov 2026 00:00:00 GMT";

fn encode(response: &Response<'_>, fields: &[(&str, &str)]) -> Result<(String, BodyFraming, bool), String> {
    let mut head = ResponseHead::new(response)?;
    for (name, value) in fields {
        head.field(name.as_bytes(), value.as_bytes())?;
    }
    let (bytes, framing, keeps_alive) = head.finish(DATE)?;
    Ok((String::from_utf8(bytes).expect("ASCII"), framing, keeps_alive))
}

const fn to_get(status: u16) -> Response<'static> {
    Response { status, request_method: "GET", version: Version::Http11, keeps_alive: true }
}

#[test]
fn a_head_says_how_its_body_ends() {
    let date = "date: Sun, 22 Nov 2026 00:00:00 GMT\r\n";
    let length = [("content-length", "5")];
    let whole = format!("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n{date}\r\n");
    assert_eq!(encode(&to_get(200), &length), Ok((whole, Length, true)));
    let chunked = format!("HTTP/1.1 404 Not Found\r\n{date}transfer-encoding: chunked\r\n\r\n");
    assert_eq!(encode(&to_get(404), &[]), Ok((chunked, Chunked, true)));
    let old = Response { version: Version::Http10, ..to_get(200) };
    let closing = format!("HTTP/1.1 200 OK\r\n{date}connection: close\r\n\r\n");
    assert_eq!(encode(&old, &[]), Ok((closing, Close, false)));
    let kept = format!("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n{date}connection: keep-alive\r\n\r\n");
    assert_eq!(encode(&old, &length), Ok((kept, Length, true)));
}

#[test]
fn some_answers_have_no_body() {
    let date = "date: Sun, 22 Nov 2026 00:00:00 GMT\r\n";
    let length = [("content-length", "5")];
    let to_head = Response { request_method: "HEAD", ..to_get(200) };
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n{date}\r\n");
    assert_eq!(encode(&to_head, &length), Ok((head, None, true)));
    assert_eq!(encode(&to_get(204), &length), Ok((format!("HTTP/1.1 204 No Content\r\n{date}\r\n"), None, true)));
    assert_eq!(encode(&to_get(304), &[]), Ok((format!("HTTP/1.1 304 Not Modified\r\n{date}\r\n"), None, true)));
    assert_eq!(encode(&to_get(100), &[]), Ok(("HTTP/1.1 100 Continue\r\n\r\n".to_owned(), None, true)));
    let switch = [("connection", "upgrade"), ("upgrade", "h2c")];
    let switched = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n".to_owned();
    assert_eq!(encode(&to_get(101), &switch), Ok((switched, None, true)));
}

#[test]
fn the_end_of_a_connection_is_said_once() {
    for (keeps_alive, value) in [(true, "Close"), (false, "keep-alive"), (true, "foo, close")] {
        let fields = [("connection", value), ("content-length", "0"), ("date", "x")];
        let (head, _, stays) = encode(&Response { keeps_alive, ..to_get(200) }, &fields).expect("a head");
        assert_eq!(head, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\ndate: x\r\nconnection: close\r\n\r\n");
        assert!(!stays);
    }
}

#[test]
fn an_application_cannot_break_the_message() {
    for status in [0, 99, 600, u16::MAX] {
        assert!(encode(&to_get(status), &[]).is_err(), "{status}");
    }
    let fields = [
        ("a", "b\r\nc: d"),
        ("a", "b\n"),
        ("a", "\0"),
        ("a b", "c"),
        ("a:", "b"),
        ("", "b"),
        ("é", "b"),
        ("transfer-encoding", "chunked"),
        ("content-length", "5, 5"),
    ];
    for field in fields {
        assert!(encode(&to_get(200), &[field]).is_err(), "{field:?}");
    }
    assert!(encode(&to_get(200), &[("content-length", "5"), ("Content-Length", "5")]).is_err());
}
