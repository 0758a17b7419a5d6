//! Permission bits as chmod and install read them: octal, or letters such as `u=rwx,go=rX`.

/// Set-user-ID, set-group-ID, sticky, and what user, group and others may do.
const ALL: u32 = 0o7777;
const SET_IDS: u32 = 0o6000;
const EXECUTABLE: u32 = 0o111;

/// What is to become of permission bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ModeChange(Vec<Step>);

/// The bits that a change leaves in place of none, and which bits it has a say in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Changed {
    pub(super) mode: u32,
    pub(super) told: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    operator: Operator,
    /// The bits of those who were named; 0 where nobody was.
    who: u32,
    what: What,
    /// The bits that were written out. A directory keeps its set-ID bits but for these.
    mentioned: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Set,
    Add,
    Remove,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// These bits.
    Bits(u32),
    /// These, and the right to execute where somebody has it, or of a directory.
    BitsAndAnyExecutable(u32),
    /// What those have whose bits these are.
    LikeThatOf(u32),
}

impl ModeChange {
    /// Reads a mode; `None` if it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.starts_with(|first: char| first.is_digit(8)) {
            let mode = octal(text)?;
            // Five digits speak of all bits; fewer leave a directory the set-ID bits that they do not have.
            let mentioned = if text.len() < 5 { mode & SET_IDS | 0o1777 } else { ALL };
            return Some(Self(vec![Step { operator: Operator::Set, who: ALL, what: What::Bits(mode), mentioned }]));
        }
        let mut steps = Vec::new();
        for clause in text.split(',') {
            steps.extend(parse_clause(clause)?);
        }
        Some(Self(steps))
    }

    /// What it makes of no bits at all, and without a umask.
    pub(super) fn of_nothing(&self, is_directory: bool) -> Changed {
        let mut changed = Changed { mode: 0, told: 0 };
        self.0.iter().for_each(|step| step.apply(&mut changed, is_directory));
        changed
    }
}

impl Step {
    fn apply(self, changed: &mut Changed, is_directory: bool) {
        let omitted = if is_directory { SET_IDS & !self.mentioned } else { 0 };
        let bits = match self.what {
            What::Bits(bits) => bits,
            What::BitsAndAnyExecutable(bits) if is_directory || changed.mode & EXECUTABLE != 0 => bits | EXECUTABLE,
            What::BitsAndAnyExecutable(bits) => bits,
            What::LikeThatOf(bits) => spread(changed.mode & bits),
        };
        let bits = bits & if self.who == 0 { ALL } else { self.who } & !omitted;
        match self.operator {
            Operator::Set => {
                let kept = if self.who == 0 { 0 } else { ALL & !self.who } | omitted;
                changed.told |= ALL & !kept;
                changed.mode = changed.mode & kept | bits;
            }
            Operator::Add => {
                changed.told |= bits;
                changed.mode |= bits;
            }
            Operator::Remove => {
                changed.told |= bits;
                changed.mode &= !bits;
            }
        }
    }
}

/// What one of user, group and others has, as rights of all three.
fn spread(bits: u32) -> u32 {
    [0o444, 0o222, EXECUTABLE].into_iter().filter(|right| bits & right != 0).sum()
}

/// `[ugoa]*([-+=]([rwxXst]*|[ugo]))+`, or an operator with octal digits.
fn parse_clause(clause: &str) -> Option<Vec<Step>> {
    let is_operator = |letter: char| matches!(letter, '=' | '+' | '-');
    let (people, mut rest) = clause.split_at(clause.find(is_operator)?);
    let who = people.chars().try_fold(0, |who, letter| {
        Some(
            who | match letter {
                'u' => 0o4700,
                'g' => 0o2070,
                'o' => 0o1007,
                'a' => ALL,
                _ => return None,
            },
        )
    })?;
    let mut steps = Vec::new();
    while let Some(sign) = rest.chars().next() {
        let operator = match sign {
            '=' => Operator::Set,
            '+' => Operator::Add,
            _ => Operator::Remove,
        };
        let after = &rest[1..];
        let (word, next) = after.split_at(after.find(is_operator).unwrap_or(after.len()));
        rest = next;
        if word.starts_with(|first: char| first.is_digit(8)) {
            // Digits stand alone: nobody is named, and nothing follows.
            let mode = octal(word).filter(|_| people.is_empty() && next.is_empty())?;
            steps.push(Step { operator, who: ALL, what: What::Bits(mode), mentioned: ALL });
            continue;
        }
        let what = parse_rights(word)?;
        let mentioned = match what {
            What::Bits(bits) | What::BitsAndAnyExecutable(bits) | What::LikeThatOf(bits) if who == 0 => bits,
            What::Bits(bits) | What::BitsAndAnyExecutable(bits) | What::LikeThatOf(bits) => who & bits,
        };
        steps.push(Step { operator, who, what, mentioned });
    }
    Some(steps)
}

fn parse_rights(word: &str) -> Option<What> {
    match word {
        "u" => return Some(What::LikeThatOf(0o700)),
        "g" => return Some(What::LikeThatOf(0o070)),
        "o" => return Some(What::LikeThatOf(0o007)),
        _ => {}
    }
    let mut bits = 0;
    for letter in word.chars() {
        bits |= match letter {
            'r' => 0o444,
            'w' => 0o222,
            'x' => EXECUTABLE,
            'X' => 0,
            's' => SET_IDS,
            't' => 0o1000,
            _ => return None,
        };
    }
    Some(if word.contains('X') { What::BitsAndAnyExecutable(bits) } else { What::Bits(bits) })
}

fn octal(text: &str) -> Option<u32> {
    let is_octal = text.chars().all(|digit| digit.is_digit(8));
    u32::from_str_radix(text, 8).ok().filter(|mode| is_octal && *mode <= ALL)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_file(text: &str) -> Option<u32> {
        ModeChange::parse(text).map(|change| change.of_nothing(false).mode)
    }

    fn of_directory(text: &str) -> Option<(u32, u32)> {
        ModeChange::parse(text).map(|change| change.of_nothing(true)).map(|changed| (changed.mode, changed.told))
    }

    // The expected values are what `install -m` of coreutils 9.10 made.
    #[test]
    fn modes_are_those_of_gnus_install() {
        for (text, mode) in [
            ("644", 0o644),
            ("4755", 0o4755),
            ("00700", 0o700),
            ("u=rwx,go=rX", 0o755),
            ("u=rw,g=u,o=g", 0o666),
            ("a=r,u+w", 0o644),
            ("=rw", 0o666),
            ("+x", 0o111),
            ("u=rws,g=s", 0o6600),
            ("o=t", 0o1000),
            ("u=rwx,u-w", 0o500),
            ("u=rwx-x", 0o600),
            ("go=X", 0),
            ("=640", 0o640),
        ] {
            assert_eq!(of_file(text), Some(mode), "{text}");
        }
    }

    #[test]
    fn directories_keep_the_set_id_bits_that_are_not_mentioned() {
        assert_eq!(of_directory("755"), Some((0o755, 0o1777)));
        assert_eq!(of_directory("00755"), Some((0o755, 0o7777)));
        assert_eq!(of_directory("2755"), Some((0o2755, 0o3777)));
        assert_eq!(of_directory("u=rwx"), Some((0o700, 0o700)));
        assert_eq!(of_directory("go=X"), Some((0o011, 0o1077)));
    }

    #[test]
    fn what_is_no_mode_is_refused() {
        for text in ["", "x", "8", "77777", "u", "u=q", "u+7", "=7r", "64x", "u=rw,", ",u=r", "u=ug", "+7+x"] {
            assert_eq!(of_file(text), None, "{text}");
        }
    }
}
