//! Completion for bash.

use super::personality::{Kind, Need, Operands, Personality, Value};
use std::fmt::Write;

/// The part that is the same for every command line.
const BEGIN: &str = r#"# Completion of safecp for bash, made of its command lines by tests/generated.rs.

_safecp() {
    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} joined= option= first= at=1 word
    COMPREPLY=()

    # bash takes '=' for a word of its own, unless COMP_WORDBREAKS has been changed.
    if [[ $current == = ]]; then
        option=$before current=
    elif [[ $before == = ]]; then
        option=${COMP_WORDS[COMP_CWORD - 2]} current=$2
    elif [[ $current == --*=* ]]; then
        joined=${2%%=*}= option=${2%%=*} current=${2#*=}
    else
        current=$2
    fi

    if ((COMP_CWORD > 1)); then
        first=${COMP_WORDS[1]} at=2
        [[ $first != --as || ${COMP_WORDS[2]-} != = ]] || first=--as=${COMP_WORDS[3]-} at=4
        ((at <= COMP_CWORD)) || first=
    fi
    case $first in
"#;

const END: &str = r#"    esac
}

# The words that begin as what was typed.
_safecp_word() {
    compopt +o default
    COMPREPLY=($(compgen -P "$joined" -W "$*" -- "$current"))
}

# The same after the last comma.
_safecp_words() {
    local last=${current##*,}
    compopt +o default -o nospace
    COMPREPLY=($(compgen -P "$joined${current%"$last"}" -W "$*" -- "$last"))
}

# Without an answer bash completes files, with the right quotes; in an argument with an option it cannot.
_safecp_file() {
    [[ -z $joined ]] || _safecp_names -f
}

_safecp_directory() {
    compopt +o default
    _safecp_names -d
}

_safecp_names() {
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -P "$joined" "$1" -- "$current")
}

# A command, and then what its own completion says, where that can be asked.
_safecp_command() {
    while ((at < COMP_CWORD)); do
        word=${COMP_WORDS[at]}
        [[ $word == -* || $word == = || ${COMP_WORDS[at - 1]} == [=] ]] || break
        at=$((at + 1))
        [[ $word != -- ]] || break
    done
    if ((at < COMP_CWORD)); then
        if declare -F _comp_command_offset >/dev/null; then
            _comp_command_offset "$at"
        elif declare -F _command_offset >/dev/null; then
            _command_offset "$at"
        fi
    elif [[ $current != */* ]]; then
        mapfile -t COMPREPLY < <(compgen -c -- "$current" | sort -u)
    fi
}

complete -o default -F _safecp safecp
"#;

pub(super) fn script(personalities: &[Personality]) -> String {
    let mut script = BEGIN.to_owned();
    // Copies come last: every other word is a part of one.
    for personality in personalities.iter().rev() {
        let pattern = personality.first.as_deref().unwrap_or("*");
        write(&mut script, pattern, personality);
    }
    script.push_str(END);
    script
}

/// A String takes whatever is written to it.
fn write(script: &mut String, pattern: &str, personality: &Personality) {
    let mut line = |text: String| writeln!(script, "{text}").unwrap_or(());
    line(format!("    {pattern})"));
    let valued = personality.options.iter().filter_map(|option| match &option.value {
        Value::One { kind, need, .. } => Some((option, kind, *need)),
        Value::Nothing => None,
    });
    let separate: Vec<String> = valued
        .clone()
        .filter(|(_, _, need)| *need == Need::Always)
        .flat_map(|(option, ..)| option.spellings())
        .collect();
    if !separate.is_empty() {
        line("        case $option$before in".to_owned());
        line(format!("        {}) option=$before ;;", separate.join(" | ")));
        line("        esac".to_owned());
    }
    line("        case $option in".to_owned());
    for (option, kind, _) in valued {
        let answer = match kind {
            Kind::Word(words) => format!("_safecp_word {}", words.join(" ")),
            Kind::Words(words) => format!("_safecp_words {}", words.join(" ")),
            Kind::File => "_safecp_file".to_owned(),
            Kind::Directory => "_safecp_directory".to_owned(),
            Kind::Anything => "compopt +o default".to_owned(),
        };
        line(format!("        {}) {answer}; return ;;", option.spellings().join(" | ")));
    }
    line("        esac".to_owned());
    let spellings = personality.options.iter().flat_map(|option| option.spellings());
    let spellings: Vec<String> = spellings.collect();
    let otherwise = match personality.operands {
        Operands::Files => "_safecp_file",
        Operands::Command => "_safecp_command",
    };
    line("        if [[ $current == -* ]]; then".to_owned());
    line(format!("            _safecp_word {}", spellings.join(" ")));
    line("        else".to_owned());
    line(format!("            {otherwise}"));
    line("        fi".to_owned());
    line("        ;;".to_owned());
}
