//! Why a server refused, in the kernel's words where its own say less.

use super::far_path::shown;
use super::types::Failure;
use super::wire::{self, Answer};
use crate::error::reason;
use crate::kernel::Errno;

/// The reason of an answer that is no success. What a server writes is not printed as it is: it may hold anything.
pub(super) fn refusal(answer: &Answer) -> String {
    let Answer::Status(code, words) = answer else { return "unexpected answer".to_owned() };
    match code {
        2 => reason(Errno::NOENT),
        3 => reason(Errno::ACCESS),
        8 => reason(Errno::OPNOTSUPP),
        _ => {
            let plain: String = words.chars().filter(|character| !character.is_control()).collect();
            if plain.is_empty() { format!("error {code} of the server") } else { plain }
        }
    }
}

/// Whether that is all that the server says.
pub(super) fn is_failure(answer: &Answer) -> bool {
    matches!(answer, Answer::Status(wire::FAILURE, _))
}

/// The failure of a look at a far name.
pub(super) fn unseen(path: &[u8], answer: &Answer) -> Failure {
    Failure::Far { action: "cannot stat", name: shown(path).into(), reason: refusal(answer) }
}

/// Whether it says that nothing has the name. Any other failure tells nothing of what is there.
pub(super) fn is_missing(answer: &Answer) -> bool {
    matches!(answer, Answer::Status(wire::NO_SUCH_FILE, _))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_character_of_a_server_reaches_the_terminal() {
        let answer = Answer::Status(4, "\u{1b}[2Jno\r\nroom".to_owned());
        assert_eq!(refusal(&answer), "[2Jnoroom");
        assert_eq!(refusal(&Answer::Status(4, String::new())), "error 4 of the server");
        assert_eq!(refusal(&Answer::Status(2, "x".to_owned())), "No such file or directory");
    }
}
