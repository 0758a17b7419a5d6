//! Completion for fish.

use super::personality::{Choice, Kind, Need, Operands, Personality, Value};

const BEGIN: &str = r#"# Completion of safecp for fish, made of its command lines by tests/generated.rs.

# Whether the first argument is this one; without a word, whether it is none of those that have a command line of their own.
function __safecp_is
    set -l first (commandline -opc)[2]
    if test (count $argv) -gt 0
        test "$first" = "$argv[1]"
    else
        not contains -- "$first" @FIRST@
    end
end

"#;

pub(super) fn script(personalities: &[Personality]) -> String {
    let first: Vec<&str> = personalities.iter().filter_map(|personality| personality.first.as_deref()).collect();
    let mut script = BEGIN.replace("@FIRST@", &first.join(" "));
    for personality in personalities {
        let condition = match &personality.first {
            Some(first) => format!("'__safecp_is {first}'"),
            None => "__safecp_is".to_owned(),
        };
        for option in &personality.options {
            script.push_str(&format!("complete -c safecp -n {condition}{}\n", specification(option)));
        }
        if personality.operands == Operands::Command {
            script.push_str(&format!("complete -c safecp -n {condition} -x -a '(__fish_complete_subcommand)'\n"));
        }
    }
    script
}

fn specification(option: &Choice) -> String {
    let letters = option.letters.iter().map(|letter| format!(" -s {letter}"));
    let spellings: String = letters.chain(option.word.iter().map(|word| format!(" -l {word}"))).collect();
    let value = match &option.value {
        Value::Nothing => String::new(),
        Value::One { kind, need, .. } => format!("{}{}", if *need == Need::Always { " -r" } else { "" }, words(kind)),
    };
    format!("{spellings}{value} -d '{}'", option.help.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn words(kind: &Kind) -> String {
    match kind {
        Kind::Word(words) => format!(" -f -a '{}'", words.join(" ")),
        Kind::Words(words) => format!(" -f -a '(__fish_append , {})'", words.join(" ")),
        Kind::File => " -F".to_owned(),
        Kind::Directory => " -f -a '(__fish_complete_directories)'".to_owned(),
        Kind::Anything => " -f".to_owned(),
    }
}
