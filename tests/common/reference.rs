//! GNU's cp, of the release whose behaviour safecp promises.

use super::asked::variable;
use std::path::PathBuf;
use std::process::Command;

/// The release of coreutils whose behaviour is promised.
const PROMISED: (u32, u32) = (9, 10);

/// GNU's cp to compare with: the one that is named, else one that tests/gnu/run built, else the one on PATH, if it is
/// of the release whose behaviour safecp promises, or a later one.
pub(crate) fn reference() -> Result<PathBuf, String> {
    let named = variable("SAFECP_REFERENCE_CP").map(PathBuf::from);
    let found = named.clone().or_else(built).or_else(on_path).ok_or("no cp is found")?;
    let output = Command::new(&found).arg("--version").output().map_err(|error| format!("{found:?}: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let Some(version) = text.lines().next().and_then(|line| line.strip_prefix("cp (GNU coreutils) ")) else {
        return Err(format!("{found:?} is not GNU's"));
    };
    let number = |part: Option<&str>| part.and_then(|part| part.parse().ok()).unwrap_or(0);
    let mut parts = version.split('.');
    let release: (u32, u32) = (number(parts.next()), number(parts.next()));
    if named.is_none() && release < PROMISED {
        return Err(format!(
            "{found:?} is of coreutils {version}, which does otherwise than {PROMISED:?} in many cases"
        ));
    }
    Ok(found)
}

fn built() -> Option<PathBuf> {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home)?.join("safecp-gnu");
    let trees = std::fs::read_dir(cache).ok()?.filter_map(Result::ok);
    let mut programs: Vec<_> = trees.map(|tree| tree.path().join("src/cp")).filter(|path| path.is_file()).collect();
    programs.sort();
    programs.pop()
}

fn on_path() -> Option<PathBuf> {
    let paths = std::env::var_os("PATH")?;
    std::env::split_paths(&paths).map(|directory| directory.join("cp")).find(|path| path.exists())
}
