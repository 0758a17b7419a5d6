//! What a campaign is asked for in the environment: how much, from which seed, and of which program.

use std::fs::Permissions;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

/// A variable that says something.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A variable that says a number.
pub(crate) fn number(name: &str) -> Option<u64> {
    variable(name).map(|value| value.parse().unwrap_or_else(|_| panic!("{name} is no number: {value}")))
}

/// A seed that nobody had before.
pub(crate) fn fresh_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    now.as_secs() ^ u64::from(now.subsec_nanos()) << 32
}

/// The program under test: safecp, or what SAFECP_TEST_BINARY names in its place.
pub(crate) fn program() -> PathBuf {
    variable("SAFECP_TEST_BINARY").map_or_else(built_program, PathBuf::from)
}

/// Where cargo has put it; two directories above this test, where the checkout was moved since it was built.
fn built_program() -> PathBuf {
    let built = PathBuf::from(env!("CARGO_BIN_EXE_safecp"));
    let moved = || Some(std::env::current_exe().ok()?.parent()?.parent()?.join("safecp"));
    if built.exists() { built } else { moved().unwrap_or(built) }
}

/// The program by a name that a shell takes for one word without quotes, as scripts of tests have it: a link, where the
/// checkout lies in a directory with a blank in its name.
pub(crate) fn as_a_word(program: &Path) -> PathBuf {
    static LINK: OnceLock<PathBuf> = OnceLock::new();
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+@%".contains(byte);
    if program.as_os_str().as_bytes().iter().all(is_plain) {
        return program.to_owned();
    }
    let link = LINK.get_or_init(|| {
        let directory = tempfile::Builder::new().prefix("program-").tempdir().expect("a directory").keep();
        std::fs::set_permissions(&directory, Permissions::from_mode(0o755)).expect("chmod");
        let link = directory.join("safecp");
        std::os::unix::fs::symlink(program, &link).expect("a link");
        link
    });
    link.clone()
}

/// A file or directory of the checkout, which may have been moved since the tests were built: whoever runs them says where it
/// is.
pub(crate) fn project(name: &str) -> PathBuf {
    variable("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from).join(name)
}

/// The first line of what a program says of itself.
pub(crate) fn introduced(program: &Path) -> String {
    let output = Command::new(program).arg("--version").output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned()
}
