//! A case: a recipe for a small world, and a command line to run in it.
//!
//! A case is data and nothing else, so that it can be made twice, shrunk piece by piece, and written down as shell
//! commands for people who want to see the difference with their own eyes.

use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Everything that a run depends on.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// What it was made from.
    pub(crate) seed: u64,
    /// Whether cp runs as the user without rights, where the tests run as root.
    pub(crate) as_nobody: bool,
    pub(crate) umask: u32,
    /// Parents come before what is in them, files before their further names.
    pub(crate) entries: Vec<Entry>,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) environment: Vec<(&'static str, &'static str)>,
    /// What is typed when cp asks.
    pub(crate) answers: &'static str,
}

/// One name in the world.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) path: PathBuf,
    pub(crate) kind: Kind,
    /// Attributes; those of a further name are the file's.
    pub(crate) mode: u32,
    pub(crate) owner: (u32, u32),
    pub(crate) accessed: Time,
    pub(crate) modified: Time,
    pub(crate) xattrs: Vec<(&'static str, Vec<u8>)>,
}

/// Seconds and nanoseconds.
pub(crate) type Time = (i64, u32);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Directory,
    File(Content),
    /// A symbolic link that says this.
    Symlink(PathBuf),
    /// A further name of this file.
    Link(PathBuf),
    Fifo,
    /// A character device, by major and minor number.
    Device(u32, u32),
}

/// A file's bytes: a size, and what is written into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) size: u64,
    pub(crate) pieces: Vec<Piece>,
}

/// Bytes that are written; all zero where the seed is 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) offset: u64,
    pub(crate) length: u64,
    pub(crate) seed: u64,
}

/// A piece of the command line that can be dropped by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Argument {
    /// Short options without values, in one word.
    Letters(String),
    /// An option in one word, such as `--sparse=never`.
    Long(String),
    /// An option and its value in a word of its own.
    Valued(&'static str, OsString),
    /// `--`
    End,
    Operand(OsString),
    /// An operand that begins with the world's own path.
    Absolute(OsString),
}

/// Whether a word stands for a longer one, as getopt has it; shorter ones than these are ambiguous.
fn abbreviates(word: &str, long: &str) -> bool {
    let typed = word.split('=').next().unwrap_or_default();
    typed.len() > "--pre".len() && long.starts_with(typed)
}

impl Case {
    /// The words after `cp`, in a world at this path.
    pub(crate) fn words(&self, world: &Path) -> Vec<OsString> {
        let mut words = Vec::new();
        for argument in &self.arguments {
            match argument {
                Argument::Letters(letters) => words.push(format!("-{letters}").into()),
                Argument::Long(word) => words.push(word.into()),
                Argument::Valued(option, value) => words.extend([OsString::from(option), value.clone()]),
                Argument::End => words.push("--".into()),
                Argument::Operand(operand) => words.push(operand.clone()),
                Argument::Absolute(operand) => {
                    let mut word = world.as_os_str().to_owned();
                    word.push("/");
                    word.push(operand);
                    words.push(word);
                }
            }
        }
        words
    }

    /// Whether an option was given, by its letter or the beginning of its long form.
    pub(crate) fn has(&self, letter: char, long: &str) -> bool {
        self.arguments.iter().any(|argument| match argument {
            Argument::Letters(letters) => letters.contains(letter),
            Argument::Long(word) => !long.is_empty() && (word.starts_with(long) || abbreviates(word, long)),
            Argument::Valued(option, _) => {
                (!long.is_empty() && option.starts_with(long)) || **option == *format!("-{letter}")
            }
            Argument::End | Argument::Operand(_) | Argument::Absolute(_) => false,
        })
    }

    pub(crate) fn is_recursive(&self) -> bool {
        self.has('r', "--recursive") || self.has('R', "--recurs") || self.has('a', "--archive")
    }

    pub(crate) fn is_set(&self, variable: &str) -> bool {
        self.environment.iter().any(|(name, _)| *name == variable)
    }

    /// Whether a cp might wait forever for somebody to write into a fifo.
    pub(crate) fn may_block(&self) -> bool {
        let reads_fifos = !self.is_recursive() || self.has('\0', "--copy-contents") || self.is_set("POSIXLY_CORRECT");
        reads_fifos && self.entries.iter().any(|entry| entry.kind == Kind::Fifo)
    }

    /// The entry of that path in the recipe.
    pub(crate) fn entry(&self, path: &Path) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.path == path)
    }

    /// The command line as a shell reads it.
    pub(crate) fn command_line(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.environment {
            text += &format!("{name}={} ", shell(OsStr::new(value)));
        }
        text += "cp";
        for word in self.words(Path::new("$PWD")) {
            text += " ";
            text += &shell(&word);
        }
        text
    }

    /// The whole case as shell commands.
    pub(crate) fn script(&self) -> String {
        let mut script = String::new();
        for entry in &self.entries {
            script += &format!("    {}\n", entry.creation());
        }
        for entry in self.entries.iter().rev() {
            for command in entry.dressing() {
                script += &format!("    {command}\n");
            }
        }
        let answers = match self.answers {
            "" => String::new(),
            answers => format!("printf {} | ", shell(OsStr::new(&answers.replace('\n', "\\n")))),
        };
        let user = if self.as_nobody { "setpriv --reuid 65534 --regid 65534 --clear-groups env " } else { "env " };
        let umask = if self.umask == 0o022 { String::new() } else { format!("umask {:03o}; ", self.umask) };
        script + &format!("    {umask}{answers}{user}{}\n", self.command_line())
    }
}

impl Entry {
    fn creation(&self) -> String {
        let name = shell(self.path.as_os_str());
        match &self.kind {
            Kind::Directory => format!("mkdir -- {name}"),
            Kind::Symlink(text) => format!("ln -s -- {} {name}", shell(text.as_os_str())),
            Kind::Link(file) => format!("ln -P -- {} {name}", shell(file.as_os_str())),
            Kind::Fifo => format!("mkfifo -- {name}"),
            Kind::Device(major, minor) => format!("mknod -- {name} c {major} {minor}"),
            Kind::File(content) => {
                let mut text = format!("truncate -s {} -- {name}", content.size);
                for Piece { offset, length, seed } in &content.pieces {
                    let from = if *seed == 0 { "zero" } else { "urandom" };
                    // Writing to a String does not fail.
                    write!(
                        text,
                        "; head -c {length} /dev/{from} | dd of={name} oflag=seek_bytes seek={offset} conv=notrunc status=none"
                    )
                    .unwrap_or_default();
                }
                text
            }
        }
    }

    fn dressing(&self) -> Vec<String> {
        if matches!(self.kind, Kind::Link(_)) {
            return Vec::new();
        }
        let name = shell(self.path.as_os_str());
        let mut commands = Vec::new();
        if self.owner != (0, 0) {
            commands.push(format!("chown -h {}:{} -- {name}", self.owner.0, self.owner.1));
        }
        let setting = |(attribute, value): &(&str, Vec<u8>)| {
            let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("setfattr -h -n {attribute} -v 0x{hex} -- {name}")
        };
        let (lists, attributes): (Vec<_>, Vec<_>) =
            self.xattrs.iter().partition(|(attribute, _)| attribute.starts_with("system."));
        commands.extend(attributes.into_iter().map(setting));
        if !matches!(self.kind, Kind::Symlink(_)) {
            commands.push(format!("chmod {:04o} -- {name}", self.mode));
        }
        // A list is a part of the mode, and the last to be set decides.
        commands.extend(lists.into_iter().map(setting));
        let date = |(seconds, nanos): Time| format!("@{seconds}.{nanos:09}");
        commands.push(format!("touch -h -m -d {} -- {name}", date(self.modified)));
        commands
    }
}

/// A word as a shell reads it.
pub(crate) fn shell(word: &OsStr) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./=,+:~$".contains(byte);
    let bytes = word.as_bytes();
    if !bytes.is_empty() && bytes.iter().all(plain) {
        return word.to_string_lossy().into_owned();
    }
    let mut text = String::from("$'");
    for byte in bytes {
        match byte {
            b'\'' | b'\\' => text.extend(['\\', char::from(*byte)]),
            b' '..=b'~' => text.push(char::from(*byte)),
            // Writing to a String does not fail.
            byte => write!(text, "\\x{byte:02x}").unwrap_or_default(),
        }
    }
    text + "'"
}
