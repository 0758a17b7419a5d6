# Completion of safecp for bash, made of its command lines by tests/generated.rs.

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
    --as=scp)
        case $option$before in
        -c | -D | -F | -i | -J | -l | -o | -P | -S | -X | --far-program | --manifest | --manifest-format | --report | --sparse | --upload | --verify) option=$before ;;
        esac
        case $option in
        -c) compopt +o default; return ;;
        -D) compopt +o default; return ;;
        -F) compopt +o default; return ;;
        -i) compopt +o default; return ;;
        -J) compopt +o default; return ;;
        -l) compopt +o default; return ;;
        -o) compopt +o default; return ;;
        -P) compopt +o default; return ;;
        -S) compopt +o default; return ;;
        -X) compopt +o default; return ;;
        --far-program) compopt +o default; return ;;
        --manifest) _safecp_file; return ;;
        --manifest-format) _safecp_word mtree b3sum sha256sum; return ;;
        --report) _safecp_file; return ;;
        --sparse) _safecp_word never auto always; return ;;
        --upload) compopt +o default; return ;;
        --verify) _safecp_word content map blake3 device none; return ;;
        esac
        if [[ $current == -* ]]; then
            _safecp_word -3 -4 -6 -A -B -C -c -D -F -i -J -l -o -O -P -p -q -R -r -S -s -T -v -X --archive --durable --far-program --manifest --manifest-format --names --partial --progress --report --resume --sparse --summary --upload --verify --help --version
        else
            _safecp_file
        fi
        ;;
    --as=mv)
        case $option$before in
        --verify | --jobs | --report | -S | --suffix | -t | --target-directory) option=$before ;;
        esac
        case $option in
        --verify) _safecp_word content map blake3 device none; return ;;
        --jobs) compopt +o default; return ;;
        --report) _safecp_file; return ;;
        --backup) _safecp_word none off simple never existing nil numbered t; return ;;
        -S | --suffix) compopt +o default; return ;;
        -t | --target-directory) _safecp_directory; return ;;
        --update) _safecp_word all none none-fail older; return ;;
        esac
        if [[ $current == -* ]]; then
            _safecp_word --verify --jobs --report --digests --summary --progress --backup -b --debug --exchange -f --force -i --interactive -n --no-clobber --no-copy --strip-trailing-slashes -S --suffix -t --target-directory -T --no-target-directory --update -u -v --verbose -Z --context --help --version
        else
            _safecp_file
        fi
        ;;
    --as=install)
        case $option$before in
        --verify | --report | -g | --group | -m | --mode | -o | --owner | --strip-program | -S | --suffix | -t | --target-directory) option=$before ;;
        esac
        case $option in
        --verify) _safecp_word content map blake3 device none; return ;;
        --report) _safecp_file; return ;;
        --backup) _safecp_word none off simple never existing nil numbered t; return ;;
        -g | --group) compopt +o default; return ;;
        -m | --mode) compopt +o default; return ;;
        -o | --owner) compopt +o default; return ;;
        --strip-program) compopt +o default; return ;;
        -S | --suffix) compopt +o default; return ;;
        -t | --target-directory) _safecp_directory; return ;;
        --context) compopt +o default; return ;;
        esac
        if [[ $current == -* ]]; then
            _safecp_word --verify --durable --require-stable --report --digests --summary --progress --backup -b -c -C --compare -d --directory -D --debug -g --group -m --mode -o --owner -p --preserve-timestamps -s --strip --strip-program -S --suffix -t --target-directory -T --no-target-directory -v --verbose --preserve-context -Z --context --help --version
        else
            _safecp_file
        fi
        ;;
    --as=cp)
        case $option$before in
        --verify | --hints | --sync | --jobs | --shard | --plan | --state | --manifest | --manifest-format | --report | --no-preserve | --sparse | -S | --suffix | -t | --target-directory) option=$before ;;
        esac
        case $option in
        --verify) _safecp_word content map blake3 device none; return ;;
        --hints) _safecp_word auto never; return ;;
        --sync) _safecp_word auto never; return ;;
        --jobs) compopt +o default; return ;;
        --shard) compopt +o default; return ;;
        --plan) compopt +o default; return ;;
        --state) _safecp_directory; return ;;
        --manifest) _safecp_file; return ;;
        --manifest-format) _safecp_word mtree b3sum sha256sum; return ;;
        --report) _safecp_file; return ;;
        --backup) _safecp_word none off simple never existing nil numbered t; return ;;
        --preserve) _safecp_words mode timestamps ownership links context xattr all; return ;;
        --no-preserve) _safecp_words mode timestamps ownership links context xattr all; return ;;
        --reflink) _safecp_word auto always never; return ;;
        --sparse) _safecp_word never auto always; return ;;
        -S | --suffix) compopt +o default; return ;;
        -t | --target-directory) _safecp_directory; return ;;
        --update) _safecp_word all none none-fail older; return ;;
        --context) compopt +o default; return ;;
        esac
        if [[ $current == -* ]]; then
            _safecp_word --verify --hints --in-place --durable --sync --require-stable --jobs --resume --partial --shard --plan --state --manifest --manifest-format --report --digests --summary --progress -a --archive --attributes-only --backup -b --copy-contents --debug -d -f --force -i --interactive -H --keep-directory-symlink -l --link -L --dereference -n --no-clobber -P --no-dereference -p --preserve --no-preserve --parents -R -r --recursive --reflink --remove-destination --sparse --strip-trailing-slashes -s --symbolic-link -S --suffix -t --target-directory -T --no-target-directory --update -u -v --verbose -x --one-file-system -Z --context --help --version
        else
            _safecp_file
        fi
        ;;
    --doctor)
        case $option$before in
        --report | --try) option=$before ;;
        esac
        case $option in
        --report) _safecp_file; return ;;
        --try) _safecp_directory; return ;;
        esac
        if [[ $current == -* ]]; then
            _safecp_word --report --try -v --verbose --help
        else
            _safecp_file
        fi
        ;;
    --guard)
        case $option$before in
        --allow) option=$before ;;
        esac
        case $option in
        --allow) _safecp_words clones offload holes; return ;;
        esac
        if [[ $current == -* ]]; then
            _safecp_word --allow --help
        else
            _safecp_command
        fi
        ;;
    --server)
        case $option$before in
        --root) option=$before ;;
        esac
        case $option in
        --root) _safecp_directory; return ;;
        esac
        if [[ $current == -* ]]; then
            _safecp_word --root --read-only --help
        else
            _safecp_file
        fi
        ;;
    --scan)
        case $option$before in
        --jobs | --report) option=$before ;;
        esac
        case $option in
        --jobs) compopt +o default; return ;;
        --report) _safecp_file; return ;;
        esac
        if [[ $current == -* ]]; then
            _safecp_word --all-sums -x --one-file-system --jobs --report --summary --progress --help
        else
            _safecp_file
        fi
        ;;
    --status)
        case $option$before in
        --state) option=$before ;;
        esac
        case $option in
        --state) _safecp_directory; return ;;
        esac
        if [[ $current == -* ]]; then
            _safecp_word --state --help
        else
            _safecp_file
        fi
        ;;
    --finish)
        case $option$before in
        --state | --jobs) option=$before ;;
        esac
        case $option in
        --state) _safecp_directory; return ;;
        --jobs) compopt +o default; return ;;
        esac
        if [[ $current == -* ]]; then
            _safecp_word --state --help --jobs
        else
            _safecp_file
        fi
        ;;
    --repair)
        case $option$before in
        --from | --jobs | --report) option=$before ;;
        esac
        case $option in
        --from) _safecp_directory; return ;;
        --jobs) compopt +o default; return ;;
        --report) _safecp_file; return ;;
        esac
        if [[ $current == -* ]]; then
            _safecp_word --from --jobs --report --summary --progress --help
        else
            _safecp_file
        fi
        ;;
    --check)
        case $option$before in
        --against | --jobs | --report) option=$before ;;
        esac
        case $option in
        --against) _safecp_directory; return ;;
        --jobs) compopt +o default; return ;;
        --report) _safecp_file; return ;;
        esac
        if [[ $current == -* ]]; then
            _safecp_word --against --strict -x --one-file-system --jobs --report --summary --progress --help
        else
            _safecp_file
        fi
        ;;
    *)
        case $option$before in
        --verify | --hints | --sync | --jobs | --shard | --plan | --state | --manifest | --manifest-format | --report | --no-preserve | --sparse | -S | --suffix | -t | --target-directory) option=$before ;;
        esac
        case $option in
        --verify) _safecp_word content map blake3 device none; return ;;
        --hints) _safecp_word auto never; return ;;
        --sync) _safecp_word auto never; return ;;
        --jobs) compopt +o default; return ;;
        --shard) compopt +o default; return ;;
        --plan) compopt +o default; return ;;
        --state) _safecp_directory; return ;;
        --manifest) _safecp_file; return ;;
        --manifest-format) _safecp_word mtree b3sum sha256sum; return ;;
        --report) _safecp_file; return ;;
        --backup) _safecp_word none off simple never existing nil numbered t; return ;;
        --preserve) _safecp_words mode timestamps ownership links context xattr all; return ;;
        --no-preserve) _safecp_words mode timestamps ownership links context xattr all; return ;;
        --reflink) _safecp_word auto always never; return ;;
        --sparse) _safecp_word never auto always; return ;;
        -S | --suffix) compopt +o default; return ;;
        --update) _safecp_word all none none-fail older; return ;;
        --context) compopt +o default; return ;;
        --as) _safecp_word cp install mv scp; return ;;
        -t | --target-directory) _safecp_directory; return ;;
        esac
        if [[ $current == -* ]]; then
            _safecp_word --verify --hints --in-place --durable --sync --require-stable --jobs --resume --partial --shard --plan --state --manifest --manifest-format --report --digests --summary --progress -a --archive --attributes-only --backup -b --copy-contents --debug -d -f --force -i --interactive -H --keep-directory-symlink -l --link -L --dereference -n --no-clobber -P --no-dereference -p --preserve --no-preserve --parents -R -r --recursive --reflink --remove-destination --sparse --strip-trailing-slashes -s --symbolic-link -S --suffix -T --no-target-directory --update -u -v --verbose -x --one-file-system -Z --context -h --help -V --version --as --guard --check --repair --server --scan --finish --status --doctor -t --target-directory
        else
            _safecp_file
        fi
        ;;
    esac
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
