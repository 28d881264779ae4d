use super::*;
use proptest::prelude::*;
use std::io::Write;

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn zlib(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn raw_deflate(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn brotli(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    brotli::BrotliCompress(&mut &*data, &mut out, &brotli::enc::BrotliEncoderParams::default()).unwrap();
    out
}

fn zstd_frame(data: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(data, ruzstd::encoding::CompressionLevel::Fastest)
}

type Encode = fn(&[u8]) -> Vec<u8>;

fn encodings() -> Vec<(Encoding, Encode)> {
    vec![
        (Encoding::Gzip, gzip),
        (Encoding::Deflate, zlib),
        (Encoding::Deflate, raw_deflate),
        (Encoding::Brotli, brotli),
        (Encoding::Zstd, zstd_frame),
    ]
}

#[test]
fn undoes_every_encoding() {
    let text = b"the squall came out of the north, and the north, and the north ".repeat(50);
    for (encoding, encode) in encodings() {
        let encoded = encode(&text);
        assert_ne!(encoded, text);
        let mut out = Vec::new();
        assert!(decode(encoding, &encoded, &mut out, 1 << 20).unwrap());
        assert_eq!(out, text, "{encoding:?}");
    }
}

#[test]
fn several_members_in_a_row_are_one_body() {
    for (encoding, encode) in [(Encoding::Gzip, gzip as Encode), (Encoding::Zstd, zstd_frame)] {
        let mut out = Vec::new();
        let body = [encode(b"one "), encode(b"two")].concat();
        assert!(decode(encoding, &body, &mut out, 100).unwrap());
        assert_eq!(out, b"one two");
    }
}

#[test]
fn bombs_are_bounded() {
    let zeros = vec![0; 1 << 20];
    for (encoding, encode) in encodings() {
        let mut out = Vec::new();
        assert!(!decode(encoding, &encode(&zeros), &mut out, 1000).unwrap(), "{encoding:?}");
        assert_eq!(out.len(), 1000);
        assert!(out.capacity() < 64 << 10, "{encoding:?} reserved {}", out.capacity());
    }
}

#[test]
fn damage_is_an_error() {
    for (encoding, encode) in encodings() {
        let encoded = encode(&b"some text that is long enough to be cut in two".repeat(9));
        let half = &encoded[..encoded.len() / 2];
        assert!(decode(encoding, half, &mut Vec::new(), 1 << 20).is_err(), "{encoding:?}");
    }
    let error = decode(Encoding::Gzip, b"<html>", &mut Vec::new(), 100).unwrap_err();
    assert!(error.to_string().starts_with("Gzip: "), "{error}");
}

#[test]
fn names_of_encodings() {
    assert_eq!(Encoding::of(b"GZIP"), Some(Encoding::Gzip));
    assert_eq!(Encoding::of(b"br"), Some(Encoding::Brotli));
    for other in ["identity", "", "gzip, br", "compress"] {
        assert_eq!(Encoding::of(other.as_bytes()), None);
    }
}

proptest! {
    #[test]
    fn never_panics(data in prop::collection::vec(any::<u8>(), 0..200)) {
        for encoding in [Encoding::Gzip, Encoding::Deflate, Encoding::Brotli, Encoding::Zstd] {
            let _ = decode(encoding, &data, &mut Vec::new(), 1 << 16);
        }
    }

    #[test]
    fn never_panics_on_damage(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        for (encoding, encode) in encodings() {
            let mut encoded = encode(b"something to be damaged, something to be damaged");
            let at = at.index(encoded.len());
            encoded[at] = byte;
            let _ = decode(encoding, &encoded, &mut Vec::new(), 1 << 16);
        }
    }
}
