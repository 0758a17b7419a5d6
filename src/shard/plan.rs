//! What all shares of one copy have in common: how many they are, and what they copy where and how.
//!
//! The first share writes it down; every other finds it and compares. The end is worked out from the command line in it, so that it
//! is done with the options of the shares.

use super::line::{opened, sealed};
use super::{Number, Request};
use crate::options::{Options, Unfinished, Verbosity};
use crate::tree::plan::Operands;
use std::ffi::OsString;
use std::fmt::Write;
use std::num::{NonZeroU32, NonZeroUsize};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// What the first line says.
const HEAD: &str = "safecp-shards 1";

/// What all shares of one copy have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How many shares there are.
    pub count: NonZeroU32,
    /// What is compared: a digest of all that has a say in what is made.
    pub id: String,
    /// The target, from the root on.
    pub target: PathBuf,
    /// Where the share ran that was first.
    pub here: PathBuf,
    /// The command line of the share that was first.
    pub arguments: Vec<OsString>,
}

impl Plan {
    /// That of a share, which runs in the directory `here`.
    #[must_use]
    pub fn of(request: &Request, number: Number, here: &Path) -> Self {
        let operands = absolute(&request.operands, here);
        let version = env!("CARGO_PKG_VERSION");
        let lists = (&request.manifest, &request.report);
        let all = format!("{version}\n{}\n{:?}\n{operands:?}\n{lists:?}", number.count, lasting(&request.options));
        let digest = blake3::hash(all.as_bytes()).to_hex();
        let id = digest.as_str()[..32].to_owned();
        let (count, here, arguments) = (number.count, here.to_owned(), request.arguments.clone());
        Self { count, id, target: operands.target, here, arguments }
    }

    /// As it is written down.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = sealed(HEAD);
        text += &sealed(&format!("id {}", self.id));
        text += &sealed(&format!("shares {}", self.count));
        text += &sealed(&format!("target {}", escaped(self.target.as_os_str().as_bytes())));
        text += &sealed(&format!("directory {}", escaped(self.here.as_os_str().as_bytes())));
        for argument in &self.arguments {
            text += &sealed(&format!("argument {}", escaped(argument.as_bytes())));
        }
        text + &sealed("end")
    }

    /// Reads what was written down; `None` if that is not whole.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let lines = text.strip_suffix(b"\n")?.split(|byte| *byte == b'\n').map(opened);
        let lines: Vec<&str> = lines.collect::<Option<_>>()?;
        let [head, id, shares, target, here, arguments @ .., "end"] = &lines[..] else { return None };
        let named = |line: &str, name: &str| line.strip_prefix(name).and_then(unescaped).map(OsString::from_vec);
        Some(Self {
            id: id.strip_prefix("id ").filter(|_| *head == HEAD)?.to_owned(),
            count: shares.strip_prefix("shares ")?.parse().ok()?,
            target: named(target, "target ")?.into(),
            here: named(here, "directory ")?.into(),
            arguments: arguments.iter().map(|line| named(line, "argument ")).collect::<Option<_>>()?,
        })
    }
}

/// The operands, from the root on.
#[must_use]
pub fn absolute(operands: &Operands, here: &Path) -> Operands {
    let sources = operands.sources.iter().map(|source| here.join(source)).collect();
    Operands { sources, target: here.join(&operands.target), ..operands.clone() }
}

/// The options without those that have no say in what is made.
fn lasting(options: &Options) -> Options {
    Options {
        jobs: None,
        jobs_max: NonZeroUsize::MIN,
        directories_max: 0,
        waiting_max: 0,
        verbosity: Verbosity::Quiet,
        unfinished: Unfinished::Removed,
        umask: 0,
        privileged: false,
        keeps_set_ids: false,
        user: 0,
        group: 0,
        ..options.clone()
    }
}

/// Bytes in letters that need no thought: all others, and the percent sign, as `%` and two hexadecimal digits.
pub(super) fn escaped(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_graphic() && *byte != b'%' {
            text.push(char::from(*byte));
        } else {
            write!(text, "%{byte:02x}").expect("a string takes everything");
        }
        text
    })
}

pub(super) fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_down_is_read_whatever_the_names() {
        let arguments = [b"safecp".to_vec(), b"-a".to_vec(), b" \n%\xff\x00".to_vec(), Vec::new(), b"100%25".to_vec()];
        let plan = Plan {
            count: NonZeroU32::MIN,
            id: "0123".to_owned(),
            target: PathBuf::from(OsString::from_vec(b"/d \n\xfe".to_vec())),
            here: PathBuf::from("/h"),
            arguments: arguments.map(OsString::from_vec).into(),
        };
        let text = plan.text();
        assert_eq!(Plan::parse(text.as_bytes()), Some(plan));
        for end in 0..text.len() {
            assert_eq!(Plan::parse(&text.as_bytes()[..end]), None, "{end}");
        }
    }
}
