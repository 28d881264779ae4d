//! A response as a caller keeps it, when a step captures or checks something.

use crate::decode;
use crate::response::HeadInfo;

/// Head and body of the last response, in buffers that are reused: [`Captured::clear`] keeps their memory.
///
/// Contents are whole only after `send` returned `Ok`.
#[derive(Debug, Default)]
pub struct Captured {
    head: Vec<u8>,
    body: Vec<u8>,
    /// The body before decoding; swapped with `body`, so that both are reused.
    encoded: Vec<u8>,
    truncated: bool,
    /// A body that does not decode is no failure: somebody only wants to see what came.
    lenient: bool,
}

impl Captured {
    /// The body, decoded.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body was longer than the bound; the rest was dropped.
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// The whole head: status line, headers, the empty line.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// The header's first value, trimmed; names compare without case.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers().find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
    }

    /// Names and trimmed values, in the order sent.
    pub fn headers(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.head.split(|&byte| byte == b'\n').skip(1).filter_map(|line| {
            let colon = line.iter().position(|&byte| byte == b':')?;
            Some((line[..colon].trim_ascii(), line[colon + 1..].trim_ascii()))
        })
    }

    /// Forgets the response, keeps the memory.
    pub fn clear(&mut self) {
        self.head.clear();
        self.body.clear();
        self.encoded.clear();
        self.truncated = false;
    }

    /// Bytes of memory held.
    pub(crate) fn capacity(&self) -> usize {
        self.head.capacity() + self.body.capacity() + self.encoded.capacity()
    }

    pub(crate) fn set_lenient(&mut self, lenient: bool) {
        self.lenient = lenient;
    }

    pub(crate) fn set_head(&mut self, raw: &[u8]) {
        self.clear();
        self.head.extend_from_slice(raw);
    }

    pub(crate) fn push(&mut self, bytes: &[u8], limit: usize) {
        let take = bytes.len().min(limit.saturating_sub(self.body.len()));
        self.truncated |= take < bytes.len();
        self.body.extend_from_slice(&bytes[..take]);
    }

    /// The body is complete: decodes it, if it is encoded.
    pub(crate) fn finish(&mut self, info: &HeadInfo, limit: usize) -> Result<(), decode::DecodeError> {
        let Some(encoding) = info.encoding else { return Ok(()) };
        if self.body.is_empty() {
            return Ok(());
        }
        std::mem::swap(&mut self.body, &mut self.encoded);
        self.body.clear();
        match decode::decode(encoding, &self.encoded, &mut self.body, limit) {
            Ok(complete) => {
                self.truncated |= !complete;
                Ok(())
            }
            // What was cut off here cannot decode to its end.
            Err(_) if self.truncated || self.lenient => Ok(()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_found_by_name() {
        let mut captured = Captured::default();
        captured.set_head(b"HTTP/1.1 200 OK: fine\r\nX-A:  one \r\nx-b: two:three\r\nX-A: again\r\n\r\n");
        assert_eq!(captured.header("x-a"), Some(&b"one"[..]));
        assert_eq!(captured.header("X-B"), Some(&b"two:three"[..]));
        assert_eq!(captured.header("X-C"), None);
        assert_eq!(captured.headers().count(), 3);
    }

    #[test]
    fn keeps_up_to_the_limit() {
        let mut captured = Captured::default();
        captured.push(b"12345", 8);
        assert!(!captured.is_truncated());
        captured.push(b"67890", 8);
        assert_eq!((captured.body(), captured.is_truncated()), (&b"12345678"[..], true));
    }
}
