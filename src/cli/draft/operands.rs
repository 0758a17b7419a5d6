//! Which operands are sources, and which is the target.

use super::{Draft, TargetDirectories};
use crate::cli::usage_error::{ParseError, Result};
use crate::options::TargetRule;
use crate::quote::quoted;
use crate::tree::plan::Operands;
use std::ffi::OsStr;
use std::path::PathBuf;

impl Draft {
    /// Whether a target is named, and not only what is to be read.
    pub(in crate::cli) fn has_target(&self, operands: usize) -> bool {
        operands != 1 || self.has_target_directory()
    }

    pub(in crate::cli) fn target_directory(&mut self, directory: &OsStr) -> Result<()> {
        if self.takes == TargetDirectories::One && self.has_target_directory() {
            return Err(ParseError::last("multiple target directories specified"));
        }
        self.target_directories.push(PathBuf::from(directory));
        Ok(())
    }

    pub(in crate::cli) fn has_target_directory(&self) -> bool {
        !self.target_directories.is_empty()
    }

    /// The operands for each of several targets, if there are several.
    pub(in crate::cli) fn operands_of_each(&self, operands: &Operands) -> Option<Vec<Operands>> {
        let of = |target: &PathBuf| Operands { target: target.clone(), ..operands.clone() };
        (self.target_directories.len() > 1).then(|| self.target_directories.iter().map(of).collect())
    }

    /// The operands, by the options that tell which of them is the target; of several the first.
    pub(in crate::cli) fn operands(&self, mut sources: Vec<PathBuf>) -> Result<Operands> {
        let strips = self.strips;
        let itself = self.no_target_directory;
        if sources.is_empty() {
            return Err(ParseError::new("missing file operand"));
        }
        if let Some(directory) = self.target_directories.first() {
            if itself {
                let why = "cannot combine --target-directory (-t) and --no-target-directory (-T)";
                return Err(ParseError::last(why));
            }
            return Ok(Operands { sources, target: directory.clone(), rule: TargetRule::Directory, strips });
        }
        if sources.len() == 1 {
            let missing = format!("missing destination file operand after {}", quoted(&sources[0]));
            return Err(ParseError::new(missing));
        }
        if itself && sources.len() > 2 {
            return Err(ParseError::new(format!("extra operand {}", quoted(&sources[2]))));
        }
        let target = sources.pop().ok_or_else(|| ParseError::new("missing file operand"))?;
        let rule = if itself { TargetRule::Itself } else { TargetRule::Last };
        Ok(Operands { sources, target, rule, strips })
    }
}
