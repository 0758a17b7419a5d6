//! Files that somebody named for the program itself, not for a copy.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// A file for more lines, its owner's alone.
pub fn more_lines(path: &Path) -> std::io::Result<Box<dyn Write + Send>> {
    let mut file = std::fs::File::options().append(true).create(true).mode(0o600).open(path)?;
    // What a run that was killed has left of its last line ends here.
    file.write_all(b"\n")?;
    Ok(Box::new(file))
}

/// The lines of a file.
pub fn read_lines(path: &Path) -> std::io::Result<impl std::io::BufRead> {
    Ok(std::io::BufReader::new(std::fs::File::open(path)?))
}

/// Whether nothing has a name.
#[must_use]
pub fn is_missing(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}
