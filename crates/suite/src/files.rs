//! Reading what a suite names: regular files only, and never more of one than makes sense.
//!
//! A pipe would make the reader wait for ever, a device has no end, and a file may grow while it is read.

use std::fs::File;
use std::io::{Error, ErrorKind, Read as _};
use std::path::Path;

/// The bytes of the file at `path`, or why there are none, in words that follow the name of the file.
pub(crate) fn read(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let failed = |error: &Error| format!("cannot be read: {}", plain(error));
    // Asked before it is opened: opening a pipe waits for somebody to write to it.
    let data = std::fs::metadata(path).map_err(|e| failed(&e))?;
    if data.is_dir() {
        return Err(failed(&ErrorKind::IsADirectory.into()));
    }
    if !data.is_file() {
        return Err("is not a regular file".to_owned());
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|e| failed(&e))?;
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(|e| failed(&e))?;
    if bytes.len() as u64 > most {
        return Err(format!("is larger than {}", size(most)));
    }
    Ok(bytes)
}

/// The same, which has to be text.
pub(crate) fn read_text(path: &Path, most: u64) -> Result<String, String> {
    String::from_utf8(read(path, most)?).map_err(|_| "is not UTF-8".to_owned())
}

fn size(bytes: u64) -> String {
    if bytes >= 1 << 20 { format!("{} MiB", bytes >> 20) } else { format!("{} KiB", bytes >> 10) }
}

/// An I/O error in words that do not differ between systems.
fn plain(error: &Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "no such file".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        ErrorKind::IsADirectory => "it is a folder".to_owned(),
        _ => error.to_string(),
    }
}
