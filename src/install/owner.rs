//! Who is to own what is installed: numbers, by name or as they were typed.

use crate::error::Error;
use crate::kernel::users::Database;
use crate::quote::quoted;
use std::ffi::OsStr;
use std::path::Path;

/// Owner and group, where they are given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// Owner.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
}

/// The owner and the group of these names, or install's words for that there is none.
pub fn owner(user: Option<&OsStr>, group: Option<&OsStr>) -> Result<Owner, Error> {
    let number = |name: Option<&OsStr>, database, what| match name.map(|name| number(name, database)) {
        None => Ok(None),
        // The kernel's word for none in particular.
        Some(Some(u32::MAX)) => Ok(None),
        Some(Some(number)) => Ok(Some(number)),
        Some(None) => Err(Error::Refused(format!("invalid {what} {}", quoted(Path::new(name.unwrap_or_default()))))),
    };
    Ok(Owner { uid: number(user, Database::Users, "user")?, gid: number(group, Database::Groups, "group")? })
}

/// A name comes before a number: there are users whose names are digits.
fn number(name: &OsStr, database: Database) -> Option<u32> {
    database.number(name).or_else(|| name.to_str().and_then(typed))
}

/// A number as C writes it: decimal, octal or hexadecimal.
fn typed(text: &str) -> Option<u32> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    if !digits.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    match (digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")), digits.strip_prefix('0')) {
        (Some(hexadecimal), _) if hexadecimal.starts_with(|first: char| first.is_ascii_hexdigit()) => {
            u32::from_str_radix(hexadecimal, 16).ok()
        }
        (Some(_), _) => None,
        (None, Some(octal)) if octal.starts_with(|first: char| first.is_ascii_digit()) => {
            u32::from_str_radix(octal, 8).ok()
        }
        (None, _) => digits.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_by_strtoul() {
        for (text, number) in
            [("0", Some(0)), ("1000", Some(1000)), ("010", Some(8)), ("0x1F", Some(31)), ("+5", Some(5))]
        {
            assert_eq!(typed(text), number, "{text}");
        }
        for text in ["", "-1", "x", "5x", "0x", "08", "++5", "4294967296", " "] {
            assert_eq!(typed(text), None, "{text}");
        }
    }
}
