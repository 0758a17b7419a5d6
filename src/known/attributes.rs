//! Extended attributes by their names: lists of rights, labels, and what is left where it is.
//!
//! /etc/xattr.conf, which libattr reads and GNU cp with it, says of some names that they belong to the permissions, or
//! are not to be copied. Here are its format, what holds without it, and what holds whatever it says: who has a
//! right in a list must not get it back by another name of that list.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// The access control list that chmod knows of.
pub const ACCESS_LIST: &str = "system.posix_acl_access";
/// The list that new entries of a directory inherit.
pub const DEFAULT_LIST: &str = "system.posix_acl_default";

/// What an extended attribute belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// An access control list of POSIX's kind, which the permission bits are a part of.
    PosixList,
    /// What else says who may do what: it takes the permission bits' place, as NFSv4's lists do.
    OtherList,
    /// The label of a security module.
    Context,
    /// An attribute of its own.
    Plain,
    /// Nothing that is copied.
    Left,
}

/// The lists of NFSv4's kind: NFS (Linux 2.6, and 5.16 for the two halves), ZFS on TrueNAS, and richacl's patches.
const OTHER_LISTS: [&str; 6] = [
    "system.nfs4_acl",
    "system.nfs4_dacl",
    "system.nfs4_sacl",
    "system.nfs4acl",
    "system.nfs4_acl_xdr",
    "system.richacl",
];

/// Under these names XFS shows root the access control lists a second time.
const SECOND_NAMES: [&str; 2] = ["trusted.SGI_ACL_FILE", "trusted.SGI_ACL_DEFAULT"];

/// What is done with the attributes whose names match a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Permissions,
    Skip,
}

/// What the system's administrator has said of attributes' names. The first pattern that matches counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules(Vec<(Vec<u8>, Action)>);

impl Default for Rules {
    /// What /etc/xattr.conf says where nobody has changed it: what only its filesystem or the kernel may write.
    fn default() -> Self {
        let left = ["trusted.SGI_*", "xfsroot.*", "user.Beagle.*", "security.evm", "afs.*"];
        Self(left.map(|pattern| (pattern.as_bytes().to_vec(), Action::Skip)).to_vec())
    }
}

impl Rules {
    /// Reads /etc/xattr.conf: a pattern and an action on each line, and comments. One line that does not read so
    /// makes the whole file worth nothing, as it does to libattr.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let lines = text.split(|byte| *byte == b'\n');
        let rules = lines.map(|line| line.split(|byte| *byte == b'#').next().unwrap_or_default().trim_ascii());
        rules.filter(|line| !line.is_empty()).map(rule).collect::<Option<_>>().map(Self)
    }

    /// What an attribute of this name belongs to.
    #[must_use]
    pub fn class(&self, name: &OsStr) -> Class {
        let is_one_of = |names: &[&str]| names.iter().any(|known| name == *known);
        let said = self.0.iter().find(|(pattern, _)| matches(pattern, name.as_bytes())).map(|(_, action)| *action);
        match said {
            _ if is_one_of(&[ACCESS_LIST, DEFAULT_LIST]) => Class::PosixList,
            _ if is_one_of(&OTHER_LISTS) => Class::OtherList,
            _ if is_one_of(&SECOND_NAMES) => Class::Left,
            _ if is_one_of(&["security.selinux", "security.SMACK64"]) => Class::Context,
            Some(Action::Permissions) => Class::OtherList,
            Some(Action::Skip) => Class::Left,
            None => Class::Plain,
        }
    }
}

/// A line without its comment.
fn rule(line: &[u8]) -> Option<(Vec<u8>, Action)> {
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let action = match (words.next()?, words.next()?, words.next()) {
        (_, b"permissions", None) => Action::Permissions,
        (_, b"skip", None) => Action::Skip,
        _ => return None,
    };
    line.split(u8::is_ascii_whitespace).next().map(|pattern| (pattern.to_vec(), action))
}

/// Whether a name matches a pattern of the shell: `*`, `?`, `[a-z]`, `[!a-z]` and a backslash before any of them.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let Some((first, rest)) = pattern.split_first() else { return name.is_empty() };
    match first {
        b'*' => (0..=name.len()).any(|start| matches(rest, &name[start..])),
        b'?' => name.split_first().is_some_and(|(_, name)| matches(rest, name)),
        b'[' if closing(rest).is_some() => {
            let (set, rest) = rest.split_at(closing(rest).unwrap_or_default());
            name.split_first().is_some_and(|(byte, name)| is_in(set, *byte) && matches(&rest[1..], name))
        }
        b'\\' if !rest.is_empty() => name.first() == rest.first() && matches(&rest[1..], &name[1..]),
        byte => name.split_first().is_some_and(|(first, name)| first == byte && matches(rest, name)),
    }
}

/// Where the bracket ends that a set begins after; a bracket that comes first is one of the set.
fn closing(set: &[u8]) -> Option<usize> {
    let first = usize::from(matches!(set.first(), Some(b'!' | b'^'))) + 1;
    (first..set.len()).find(|at| set[*at] == b']')
}

/// Whether the set between two brackets has the byte.
fn is_in(set: &[u8], byte: u8) -> bool {
    let (is_negated, mut set) = match set {
        [b'!' | b'^', set @ ..] => (true, set),
        set => (false, set),
    };
    let mut is_found = false;
    while let [first, rest @ ..] = set {
        (is_found, set) = match rest {
            [b'-', last, rest @ ..] => (is_found || (*first..=*last).contains(&byte), rest),
            rest => (is_found || *first == byte, rest),
        };
    }
    is_found != is_negated
}

/// Whether a list says nothing that the permission bits do not say, so that a filesystem without such lists loses
/// nothing by it. What does not read as it should says something.
#[must_use]
pub fn is_trivial(name: &OsStr, value: &[u8]) -> bool {
    match name.to_str() {
        // A version and three entries of eight bytes: owner, group and others.
        Some(ACCESS_LIST) => value.len() <= 4 + 3 * 8,
        // A version alone.
        Some(DEFAULT_LIST) => value.len() <= 4,
        Some("system.nfs4_acl") => is_trivial_of_nfs(value).unwrap_or(false),
        Some("system.nfs4_acl_xdr") => is_trivial_of_zfs(value).unwrap_or(false),
        _ => false,
    }
}

/// Entries that allow or deny; what else there is, such as audits, says more than permission bits.
const ALLOW_OR_DENY: u32 = 1;
/// The only flag of an entry that permission bits have too: it is a group's.
const GROUP: u32 = 0x40;

/// A number of entries, each of them a type, flags, a mask, and the name of whom it is for, padded to words of four bytes.
fn is_trivial_of_nfs(value: &[u8]) -> Option<bool> {
    let (entries, mut rest) = word(value)?;
    for _ in 0..entries {
        let (kind, after) = word(rest)?;
        let (flags, after) = word(after)?;
        let (_, after) = word(after)?;
        let (length, after) = word(after)?;
        let length = usize::try_from(length).ok()?;
        let who = after.get(..length)?;
        let is_of_mode = [&b"OWNER@"[..], b"GROUP@", b"EVERYONE@"].contains(&who);
        if kind > ALLOW_OR_DENY || flags & !GROUP != 0 || !is_of_mode {
            return Some(false);
        }
        rest = after.get(length.next_multiple_of(4)..)?;
    }
    Some(true)
}

/// Flags of the whole list and a number of entries, each of them a type, flags, whether it is for one of the three that
/// permission bits know, a mask, and whom it is for.
fn is_trivial_of_zfs(value: &[u8]) -> Option<bool> {
    let (_, rest) = word(value)?;
    let (entries, mut rest) = word(rest)?;
    for _ in 0..entries {
        let (kind, after) = word(rest)?;
        let (flags, after) = word(after)?;
        let (is_of_mode, after) = word(after)?;
        if kind > ALLOW_OR_DENY || flags & !GROUP != 0 || is_of_mode != 1 {
            return Some(false);
        }
        rest = after.get(8..)?;
    }
    Some(true)
}

/// A number of four bytes, the highest first, and what follows it.
fn word(bytes: &[u8]) -> Option<(u32, &[u8])> {
    bytes.split_first_chunk().map(|(word, rest)| (u32::from_be_bytes(*word), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(conf: &str, name: &str) -> Class {
        Rules::parse(conf.as_bytes()).expect("it reads").class(OsStr::new(name))
    }

    #[test]
    fn the_first_pattern_that_matches_counts() {
        let conf = "# names\n\n user.a*\tskip\t# a\nuser.ab permissions\nuser.[x-z] skip#x\nuser.?? permissions";
        let said = ["user.ab", "user.y", "user.w", "user.bb", "user.bbb"].map(|name| class(conf, name));
        assert_eq!(said, [Class::Left, Class::Left, Class::Plain, Class::OtherList, Class::Plain]);
    }

    // As libattr 2.5.1 takes them.
    #[test]
    fn a_line_that_does_not_read_spoils_the_file() {
        for line in ["user.a", "user.a copy", "user.a skip it", "user.a skipper", "user.a#skip"] {
            assert_eq!(Rules::parse(format!("user.b skip\n{line}\n").as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn a_second_name_of_a_list_is_left_whatever_is_said() {
        for conf in ["", "trusted.* permissions"] {
            assert_eq!(class(conf, "trusted.SGI_ACL_FILE"), Class::Left);
            assert_eq!(class(conf, "trusted.SGI_ACL_DEFAULT"), Class::Left);
        }
        assert_eq!(class("system.* skip", "system.posix_acl_access"), Class::PosixList);
        assert_eq!(class("system.* skip", "system.nfs4_acl"), Class::OtherList);
        assert_eq!(Rules::default().class(OsStr::new("trusted.SGI_DMI_X")), Class::Left);
    }

    #[test]
    fn sets_in_patterns() {
        let matching = |pattern: &str, name: &str| matches(pattern.as_bytes(), name.as_bytes());
        assert!(matching("[!a-c]x", "dx") && !matching("[!a-c]x", "bx") && !matching("[^a]", "a"));
        assert!(matching("[]]", "]") && matching("[a-]", "-") && matching("[a", "[a") && matching("\\*", "*"));
        assert!(!matching("\\*", "x") && matching("*.*", "a.b") && !matching("a*c", "ab") && !matching("?", ""));
    }

    fn entry(kind: u32, flags: u32, who: &str) -> Vec<u8> {
        let mut bytes: Vec<u8> = [kind, flags, 7, who.len() as u32].into_iter().flat_map(u32::to_be_bytes).collect();
        bytes.extend(who.as_bytes());
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn a_list_of_nfs_is_trivial_that_names_nobody() {
        let list = |entries: &[Vec<u8>]| {
            let count = (entries.len() as u32).to_be_bytes();
            is_trivial(OsStr::new("system.nfs4_acl"), &[&count[..], &entries.concat()].concat())
        };
        let three = [entry(0, 0, "OWNER@"), entry(0, GROUP, "GROUP@"), entry(1, 0, "EVERYONE@")];
        assert!(list(&three));
        assert!(!list(&[three.to_vec(), vec![entry(0, 0, "bob@here")]].concat()));
        assert!(!list(&[entry(2, 0, "OWNER@")]) && !list(&[entry(0, 1, "OWNER@")]));
        assert!(!is_trivial(OsStr::new("system.nfs4_acl"), &[0, 0, 0, 1, 0]), "cut short");
    }

    #[test]
    fn a_list_of_zfs_is_trivial_that_names_nobody() {
        let list = |words: &[u32]| {
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
            is_trivial(OsStr::new("system.nfs4_acl_xdr"), &bytes)
        };
        assert!(list(&[0, 2, 0, 0, 1, 7, 1, 0, GROUP, 1, 7, 2]));
        assert!(!list(&[0, 1, 0, 0, 0, 7, 1001]) && !list(&[0, 1, 0, 1, 1, 7, 1]) && !list(&[0, 1, 0]));
    }
}
