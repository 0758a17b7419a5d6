//! Patterns of names: `*`, `?`, `[...]` and a backslash, byte by byte as a shell in the C locale has them.

/// Whether it stands for anything but itself.
#[must_use]
pub fn is_pattern(bytes: &[u8]) -> bool {
    bytes.iter().any(|byte| matches!(byte, b'*' | b'?' | b'[' | b'\\'))
}

/// Whether a component is one that a pattern stands for. A dot at the beginning is matched by a dot alone.
#[must_use]
pub fn matches(pattern: &[u8], name: &[u8]) -> bool {
    if name.first() == Some(&b'.') && pattern.first() != Some(&b'.') {
        return pattern.starts_with(b"\\.") && matches_from(pattern, name);
    }
    matches_from(pattern, name)
}

fn matches_from(pattern: &[u8], name: &[u8]) -> bool {
    // Where the last star stood, and what it had taken: what does not fit goes back there once.
    let (mut at, mut seen) = (0, 0);
    let mut star = None;
    loop {
        if pattern.get(at) == Some(&b'*') {
            star = Some((at + 1, seen));
            at += 1;
            continue;
        }
        let fits = match name.get(seen) {
            None if at == pattern.len() => return true,
            None => None,
            Some(byte) => one(&pattern[at..], *byte),
        };
        match (fits, star) {
            (Some(length), _) => {
                at += length;
                seen += 1;
            }
            (None, Some((after, taken))) if taken < name.len() => {
                star = Some((after, taken + 1));
                (at, seen) = (after, taken + 1);
            }
            (None, _) => return false,
        }
    }
}

/// How much of the pattern stands for this byte, if its beginning does.
fn one(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern {
        [] => None,
        [b'?', ..] => Some(1),
        [b'\\', literal, ..] => (*literal == byte).then_some(2),
        [b'[', rest @ ..] => match set(rest) {
            Some((length, holds)) => holds(byte).then_some(length + 1),
            None => (byte == b'[').then_some(1),
        },
        [literal, ..] => (*literal == byte).then_some(1),
    }
}

/// A set up to its bracket: its length with that, and what it holds. `None` if no bracket ends it.
fn set(pattern: &[u8]) -> Option<(usize, impl Fn(u8) -> bool + '_)> {
    let is_negated = matches!(pattern.first(), Some(b'!' | b'^'));
    let start = usize::from(is_negated);
    // A bracket that comes first is one of the set.
    let end = pattern.iter().skip(start + 1).position(|byte| *byte == b']')? + start + 1;
    let members = &pattern[start..end];
    let holds = move |byte: u8| {
        let mut at = 0;
        let mut is_held = false;
        while at < members.len() {
            if let [low, b'-', high, ..] = members[at..] {
                is_held |= (low..=high).contains(&byte);
                at += 3;
            } else {
                is_held |= members[at] == byte;
                at += 1;
            }
        }
        is_held != is_negated
    };
    Some((end + 1, holds))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By bash: `case name in pattern) ...`.
    fn by_shell(pattern: &str, name: &str) -> bool {
        let script = "case $1 in ($2) exit 0;; esac; exit 1";
        let mut bash = std::process::Command::new("bash");
        bash.args(["-c", script, "bash", name, pattern]).env("LC_ALL", "C").status().expect("bash runs").success()
    }

    #[test]
    fn patterns_match_what_they_match_in_a_shell() {
        let patterns =
            ["*", "a*", "*b", "a?c", "[a-c]x", "[!a-c]x", "[]x]", "[a", "a\\*", "*a*b*", "", "**", "[a-]", "a*b*c"];
        for pattern in patterns {
            for name in ["", "a", "b", "ab", "abc", "axc", "ax", "dx", "]", "[a", "a*", "xaxbx", "-", "aXbXbXc", "abcb"]
            {
                assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), by_shell(pattern, name), "{pattern} {name}");
            }
        }
    }

    #[test]
    fn hidden_names_are_matched_by_their_period_only() {
        assert!(!matches(b"*", b".a") && !matches(b"?a", b".a") && !matches(b"[.]a", b".a"));
        assert!(matches(b".*", b".a") && matches(b"\\.a", b".a"));
    }

    #[test]
    fn patterns_stand_for_what_a_shell_makes_of_them() {
        let of = |pattern: &str, name: &str| matches(pattern.as_bytes(), name.as_bytes());
        for (pattern, name) in [
            ("*", "a"),
            ("a*b*c", "axxbyyc"),
            ("a*b", "abab"),
            ("?", "x"),
            ("[a-c]x", "bx"),
            ("[!a]", "b"),
            ("[]]", "]"),
            ("[", "["),
            (".*", ".a"),
            ("\\*", "*"),
            ("*", ""),
            ("[a-]", "-"),
        ] {
            assert!(of(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("*", ".a"),
            ("?", ""),
            ("?a", ".a"),
            ("a*b", "abc"),
            ("[a-c]", "d"),
            ("[!a]", "a"),
            ("\\*", "x"),
            ("a", ""),
        ] {
            assert!(!of(pattern, name), "{pattern} {name}");
        }
    }
}
