# What the scripts of tests/trees share: safecp itself, and words. To be sourced after project is set.

# Builds the program, unless SAFECP_TEST_BINARY names one, and prints its path.
built_safecp() {
    if [[ -n ${SAFECP_TEST_BINARY-} ]]; then
        realpath -- "$SAFECP_TEST_BINARY"
        return
    fi
    executable '"kind":\["bin"\]' build --release --bin safecp
}

# executable PATTERN WORD...: what cargo makes for these words, of the one whose description has PATTERN. Cargo alone knows
# where: CARGO_TARGET_DIR may be relative, and its configuration may say otherwise.
executable() {
    (cd -- "$project" && cargo "${@:2}" --quiet --message-format=json-render-diagnostics) |
        sed -n "/$1/s/.*\"executable\":\"\([^\"]*\)\".*/\1/p" | tail -n 1
}

# change_byte FILE OFFSET: it becomes another one, whatever it is. Of random content, one byte in 256 is already what a test would write there.
change_byte() {
    dd if="$1" bs=1 skip="$2" count=1 status=none | LC_ALL=C tr '\000-\377' '\001-\377\000' |
        dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

need_root() {
    [[ $(id -u) == 0 ]] || { echo "${0##*/}: needs root, to mount filesystems of its own" >&2; exit 2; }
}

# Unmounts what is below the work directory and removes it.
remove_work() {
    local mounted
    cd /
    # findmnt writes a blank as \x20.
    while read -r mounted; do
        umount --lazy -- "$mounted"
    done < <(printf '%b\n' "$(findmnt --raw --noheadings --output TARGET)" | grep -F -- "$work/" | sort -r)
    rm -rf --one-file-system -- "$work"
}
