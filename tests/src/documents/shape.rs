//! Whether a program printed what a document shows: the same words, other numbers.

/// A line without what differs from run to run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Shape(Vec<String>);

impl Shape {
    /// The words of a line. Numbers, hashes, addresses, times and lists in brackets are all alike; names of
    /// validators are words.
    pub fn of(line: &str) -> Self {
        let mut words: Vec<String> = Vec::new();
        let mut inside = false;
        for word in line.split_whitespace() {
            let opens = word.starts_with('(');
            if inside || opens {
                // What is in brackets is one word, however long.
                if opens {
                    words.push("(…)".into());
                }
                inside = !word.trim_end_matches(['.', ',', ':', ';']).ends_with(')');
            } else {
                words.push(form(word));
            }
        }
        Self(words)
    }

    /// Whether a printed line has this form. `…` at the end of a shown line stands for all that follows.
    fn shows(&self, printed: &Self) -> bool {
        match self.0.split_last() {
            Some((last, first)) if last == "…" => printed.0.starts_with(first),
            _ => self == printed,
        }
    }
}

/// A word, or what stands for all words of its kind.
fn form(word: &str) -> String {
    let core = word.trim_matches(|sign: char| !sign.is_alphanumeric() && sign != '…');
    let validator = core.strip_prefix('v').is_some_and(|digits| {
        digits.len() == 1 && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    let varies = core.contains(|sign: char| sign.is_ascii_digit())
        || core.starts_with("lgt1")
        || (core.contains('…') && core.len() > '…'.len_utf8());
    if varies && !validator { "#".into() } else { word.to_owned() }
}

/// The first shown line that was not printed, in the order of the lines. A shown line `…` stands for any
/// lines, which need not be said: others may always stand between.
pub fn missing<'a>(shown: &'a [String], printed: &str) -> Option<&'a str> {
    let mut printed = printed.lines().map(Shape::of);
    shown.iter().map(String::as_str).filter(|line| line.trim() != "…").find(|line| {
        let shape = Shape::of(line);
        !printed.any(|printed| shape.shows(&printed))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_may_differ_and_words_may_not() {
        let printed = "  ✔ final   block 6 · 19 ms   tx 5c01…a422\n  certificate 3/4 (v0 v1 v3)   verified\nv3 stopped";
        let shows = |line: &str| missing(&[line.to_owned()], printed).is_none();
        assert!(shows("✔ final block 52 · 7 ms tx 8f3c…21aa"));
        assert!(shows("certificate 4/4 (v0 v1 v2 v3) verified"));
        assert!(shows("v3 stopped"));
        assert!(shows("✔ final block 52 · …"));
        assert!(!shows("✔ final block 52 · …  more"));
        assert!(!shows("v2 stopped"));
        assert!(!shows("certificate 4/4 (v0 v1 v2 v3)"));
        assert!(!shows("✔ pending block 52 · 7 ms tx 8f3c…21aa"));
    }

    #[test]
    fn lines_are_printed_in_the_order_shown() {
        let lines =
            |lines: &[&str]| -> Vec<String> { lines.iter().map(|line| (*line).into()).collect() };
        assert_eq!(missing(&lines(&["a", "…", "c"]), "a\nb\nc"), None);
        assert_eq!(missing(&lines(&["c", "a"]), "a\nb\nc"), Some("a"));
    }
}
