//! Words of suites and servers as plain text in GitHub-flavoured Markdown.
//!
//! Whatever could mean something becomes a numeric character reference, which Markdown reads as the character and never as
//! markup. GitHub looks for mentions and references in the finished page too, so there a zero-width space keeps `@` and
//! `#` from what follows; within `code` it does not look.

/// Longer texts are cut: a comment has to stay short.
const LONGEST: usize = 600;

/// `words` as text: no markup, no link, no mention.
pub(super) fn text(words: &str) -> String {
    escaped(words, true)
}

/// `words` as code, in which nothing is markup.
pub(super) fn code(words: &str) -> String {
    format!("<code>{}</code>", escaped(words, false))
}

fn escaped(words: &str, apart: bool) -> String {
    let mut out = String::with_capacity(words.len() + 16);
    let mut before = ['\0'; 3];
    let mut chars = words.chars().enumerate().peekable();
    while let Some((position, c)) = chars.next() {
        let ends = chars.peek().is_none_or(|(_, next)| *next == ' ');
        if position == LONGEST {
            out.push('…');
            break;
        }
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            c if c.is_control() || overrides_direction(c) => {
                out.extend(c.escape_unicode().flat_map(reference));
            }
            '.' if before.iter().all(|c| c.eq_ignore_ascii_case(&'w')) => out.extend(reference(c)),
            ':' if ends => out.push(':'),
            c if c.is_ascii_punctuation() && !harmless(c) => out.extend(reference(c)),
            c => out.push(c),
        }
        if apart && matches!(c, '@' | '#') {
            out += "&#8203;";
        }
        before = [before[1], before[2], c];
    }
    out
}

/// Within a line these mean nothing.
fn harmless(c: char) -> bool {
    matches!(c, '.' | ',' | ';' | '-' | '/' | '%' | '=' | '?' | '\'' | '(' | ')')
}

/// Characters that show a text in another order than it is written.
fn overrides_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A letter or digit as it is, anything else as a numeric character reference.
fn reference(c: char) -> impl Iterator<Item = char> {
    let text = if c.is_ascii_alphanumeric() { c.to_string() } else { format!("&#{};", u32::from(c)) };
    text.chars().collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_is_markup() {
        let hostile = "a|b`c` <b>**x**</b> [t](http://h) ![i](//h) $m$ ~~s~~ :tada: &amp; _u_ \\|";
        let shown = text(hostile);
        for markup in ['|', '`', '<', '>', '*', '[', ']', '!', '$', '~', '_', '\\'] {
            assert!(!shown.contains(markup), "{markup} in {shown}");
        }
        assert!(shown.contains("&#38;amp;") && shown.contains("&#58;tada"), "{shown}");
        assert_eq!(text("p95 < 500ms, 0.5% (95 %)"), "p95 &#60; 500ms, 0.5% (95 %)");
    }

    #[test]
    fn a_name_stays_in_its_line_and_order() {
        assert_eq!(text("a\r\n| b"), "a  &#124; b");
        assert_eq!(
            code("x\u{202e}y\u{1b}[2J"),
            "<code>x&#92;u&#123;202e&#125;y&#92;u&#123;1b&#125;&#91;2J</code>"
        );
    }

    #[test]
    fn nobody_is_mentioned_and_nothing_is_linked() {
        assert_eq!(text("@team #12 www.h.example"), "&#64;&#8203;team &#35;&#8203;12 www&#46;h.example");
        assert_eq!(code("@team"), "<code>&#64;team</code>");
        assert_eq!(text("http://h"), "http&#58;//h");
        assert_eq!(text("spike: it ended"), "spike: it ended");
    }

    #[test]
    fn a_long_text_is_cut() {
        assert_eq!(text(&"x".repeat(5_000)).chars().count(), LONGEST + 1);
    }
}
