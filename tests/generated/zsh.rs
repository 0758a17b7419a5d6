//! Completion for zsh.

use super::personality::{Choice, Kind, Need, Operands, Personality, Value};

const BEGIN: &str = r#"#compdef safecp
# Completion of safecp for zsh, made of its command lines by tests/generated.rs.

_safecp() {
    local first=
    local -a options
    ((CURRENT <= 2)) || first=$words[2]
    case $first in
"#;

const END: &str = r#"    esac
    # What follows the first argument is a command line of its own.
    if [[ -n $first ]]; then
        shift words
        ((CURRENT--))
    fi
    _arguments -s -S $options
}

_safecp "$@"
"#;

pub(super) fn script(personalities: &[Personality]) -> String {
    let mut script = BEGIN.to_owned();
    // Copies come last: every other word is a part of one.
    for personality in personalities.iter().rev() {
        let pattern = personality.first.as_deref().unwrap_or("*");
        script.push_str(&format!("    {pattern})\n"));
        if personality.first.is_none() {
            script.push_str("        first=\n");
        }
        script.push_str("        options=(\n");
        for option in &personality.options {
            script.push_str(&format!("            {}\n", specification(option)));
        }
        let operands = match personality.operands {
            Operands::Files => vec!["'*:file:_files'"],
            Operands::Command => vec!["'(-):command:_command_names -e'", "'*::argument:_normal'"],
        };
        for operand in operands {
            script.push_str(&format!("            {operand}\n"));
        }
        script.push_str("        )\n        ;;\n");
    }
    script.push_str(END);
    script
}

/// As _arguments has it: '*'{-t+,--target-directory=}'[help]:DIRECTORY:_files -/'.
fn specification(option: &Choice) -> String {
    let (sign, word_sign, value) = match &option.value {
        Value::Nothing => ("", "", String::new()),
        Value::One { name, kind, need } => {
            let (sign, word_sign, colon) = match need {
                Need::Always => ("+", "=", ":"),
                Need::Joined => ("-", "=-", ":"),
                Need::Optional => ("-", "=-", "::"),
            };
            (sign, word_sign, format!("{colon}{name}:{}", action(name, kind)))
        }
    };
    let letters = option.letters.iter().map(|letter| format!("-{letter}{sign}"));
    let spellings: Vec<String> = letters.chain(option.word.iter().map(|word| format!("--{word}{word_sign}"))).collect();
    let help = option.help.replace('\'', "'\\''").replace('[', "\\[").replace(']', "\\]").replace(':', "\\:");
    match &spellings[..] {
        [one] => format!("'*{one}[{help}]{value}'"),
        several => format!("'*'{{{}}}'[{help}]{value}'", several.join(",")),
    }
}

fn action(name: &str, kind: &Kind) -> String {
    match kind {
        Kind::Word(words) => format!("({})", words.join(" ")),
        Kind::Words(words) => format!("_values -s , {name} {}", words.join(" ")),
        Kind::File => "_files".to_owned(),
        Kind::Directory => "_files -/".to_owned(),
        Kind::Anything => " ".to_owned(),
    }
}
