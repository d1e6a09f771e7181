//! A chunked body (RFC 9112, 7.1), in whatever pieces it arrives.

use crate::{Error, MAX_LENGTH, Result};
use httparse::{EMPTY_HEADER, Status};
use memchr::memchr;

/// Takes the payload out of a chunked body. Holds an unfinished line and nothing else.
pub struct ChunkedBody {
    state: State,
    line: Vec<u8>,
    max_line_bytes: usize,
    trailer_bytes_left: usize,
    max_trailer_bytes: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// In the line with the size of a chunk.
    Size,
    /// In the payload of a chunk, of which so much is missing.
    Payload(u64),
    /// In the line end after a chunk.
    PayloadEnd,
    /// In the trailer section.
    Trailers,
    /// Behind the last byte.
    Complete,
    /// Refused; it stays so.
    Failed(Error),
}

impl ChunkedBody {
    /// The limits: of the line with a chunk's size and extensions, and of the trailer section, line ends counted.
    pub fn new(max_line_bytes: usize, max_trailer_bytes: usize) -> Self {
        let line = Vec::new();
        Self { state: State::Size, line, max_line_bytes, trailer_bytes_left: max_trailer_bytes, max_trailer_bytes }
    }

    /// Whether the last byte of the body has been read.
    pub fn is_complete(&self) -> bool {
        self.state == State::Complete
    }

    /// Read what arrived next: the runs of payload in it, and how many bytes belong to the body.
    /// Raises 400; what came before the fault is not to be used then.
    pub fn read<'a>(&mut self, data: &'a [u8]) -> Result<(Vec<&'a [u8]>, usize)> {
        let mut runs = Vec::new();
        let mut rest = data;
        while !rest.is_empty() && !self.is_complete() {
            match self.step(rest) {
                Ok((run, used)) => {
                    runs.extend(run);
                    rest = &rest[used..];
                }
                Err(error) => {
                    self.state = State::Failed(error.clone());
                    return Err(error);
                }
            }
        }
        Ok((runs, data.len() - rest.len()))
    }

    fn step<'a>(&mut self, data: &'a [u8]) -> Result<(Option<&'a [u8]>, usize)> {
        match &self.state {
            State::Payload(left) => {
                let left = *left;
                Ok(self.payload(data, left))
            }
            State::Size => self.line(data, self.max_line_bytes, Self::size_line).map(|used| (None, used)),
            State::PayloadEnd => self.line(data, 2, Self::payload_end).map(|used| (None, used)),
            State::Trailers => self.line(data, self.trailer_bytes_left, Self::trailer).map(|used| (None, used)),
            State::Complete => Ok((None, 0)),
            State::Failed(error) => Err(error.clone()),
        }
    }

    fn payload<'a>(&mut self, data: &'a [u8], left: u64) -> (Option<&'a [u8]>, usize) {
        let run = usize::try_from(left).map_or(data, |left| &data[..left.min(data.len())]);
        let left = left - run.len() as u64;
        self.state = if left == 0 { State::PayloadEnd } else { State::Payload(left) };
        (Some(run), run.len())
    }

    /// Hand a line to `then`, with its end, once it is there; most lines are there at once and are not copied.
    fn line(&mut self, data: &[u8], max_bytes: usize, then: fn(&mut Self, &[u8]) -> Result<()>) -> Result<usize> {
        let end = memchr(b'\n', data);
        let used = end.map_or(data.len(), |end| end + 1);
        // A line without its end has at least one byte more.
        if self.line.len() + used + usize::from(end.is_none()) > max_bytes {
            return Err(self.over(max_bytes));
        }
        if end.is_none() || !self.line.is_empty() {
            self.line.extend_from_slice(&data[..used]);
        }
        if end.is_some() {
            let line = std::mem::take(&mut self.line);
            then(self, if line.is_empty() { &data[..used] } else { &line })?;
        }
        Ok(used)
    }

    fn over(&self, max_bytes: usize) -> Error {
        match self.state {
            State::PayloadEnd => Error::bad("a chunk is longer than its size says"),
            State::Trailers => Error::bad(format!("the trailers are longer than {} bytes", self.max_trailer_bytes)),
            _ => Error::bad(format!("the line with the size of a chunk is longer than {max_bytes} bytes")),
        }
    }

    fn size_line(&mut self, line: &[u8]) -> Result<()> {
        self.state = match chunk_size(without_end(line)?)? {
            0 => State::Trailers,
            size => State::Payload(size),
        };
        Ok(())
    }

    fn payload_end(&mut self, line: &[u8]) -> Result<()> {
        if line != b"\r\n" {
            return Err(Error::bad("a chunk is not followed by CR and LF"));
        }
        self.state = State::Size;
        Ok(())
    }

    fn trailer(&mut self, line: &[u8]) -> Result<()> {
        self.trailer_bytes_left -= line.len();
        if without_end(line)?.is_empty() {
            self.state = State::Complete;
            return Ok(());
        }
        let mut fields = [EMPTY_HEADER];
        match httparse::parse_headers(&[line, b"\r\n"].concat(), &mut fields) {
            Ok(Status::Complete((_, [_]))) => Ok(()),
            _ => Err(Error::bad("a trailer field is malformed")),
        }
    }
}

fn without_end(line: &[u8]) -> Result<&[u8]> {
    line.strip_suffix(b"\r\n").ok_or_else(|| Error::bad("a line of the chunked body ends with a bare LF"))
}

/// httparse takes an empty size, and blanks behind it; a proxy may read those otherwise.
fn chunk_size(line: &[u8]) -> Result<u64> {
    let bad = || Error::bad(format!("the size of a chunk is not a hexadecimal number up to {MAX_LENGTH:x}"));
    let digits = line.iter().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(line.len());
    if digits == 0 || digits > 16 || !is_extension(&line[digits..]) {
        return Err(bad());
    }
    let size = std::str::from_utf8(&line[..digits]).ok().and_then(|digits| u64::from_str_radix(digits, 16).ok());
    size.filter(|size| *size <= MAX_LENGTH).ok_or_else(bad)
}

/// Nothing, or what a ";" begins; it is skipped, but it may not hide a control character. Blanks before the ";" must not be
/// sent (RFC 9112, 7.1.1), and servers disagree on them.
fn is_extension(rest: &[u8]) -> bool {
    let plain = |byte: &u8| !byte.is_ascii_control() || *byte == b'\t';
    rest.first().is_none_or(|first| *first == b';') && rest.iter().all(plain)
}
