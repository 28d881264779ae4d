//! Content codings: gzip, deflate, br, zstd. Only for bodies somebody wants; the decoded size is bounded.

use std::io::{self, Read};

/// A coding that can be undone here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Encoding {
    /// The coding named by a `Content-Encoding` value; `None` for `identity`, unknown ones and stacks of several.
    pub(crate) fn of(value: &[u8]) -> Option<Self> {
        [
            (&b"gzip"[..], Self::Gzip),
            (b"x-gzip", Self::Gzip),
            (b"deflate", Self::Deflate),
            (b"br", Self::Brotli),
            (b"zstd", Self::Zstd),
        ]
        .into_iter()
        .find(|(name, _)| value.eq_ignore_ascii_case(name))
        .map(|(_, encoding)| encoding)
    }
}

/// The window a sender of HTTP may ask for (RFC 9659); more is refused before memory is reserved.
const ZSTD_WINDOW_BYTES: u64 = 8 << 20;

/// Why a body does not decode.
#[derive(Debug, thiserror::Error)]
#[error("{encoding:?}: {source}")]
pub(crate) struct DecodeError {
    encoding: Encoding,
    source: io::Error,
}

/// Appends the decoded bytes to `out`, up to `limit` of them; true when that was all.
pub(crate) fn decode(
    encoding: Encoding,
    input: &[u8],
    out: &mut Vec<u8>,
    limit: usize,
) -> Result<bool, DecodeError> {
    let result = match encoding {
        Encoding::Gzip => read_up_to(flate2::read::MultiGzDecoder::new(input), out, limit),
        // "deflate" means zlib's format; some servers send the bare stream, which every browser accepts.
        Encoding::Deflate if is_zlib(input) => read_up_to(flate2::read::ZlibDecoder::new(input), out, limit),
        Encoding::Deflate => read_up_to(flate2::read::DeflateDecoder::new(input), out, limit),
        Encoding::Brotli => read_up_to(brotli_decompressor::Decompressor::new(input, 4096), out, limit),
        Encoding::Zstd => zstd(input, out, limit),
    };
    result.map_err(|source| DecodeError { encoding, source })
}

fn read_up_to(reader: impl Read, out: &mut Vec<u8>, limit: usize) -> io::Result<bool> {
    // One byte more than wanted tells "all of it" from "cut off".
    reader.take(limit as u64 + 1).read_to_end(out)?;
    let complete = out.len() <= limit;
    out.truncate(limit);
    Ok(complete)
}

/// A body may be several frames in a row (RFC 8878 §3.1).
fn zstd(mut input: &[u8], out: &mut Vec<u8>, limit: usize) -> io::Result<bool> {
    while !input.is_empty() {
        let decoder =
            ruzstd::decoding::StreamingDecoder::new_with_max_window_size(&mut input, ZSTD_WINDOW_BYTES)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
        let room = limit.saturating_sub(out.len());
        decoder.take(room as u64 + 1).read_to_end(out)?;
        if out.len() > limit {
            out.truncate(limit);
            return Ok(false);
        }
    }
    Ok(true)
}

/// RFC 1950: method 8, and the first two bytes a multiple of 31.
fn is_zlib(input: &[u8]) -> bool {
    matches!(input, [a, b, ..] if a & 0x0f == 8 && (u16::from(*a) * 256 + u16::from(*b)).is_multiple_of(31))
}

#[cfg(test)]
mod tests;
