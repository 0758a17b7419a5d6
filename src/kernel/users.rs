//! The numbers that users and groups have by name.
//!
//! The C library asks whoever knows them: files, LDAP, systemd. A static program must not do so, since glibc would load
//! into it what another release was built for; it reads the files and asks getent, which is the system's own. Beside
//! process.rs and rooms of linux `unsafe` is allowed here, for the two calls.
#![allow(unsafe_code)]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};

/// What has numbers by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    /// Users.
    Users,
    /// Groups.
    Groups,
}

impl Database {
    /// The number of that name; `None` if nobody knows one.
    #[must_use]
    pub fn number(self, name: &OsStr) -> Option<u32> {
        if cfg!(target_feature = "crt-static") {
            self.by_file(name).or_else(|| self.by_getent(name))
        } else {
            self.by_library(name)
        }
    }

    /// What the file says, which is there without any service.
    fn by_file(self, name: &OsStr) -> Option<u32> {
        number_in(&std::fs::read(self.file()).ok()?, name)
    }

    /// What the system's own program says of it, which knows all that the system knows.
    fn by_getent(self, name: &OsStr) -> Option<u32> {
        let service = if self == Database::Users { "passwd" } else { "group" };
        // A name that begins so would be an option of it.
        let told =
            Command::new("getent").args([service, "--"]).arg(name).stdin(Stdio::null()).stderr(Stdio::null()).output();
        // Where there is no getent, nobody knows.
        number_in(&told.ok()?.stdout, name)
    }

    fn file(self) -> &'static str {
        if self == Database::Users { "/etc/passwd" } else { "/etc/group" }
    }

    #[cfg(target_feature = "crt-static")]
    fn by_library(self, _: &OsStr) -> Option<u32> {
        None
    }

    #[cfg(not(target_feature = "crt-static"))]
    fn by_library(self, name: &OsStr) -> Option<u32> {
        library::number(self, name)
    }
}

/// The third field of the line whose first one is the name.
fn number_in(lines: &[u8], name: &OsStr) -> Option<u32> {
    lines.split(|byte| *byte == b'\n').find_map(|line| {
        let mut fields = line.split(|byte| *byte == b':');
        let is_it = fields.next() == Some(name.as_bytes()) && !name.is_empty();
        let number = std::str::from_utf8(fields.nth(1)?).ok()?;
        if is_it { number.parse().ok() } else { None }
    })
}

#[cfg(not(target_feature = "crt-static"))]
mod library {
    use super::{Database, OsStr, OsStrExt};
    use std::ffi::{CString, c_char, c_int};
    use std::mem::zeroed;
    use std::ptr::null_mut;

    /// Room for the strings of an entry at first; a group with many members needs more.
    const ROOM: usize = 1 << 10;
    const ROOM_MAX: usize = 1 << 24;

    pub(super) fn number(database: Database, name: &OsStr) -> Option<u32> {
        let name = CString::new(name.as_bytes()).ok()?;
        let mut room = ROOM;
        while room <= ROOM_MAX {
            let mut strings = vec![0; room];
            let (status, number) = match database {
                Database::Users => user(&name, &mut strings),
                Database::Groups => group(&name, &mut strings),
            };
            if status != libc::ERANGE {
                return number;
            }
            room *= 4;
        }
        None
    }

    fn user(name: &CString, strings: &mut [c_char]) -> (c_int, Option<u32>) {
        // SAFETY: a passwd may be all zeros; all pointers are to what outlives the call, and the room is as long as said.
        unsafe {
            let (mut entry, mut found) = (zeroed::<libc::passwd>(), null_mut());
            let room = strings.len();
            let status = libc::getpwnam_r(name.as_ptr(), &raw mut entry, strings.as_mut_ptr(), room, &raw mut found);
            (status, (!found.is_null()).then_some(entry.pw_uid))
        }
    }

    fn group(name: &CString, strings: &mut [c_char]) -> (c_int, Option<u32>) {
        // SAFETY: as above.
        unsafe {
            let (mut entry, mut found) = (zeroed::<libc::group>(), null_mut());
            let room = strings.len();
            let status = libc::getgrnam_r(name.as_ptr(), &raw mut entry, strings.as_mut_ptr(), room, &raw mut found);
            (status, (!found.is_null()).then_some(entry.gr_gid))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everybody that this machine's file has is told alike by all who are asked.
    #[test]
    fn all_who_are_asked_say_the_same() {
        for database in [Database::Users, Database::Groups] {
            let file = std::fs::read_to_string(database.file()).expect("a list");
            for line in file.lines() {
                let fields: Vec<&str> = line.split(':').collect();
                let (name, number) = (OsStr::new(fields[0]), fields[2].parse().ok());
                let asked = [database.number(name), database.by_file(name), database.by_getent(name)];
                assert_eq!(asked, [number; 3], "{line}");
            }
            let nobody = OsStr::new("no such name: here");
            assert_eq!([database.number(nobody), database.by_file(nobody), database.by_getent(nobody)], [None; 3]);
            assert_eq!([database.number(OsStr::new("")), database.by_file(OsStr::new(""))], [None; 2]);
        }
    }
}
