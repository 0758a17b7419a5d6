//! What a command line is read in: the name that the program is called by, and variables.

use super::called_as::{CalledAs, names};
use rustix::io::Errno;
use std::ffi::OsString;
use std::path::Path;

/// What a command line is read in: asked of the process once, by the caller.
#[derive(Clone, Debug)]
pub struct Environment {
    /// What it is, by the name that it is called.
    pub called_as: CalledAs,
    /// The name in the program's messages: that of the program whose place it takes, so that nothing that reads
    /// them notices; else its own.
    pub program: &'static str,
    /// The same as it was typed, with the path: GNU's programs have it in prompts and where it points to
    /// --help.
    pub called: String,
    /// POSIXLY_CORRECT is set: options end at the first operand.
    pub posixly_correct: bool,
    /// VERSION_CONTROL.
    pub version_control: Option<OsString>,
    /// SIMPLE_BACKUP_SUFFIX.
    pub backup_suffix: Option<OsString>,
    /// The locale's characters are UTF-8, so that some of GNU's messages have typographic quotes.
    pub is_utf8: bool,
    /// The extended attribute in which the kernel keeps security contexts, if it does.
    pub context_attribute: Option<&'static str>,
}

/// Asks the process for what the command line is read in.
#[must_use]
pub fn environment() -> Environment {
    let (called_as, program, called) = names(std::env::args_os().next().as_deref());
    Environment {
        called_as,
        program,
        called,
        posixly_correct: std::env::var_os("POSIXLY_CORRECT").is_some(),
        version_control: std::env::var_os("VERSION_CONTROL"),
        backup_suffix: std::env::var_os("SIMPLE_BACKUP_SUFFIX"),
        is_utf8: is_utf8(["LC_ALL", "LC_CTYPE", "LANG"].map(std::env::var_os).into_iter().flatten()),
        context_attribute: CONTEXTS.iter().find(|(sign, _)| may_exist(Path::new(sign))).map(|(_, name)| *name),
    }
}

/// Where the kernel shows that it keeps security contexts, and in which attribute: SELinux and SMACK.
const CONTEXTS: [(&str, &str); 2] =
    [("/sys/fs/selinux/enforce", "security.selinux"), ("/sys/fs/smackfs/load2", "security.SMACK64")];

/// Whether a name is there, or may be: only ENOENT and ENOTDIR say that it is not.
fn may_exist(path: &Path) -> bool {
    !matches!(rustix::fs::stat(path), Err(Errno::NOENT | Errno::NOTDIR))
}

/// Whether the first of the variables that says something names UTF-8.
fn is_utf8(mut variables: impl Iterator<Item = OsString>) -> bool {
    let decides = variables.find(|value| !value.is_empty());
    let name = decides.unwrap_or_default().to_string_lossy().to_ascii_lowercase().replace('-', "");
    name.contains("utf8")
}

/// A variable of the environment, if it is set and text.
#[must_use]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_is_set_names_the_locale() {
        let utf8 = |variables: &[&str]| is_utf8(variables.iter().map(OsString::from));
        assert!(utf8(&["", "C.UTF-8"]) && utf8(&["de_DE.utf8", "C"]));
        assert!(!utf8(&["C", "C.UTF-8"]) && !utf8(&[]));
    }
}
