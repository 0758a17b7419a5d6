//! The process's surroundings, asked once before the run: a room for each of them.

mod called_as;
mod environment;
mod files;
mod inherited;
mod machine;
mod pipe;
mod program;
mod standard_handles;

pub use called_as::CalledAs;
pub use environment::{Environment, environment, variable};
pub use files::{is_missing, more_lines, read_lines};
pub use inherited::{allow_many_files, forget_umask, group, keeps_set_ids, umask, user, working_directory};
pub use machine::{ATTRIBUTE_RULES, Host, ZFS_MODULE, attribute_rules, parse_release, this_host, zfs_module};
pub use pipe::widen;
pub use program::{Program, path, program};
pub use standard_handles::{ask, columns, columns_of_output, is_answered_by_hand, messages, output, says_on_terminal};
