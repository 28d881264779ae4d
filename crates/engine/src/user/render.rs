//! Filling templates: bytes appended to a buffer that is used again.

use std::time::Duration;

use rand::RngExt;
use rand::rngs::SmallRng;
use squall_core::Slot as UserSlot;
use squall_plan::{Escape, Part, PickFrom, Slot, Template};

use crate::clock::RunClock;
use crate::program::{Program, WORDS};

/// What a template may refer to.
pub(super) struct Scope<'a> {
    pub(super) program: &'a Program,
    pub(super) slot: UserSlot,
    pub(super) vars: &'a [Vec<String>],
    pub(super) rows: &'a [u32],
    pub(super) rng: &'a mut SmallRng,
    pub(super) clock: &'a RunClock,
}

impl Scope<'_> {
    /// Append `template` to `out`.
    pub(super) fn render(&mut self, template: &Template, out: &mut Vec<u8>) {
        for part in &template.parts {
            match part {
                Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                Part::Slot { slot, escape } => self.slot(slot, *escape, out),
            }
        }
    }

    fn slot(&mut self, slot: &Slot, escape: Escape, out: &mut Vec<u8>) {
        match slot {
            Slot::Var(var) => {
                let value = self.vars[usize::from(var.0)].first().map_or("", String::as_str);
                push(value, escape, out);
            }
            Slot::Pick(PickFrom::Var(var)) => {
                let values = &self.vars[usize::from(var.0)];
                if !values.is_empty() {
                    push(&values[self.rng.random_range(0..values.len())], escape, out);
                }
            }
            Slot::Pick(PickFrom::Feed(feed)) => {
                let rows = &self.program.plan.feeds[*feed].rows;
                if !rows.is_empty() {
                    let row = &rows[self.rng.random_range(0..rows.len())];
                    push(row.first().map_or("", String::as_str), escape, out);
                }
            }
            Slot::Field { feed, column } => {
                let rows = &self.program.plan.feeds[*feed].rows;
                let row = rows.get(self.rows[*feed] as usize);
                push(row.and_then(|row| row.get(*column)).map_or("", String::as_str), escape, out);
            }
            Slot::UserId => {
                push(&self.program.plan.classes[self.slot.class.index()].name, escape, out);
                out.push(b'-');
                integer(i64::from(self.slot.index), out);
            }
            Slot::UserIndex => integer(i64::from(self.slot.index), out),
            Slot::Int(low, high) => integer(self.rng.random_range(*low..=*high), out),
            Slot::Word => push(WORDS[self.rng.random_range(0..WORDS.len())], escape, out),
            Slot::Uuid => uuid(self.rng.random(), out),
            Slot::Now => {
                let text = timestamp(self.clock.since_epoch(self.clock.now()));
                push(std::str::from_utf8(&text).unwrap_or(""), escape, out);
            }
            Slot::Env(secret) => push(secret.expose(), escape, out),
        }
    }
}

/// Append `value`, made safe for its surroundings.
fn push(value: &str, escape: Escape, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    match escape {
        Escape::Raw => out.extend_from_slice(value.as_bytes()),
        Escape::Header => out.extend(value.bytes().filter(|byte| !byte.is_ascii_control())),
        Escape::Percent => {
            for byte in value.bytes() {
                // The unreserved characters of RFC 3986 §2.3.
                if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                    out.push(byte);
                } else {
                    out.extend([b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
                }
            }
        }
        Escape::JsonString => {
            for byte in value.bytes() {
                match byte {
                    b'"' | b'\\' => out.extend([b'\\', byte]),
                    b'\n' => out.extend(b"\\n"),
                    0..0x20 => {
                        out.extend(b"\\u00");
                        out.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
                    }
                    _ => out.push(byte),
                }
            }
        }
    }
}

fn integer(value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// A version 4 UUID (RFC 9562 §5.4) of 128 random bits.
fn uuid(random: u128, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let bits = (random & !(0xF << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    for (position, byte) in bits.to_be_bytes().into_iter().enumerate() {
        if matches!(position, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        out.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
    }
}

/// ISO 8601 in UTC with milliseconds, of a time since the Unix epoch.
fn timestamp(since_epoch: Duration) -> [u8; 24] {
    let seconds = since_epoch.as_secs();
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil_from_days(days);
    let mut text = *b"0000-00-00T00:00:00.000Z";
    let fields = [
        (0..4, year),
        (5..7, month),
        (8..10, day),
        (11..13, rest / 3600),
        (14..16, rest / 60 % 60),
        (17..19, rest % 60),
        (20..23, u64::from(since_epoch.subsec_millis())),
    ];
    for (place, mut value) in fields {
        for digit in text[place].iter_mut().rev() {
            *digit = b'0' + (value % 10) as u8;
            value /= 10;
        }
    }
    text
}

/// Date of a day counted from 1970-01-01 (H. Hinnant, "chrono-compatible low-level date algorithms").
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let z = days + 719_468;
    let era = z / 146_097;
    let day_of_era = z % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(value: &str, escape: Escape) -> String {
        let mut out = Vec::new();
        push(value, escape, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_cannot_break_out_of_their_surroundings() {
        assert_eq!(pushed("a b/ü?", Escape::Percent), "a%20b%2F%C3%BC%3F");
        assert_eq!(pushed("say \"hi\"\\\n\u{1}", Escape::JsonString), r#"say \"hi\"\\\n\u0001"#);
        assert_eq!(pushed("x\r\nEvil: 1", Escape::Header), "xEvil: 1");
        assert_eq!(pushed("x\r\n", Escape::Raw), "x\r\n");
    }

    #[test]
    fn uuids_are_version_4() {
        let mut out = Vec::new();
        uuid(u128::MAX, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }

    #[test]
    fn timestamps_are_iso_8601() {
        let at = |ms| String::from_utf8(timestamp(Duration::from_millis(ms)).to_vec()).unwrap();
        assert_eq!(at(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(at(951_782_400_123), "2000-02-29T00:00:00.123Z");
        assert_eq!(at(1_795_439_669_000), "2026-11-23T13:14:29.000Z");
    }
}
