//! The tables on the console: the same lines, the same columns, numbers of the same form ending in the same places.

use crate::support::Answer;

use super::pair::Pair;

const REQUESTS: &str = "Type     Name     ";
const PERCENTILES: &str = "Response time percentiles (approximated)";
const ERRORS: &str = "Error report";

#[test]
fn tables_are_locusts_but_for_the_numbers() {
    let pair = Pair::new();
    let (theirs, ours) = pair.run("-u 4 -r 100 -t 5 -s 0");

    // The first table is printed before the first request: nothing differs.
    assert_eq!(first(&ours), first(&theirs));
    assert_eq!(first(&ours).len(), 4, "{ours}");

    let (theirs, ours) = (last(&theirs), last(&ours));
    assert_eq!(ours.len(), theirs.len(), "{theirs:#?}\n{ours:#?}");
    for (ours, theirs) in ours.iter().zip(&theirs) {
        if theirs.starts_with(|c: char| c.is_ascii_digit()) {
            // An error: how often, in 18 columns, then where; what it was is the program's own text.
            let place = |line: &str| line.split_at(19).1.split_once(": ").map(|(place, _)| place.to_owned());
            assert_eq!(place(ours), place(theirs));
            assert_eq!(place(ours).as_deref(), Some("GET fail"));
        } else {
            assert_eq!(layout(ours), layout(theirs), "\n{theirs}\n{ours}");
        }
    }
    let all = theirs.join("\n");
    assert!(all.contains(PERCENTILES) && all.contains(ERRORS) && all.contains("save \"a\", b"), "{all}");
}

/// The first table of requests.
fn first(answer: &Answer) -> Vec<&str> {
    let lines = answer.stderr.lines().skip_while(|line| !line.starts_with(REQUESTS));
    // The log goes on between tables.
    lines.take(4).collect()
}

/// The three tables at the end, without what Squall adds after them.
fn last(answer: &Answer) -> Vec<String> {
    let lines: Vec<&str> = answer.stderr.lines().collect();
    let percentiles = lines.iter().rposition(|line| *line == PERCENTILES).unwrap();
    let start = lines[..percentiles].iter().rposition(|line| line.starts_with(REQUESTS)).unwrap();
    let errors = lines.iter().rposition(|line| *line == ERRORS).unwrap();
    let end = errors + lines[errors..].iter().position(|line| line.is_empty()).unwrap();
    lines[start..end].iter().map(|line| (*line).to_owned()).collect()
}

/// Every word with the column it ends in, numbers without their value: `12 34(5.67%)` is `N N(N.dd%)`.
fn layout(line: &str) -> Vec<(usize, String)> {
    let mut words = Vec::new();
    let mut word = String::new();
    for (at, c) in line.chars().chain([' ']).enumerate() {
        if !c.is_whitespace() {
            word.push(c);
        } else if !word.is_empty() {
            words.push((at, form(&std::mem::take(&mut word))));
        }
    }
    words
}

/// Digits before a point are any number, those after it are counted. Heads such as `99.9%` stay as they are.
fn form(word: &str) -> String {
    if word.ends_with('%') {
        return word.to_owned();
    }
    let mut form = String::new();
    let mut decimals = false;
    for c in word.chars() {
        match c {
            '0'..='9' if decimals => form.push('d'),
            '0'..='9' if form.ends_with('N') => {}
            '0'..='9' => form.push('N'),
            _ => {
                decimals = c == '.';
                form.push(c);
            }
        }
    }
    form
}
