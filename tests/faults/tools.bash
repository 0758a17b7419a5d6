# The programs that tests/faults/run --compare compares, each built or installed once. To be sourced.

declare -A packages_of_tools=([rsync]=rsync)

# Prints name=path,... of all of them.
compared_tools() {
    local cache=${XDG_CACHE_HOME:-$HOME/.cache}/safecp-faults
    install_tools packages_of_tools
    mkdir -p -- "$cache"
    [[ -x $cache/xcp/bin/xcp ]] || build_tool xcp xcp || give_up "xcp cannot be built"
    [[ -x $cache/uutils/bin/coreutils ]] || build_tool uutils coreutils --no-default-features --features cp ||
        give_up "uutils cp cannot be built"
    # It does what its name says.
    ln -sf coreutils "$cache/uutils/bin/cp"
    local reference
    reference=$(bash "$project/tests/gnu/run" --reference)
    echo "safecp=$SAFECP_TEST_BINARY,gnu-system=$(command -v cp),gnu-9.10=$reference,uutils=$cache/uutils/bin/cp,xcp=$cache/xcp/bin/xcp,rsync=$(command -v rsync)"
}

# path_of NAME LIST: of a program in what compared_tools prints.
path_of() {
    tr ',' '\n' <<<"$2" | sed -n "s/^$1=//p"
}

# build_tool DIRECTORY CRATE [OPTION...]
build_tool() {
    local cache=${XDG_CACHE_HOME:-$HOME/.cache}/safecp-faults directory=$1
    shift
    cargo install --quiet --locked --root "$cache/$directory" "$@" >&2
}
