//! The head of an answer, and how the body behind it is framed.

use crate::Version;
use crate::facts::{content_length, tokens};
use http::StatusCode;

/// How the end of an answer's body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFraming {
    /// By its Content-Length.
    Length,
    /// By its last chunk.
    Chunked,
    /// By the end of the connection.
    Close,
    /// There is none, whatever the application gives.
    None,
}

/// What an answer is to, and what it is.
pub struct Response<'a> {
    /// From 100 to 599.
    pub status: u16,
    /// The method of the request.
    pub request_method: &'a str,
    /// The version of the request.
    pub version: Version,
    /// Whether the connection may stay open.
    pub keeps_alive: bool,
}

/// A head that is written field by field, in one pass.
pub struct ResponseHead {
    bytes: Vec<u8>,
    status: u16,
    is_head: bool,
    version: Version,
    keeps_alive: bool,
    has_length: bool,
    has_date: bool,
}

impl ResponseHead {
    /// Begin with the status line. Raises a sentence for a status out of range.
    pub fn new(response: &Response<'_>) -> Result<Self, String> {
        let status = response.status;
        if !(100..=599).contains(&status) {
            return Err(format!("the status of an answer is from 100 to 599, not {status}"));
        }
        let reason = StatusCode::from_u16(status).ok().and_then(|code| code.canonical_reason()).unwrap_or_default();
        let mut bytes = Vec::with_capacity(512);
        bytes.extend_from_slice(b"HTTP/1.1 ");
        bytes
            .extend([status / 100, status / 10 % 10, status % 10].map(|digit| b'0' + u8::try_from(digit).unwrap_or(0)));
        bytes.push(b' ');
        bytes.extend_from_slice(reason.as_bytes());
        bytes.extend_from_slice(b"\r\n");
        let (has_length, has_date) = (false, false);
        let is_head = response.request_method == "HEAD";
        let (version, keeps_alive) = (response.version, response.keeps_alive);
        Ok(Self { bytes, status, is_head, version, keeps_alive, has_length, has_date })
    }

    /// Add a field of the application's. Raises a sentence for one that an application must not give.
    pub fn field(&mut self, name: &[u8], value: &[u8]) -> Result<(), String> {
        check(name, value)?;
        let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        match name.len() {
            4 if is("date") => self.has_date = true,
            10 if is("connection") && self.note_connection(value) => return Ok(()),
            14 if is("content-length") && !self.note_length(value)? => return Ok(()),
            17 if is("transfer-encoding") => return Err("an application gives no Transfer-Encoding".to_owned()),
            _ => (),
        }
        self.write(name, value);
        Ok(())
    }

    /// Add the fields of the server's. Returns the head, the framing of the body and whether the connection stays open.
    pub fn finish(mut self, date: &[u8]) -> Result<(Vec<u8>, BodyFraming, bool), String> {
        if self.is_interim() {
            self.bytes.extend_from_slice(b"\r\n");
            return Ok((self.bytes, BodyFraming::None, self.keeps_alive));
        }
        if !self.has_date {
            check(b"date", date)?;
            self.write(b"date", date);
        }
        let framing = self.framing();
        if framing == BodyFraming::Chunked {
            self.write(b"transfer-encoding", b"chunked");
        }
        let keeps_alive = self.keeps_alive && framing != BodyFraming::Close;
        match (keeps_alive, self.version) {
            (false, _) => self.write(b"connection", b"close"),
            (true, Version::Http10) => self.write(b"connection", b"keep-alive"),
            (true, Version::Http11) => (),
        }
        self.bytes.extend_from_slice(b"\r\n");
        Ok((self.bytes, framing, keeps_alive))
    }

    /// An answer that another one follows, or another protocol: what it says is the application's alone.
    const fn is_interim(&self) -> bool {
        self.status < 200
    }

    const fn framing(&self) -> BodyFraming {
        match (self.is_head || matches!(self.status, 204 | 304), self.has_length, self.version) {
            (true, _, _) => BodyFraming::None,
            (_, true, _) => BodyFraming::Length,
            (_, _, Version::Http11) => BodyFraming::Chunked,
            (_, _, Version::Http10) => BodyFraming::Close,
        }
    }

    /// Whether the field is the server's to write, since it says how long the connection lasts.
    fn note_connection(&mut self, value: &[u8]) -> bool {
        let closes = tokens(value).any(|token| token.eq_ignore_ascii_case(b"close"));
        self.keeps_alive &= !closes;
        let stays = tokens(value).any(|token| token.eq_ignore_ascii_case(b"keep-alive"));
        !self.is_interim() && (closes || stays)
    }

    /// Whether the field may be sent: RFC 9110, 8.6 forbids it in answers that never have a body.
    fn note_length(&mut self, value: &[u8]) -> Result<bool, String> {
        content_length(value).map_err(|error| error.to_string())?;
        if std::mem::replace(&mut self.has_length, true) {
            return Err("an application gives one Content-Length".to_owned());
        }
        Ok(!self.is_interim() && self.status != 204)
    }

    fn write(&mut self, name: &[u8], value: &[u8]) {
        for part in [name, b": ", value, b"\r\n"] {
            self.bytes.extend_from_slice(part);
        }
    }
}

fn check(name: &[u8], value: &[u8]) -> Result<(), String> {
    let shown = name.escape_ascii();
    if name.is_empty() || !name.iter().all(|&byte| is_token_byte(byte)) {
        return Err(format!("no name of a header field: \"{shown}\""));
    }
    if value.iter().any(|&byte| byte.is_ascii_control() && byte != b'\t') {
        return Err(format!("the value of \"{shown}\" holds a control character"));
    }
    Ok(())
}

const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        )
}
