//! JSON as Python's `json.dumps(…, indent=4)` writes it: four spaces, `repr` floats, ASCII only.

use std::io;

use serde_json::ser::{Formatter, PrettyFormatter};

use crate::python::repr;

pub(super) struct Python(PrettyFormatter<'static>);

impl Python {
    pub(super) fn new() -> Self {
        Self(PrettyFormatter::with_indent(b"    "))
    }
}

impl Formatter for Python {
    fn write_f64<W: ?Sized + io::Write>(&mut self, out: &mut W, value: f64) -> io::Result<()> {
        out.write_all(repr(value).as_bytes())
    }

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        for c in fragment.chars() {
            if matches!(c, ' '..='~') {
                out.write_all(&[c as u8])?;
            } else {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    write!(out, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_array(out)
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array(out)
    }

    fn begin_array_value<W: ?Sized + io::Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(out, first)
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array_value(out)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object(out)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object(out)
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(out, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object_value(out)
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object_value(out)
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;

    #[test]
    fn text_and_numbers_are_those_of_python() {
        let mut out = Vec::new();
        let value = (1e16, 12.0, "é \"\n\u{7f} 😀", serde_json::json!({"a": [], "b": {}}));
        value.serialize(&mut serde_json::Serializer::with_formatter(&mut out, Python::new())).unwrap();
        // What `json.dumps((1e16, 12.0, "…", {"a": [], "b": {}}), indent=4)` returns.
        let expected = "[\n    1e+16,\n    12.0,\n    \"\\u00e9 \\\"\\n\\u007f \\ud83d\\ude00\",\n    {\n        \"a\": [],\n        \"b\": {}\n    }\n]";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
