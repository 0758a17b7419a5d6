//! The number in the name of a numbered backup: decimal digits, however many, as GNU's programs count.

/// A number from 1 on. The one with more digits is the greater; they have no leading zero.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct BackupNumber {
    length: usize,
    digits: String,
}

impl BackupNumber {
    /// That of the first backup.
    pub(super) fn first() -> Self {
        Self::new(String::from("1"))
    }

    /// The number in `.~N~`.
    pub(super) fn of(suffix: &[u8]) -> Option<Self> {
        let digits = suffix.strip_prefix(b".~")?.strip_suffix(b"~")?;
        let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) && !digits.starts_with(b"0");
        std::str::from_utf8(digits).ok().filter(|_| is_number).map(|digits| Self::new(digits.to_owned()))
    }

    fn new(digits: String) -> Self {
        Self { length: digits.len(), digits }
    }

    /// The one after it: the nines at its end become zeros, and the digit before them the next one.
    pub(super) fn next(&self) -> Self {
        let kept = self.digits.trim_end_matches('9');
        let zeros = "0".repeat(self.length - kept.len());
        Self::new(match kept.as_bytes().split_last() {
            None => format!("1{zeros}"),
            Some((last, _)) => format!("{}{}{zeros}", &kept[..kept.len() - 1], char::from(last + 1)),
        })
    }

    /// What a backup's name ends in.
    pub(super) fn suffix(&self) -> String {
        format!(".~{}~", self.digits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(digits: &str) -> BackupNumber {
        BackupNumber::of(format!(".~{digits}~").as_bytes()).expect("a number")
    }

    #[test]
    fn numbers_have_as_many_digits_as_they_need() {
        let counted = ["1", "9", "10", "99", "109", "1999", "18446744073709551615", "99999999999999999999"];
        let after = ["2", "10", "11", "100", "110", "2000", "18446744073709551616", "100000000000000000000"];
        assert_eq!(counted.map(|digits| number(digits).next().digits), after);
        assert!(number("9") < number("10") && number("100") > number("99") && number("18") < number("20"));
        assert_eq!(BackupNumber::first().suffix(), ".~1~");
    }

    #[test]
    fn what_is_no_number_is_none() {
        for suffix in ["~", ".~~", ".~012~", ".~x~", ".~7", ".~1~~", ".~-1~", ".~0~"] {
            assert_eq!(BackupNumber::of(suffix.as_bytes()), None, "{suffix}");
        }
    }
}
