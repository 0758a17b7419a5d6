# Job 12: names that ZFS takes for one, directories that a look mounts, and trees over trees: replaced, moved, shared out, killed and gone
# on with. Trees are compared with tests/compare and cmp, which ask nothing of safecp.
source /job/jobs/common.bash

safecp=${programs[safecp]% --debug}

main() {
    make_pool
    zfs create -o acltype=posix -o xattr=sa tank/from
    one_name_for_two
    not_utf8
    looked_at_by_the_copy
    visible_snapshots
    make_tree /tank/from/tree 1
    make_tree /tank/from/newer 2
    zfs create -o acltype=posix -o xattr=dir tank/to
    replaced
    moved
    listed
    shared_out
    killed
    cached_by_zfs
}

# make_tree DIRECTORY SEED: the same names with other bytes for each SEED.
make_tree() {
    local number
    mkdir -p "$1/a/b" "$1/empty"
    for number in {1..60}; do
        head -c $((number * 531 + $2)) /dev/urandom >"$1/a/$number"
    done
    head -c 5M /dev/urandom >"$1/large"
    truncate -s 6M "$1/sparse"
    dd if=/dev/urandom of="$1/sparse" bs=128k seek=$((7 + $2)) count=3 conv=notrunc status=none
    ln "$1/large" "$1/a/b/large-too"
    ln -s "../a/$2" "$1/empty/link"
    setfattr -n user.seed -v "$2" "$1/large"
    setfacl -m "u:$((1000 + $2)):rw" "$1/a/1"
    chown "$((1000 + $2)):1001" "$1/a/2"
}

# same NAME SOURCE TARGET: no difference by tests/compare.
same() {
    local compared=0
    bash /job/bin/compare "$2" "$3" >/tmp/differences 2>&1 || compared=$?
    if ((compared == 0)) && [[ ! -s /tmp/differences ]]; then
        right "$1" "no difference"
    else
        wrong "$1" "$(head -n 1 /tmp/differences)"
    fi
}

# run COMMAND...: sets $status, and /tmp/said to its messages.
run() {
    status=0
    "$@" >/tmp/out 2>/tmp/said || status=$?
}

# A file of each name comes to a dataset that has one name for both: the second is refused, and the first stays as it came.
one_name_for_two() {
    local number=0 properties composed=$'\xc3\xa9' decomposed=$'e\xcc\x81'
    mkdir -p /tank/from/case/{up,sub} /tank/from/form
    printf 'upper' >/tank/from/case/up/NAME && printf 'lower' >/tank/from/case/up/name
    printf 'composed' >"/tank/from/form/$composed" && printf 'decomposed' >"/tank/from/form/$decomposed"
    for properties in "casesensitivity=insensitive" "casesensitivity=mixed" "normalization=formD" \
        "casesensitivity=insensitive -o normalization=formKC"; do
        number=$((number + 1))
        zfs create -o $properties "tank/folds$number" || { left_out "folds$number" "no dataset with $properties"; continue; }
        two_names "folds$number-case" /tank/from/case/up "/tank/folds$number/case"
        two_names "folds$number-form" /tank/from/form "/tank/folds$number/form"
        zfs destroy "tank/folds$number"
    done
}

# two_names NAME SOURCE TARGET: the two files of SOURCE get two names there, or one of them is refused with a message.
two_names() {
    local before after
    for before in new old; do
        run $safecp -aT "$2" "$3"
        after=$(cat "$3"/* | wc -c)
        if ((status == 0)) && diff -r "$2" "$3" >/tmp/differences 2>&1 && (($(ls "$3" | wc -l) == 2)); then
            right "$1-$before" "two files"
        elif ((status == 1)) && grep -q 'will not overwrite just-created' /tmp/said && (($(ls "$3" | wc -l) == 1)) &&
            grep -qxF -- "$(cat "$3"/*)" <(for file in "$2"/*; do cat "$file"; echo; done); then
            right "$1-$before" "$(head -n 1 /tmp/said)"
        else
            wrong "$1-$before" "exit $status, $after bytes, $(ls "$3" | wc -l) names: $(head -n 1 /tmp/said)"
        fi
    done
}

# What is no UTF-8 has no name there; everything else is copied.
not_utf8() {
    zfs create -o utf8only=on tank/utf8 || { left_out utf8 "no dataset with utf8only"; return; }
    mkdir -p /tank/from/bytes
    printf one >/tank/from/bytes/$'bad\xff' && printf two >/tank/from/bytes/good
    run $safecp -aT /tank/from/bytes /tank/utf8/bytes
    check utf8-status "exit 1, not $status: $(head -n 1 /tmp/said)" test "$status" = 1
    check utf8-message "the name and the reason" grep -qF "Invalid or incomplete multibyte or wide character" /tmp/said
    check utf8-rest "the other name is there" grep -qx two /tank/utf8/bytes/good
    check utf8-nothing-left "and nothing else" test "$(ls -A /tank/utf8/bytes)" = good
    zfs destroy tank/utf8
}

# Nobody has looked at the snapshot yet: the copy's own look mounts it.
looked_at_by_the_copy() {
    local program
    zfs create tank/snaps
    mkdir /tank/snaps/tree && head -c 1M /dev/urandom >/tank/snaps/tree/file && printf small >/tank/snaps/tree/other
    for program in cp safecp; do
        zfs snapshot "tank/snaps@$program"
        run ${programs[$program]} -a "/tank/snaps/.zfs/snapshot/$program/tree" "/tank/from/snap-$program"
        check "snapshot-$program" "exit 0, not $status: $(head -n 1 /tmp/said)" test "$status" = 0
        same "snapshot-$program-tree" /tank/snaps/tree "/tank/from/snap-$program"
        # As operands of their own, and the snapshot itself.
        zfs snapshot "tank/snaps@root-$program"
        run ${programs[$program]} -a "/tank/snaps/.zfs/snapshot/root-$program" "/tank/from/root-$program"
        check "snapshot-root-$program" "exit 0, not $status: $(head -n 1 /tmp/said)" test "$status" = 0
        same "snapshot-root-$program-tree" /tank/snaps/tree "/tank/from/root-$program/tree"
    done
}

# A walk comes upon directories that only a look mounts.
visible_snapshots() {
    local program
    zfs set snapdir=visible tank/snaps
    for program in cp safecp; do
        zfs unmount tank/snaps && zfs mount tank/snaps
        run ${programs[$program]} -a /tank/snaps/. "/tank/from/visible-$program"
        echo "NOTE job=$job visible-$program exit $status, $(wc -l </tmp/said) messages: $(head -n 1 /tmp/said)"
        [[ $program == cp ]] || check visible "the exit status of cp, $cp_status, not $status: $(head -n 1 /tmp/said)" test "$status" = "$cp_status"
        cp_status=$status
    done
    # Without times: those of the .zfs directories are of the moment.
    check visible-tree "what cp copies" diff -r /tank/from/visible-cp /tank/from/visible-safecp
    run $safecp -ax /tank/snaps/. /tank/from/visible-x
    check visible-x "exit 0, not $status: $(head -n 1 /tmp/said)" test "$status" = 0
    check visible-x-tree "and the tree" cmp /tank/snaps/tree/file /tank/from/visible-x/tree/file
    rm -rf /tank/from/visible-*
}

# A tree over another: in groups, one by one, durable, in place, with backups.
replaced() {
    local way
    for way in "" --sync=never --durable --jobs=1 --in-place --backup=numbered --remove-destination; do
        rm -rf /tank/to/copy
        run $safecp -aT /tank/from/tree /tank/to/copy
        same "new${way:-plain}" /tank/from/tree /tank/to/copy
        run $safecp -aT $way /tank/from/newer /tank/to/copy
        check "over${way:-plain}-status" "exit 0, not $status: $(head -n 1 /tmp/said)" test "$status" = 0
        if [[ $way == --backup* ]]; then
            check "over$way-old" "the old file under its backup's name" cmp /tank/from/tree/a/7 /tank/to/copy/a/7.~1~
            check "over$way" "no difference in content" diff -r --no-dereference --exclude='*.~1~' /tank/from/newer /tank/to/copy
        else
            same "over${way:-plain}" /tank/from/newer /tank/to/copy
        fi
        check "over${way:-plain}-left" "no temporary" test -z "$(find /tank/to -name '.safecp-*')"
    done
    run $safecp --verify=device -aT /tank/from/tree /tank/to/device
    check verify-device "refused with a reason, exit $status: $(head -n 1 /tmp/said)" test "$status" = 1 -a -s /tmp/said
    check verify-device-nothing "no file" test -z "$(find /tank/to/device -type f 2>/dev/null)"
    rm -rf /tank/to/copy /tank/to/device
}

# Across datasets, which are filesystems of their own.
moved() {
    rm -rf /tank/from/goes && cp -a /tank/from/tree /tank/from/goes
    run $safecp --as=mv /tank/from/goes /tank/to/came
    check moved-status "exit 0, not $status: $(head -n 1 /tmp/said)" test "$status" = 0
    same moved /tank/from/tree /tank/to/came
    check moved-gone "the source has gone" test ! -e /tank/from/goes
    run $safecp --as=install -D -m 751 /tank/from/tree/large /tank/to/installed/here
    check installed "exit 0, mode and bytes" test "$status$(stat -c %a /tank/to/installed/here)" = 0751
    check installed-bytes "and bytes" cmp /tank/from/tree/large /tank/to/installed/here
    rm -rf /tank/to/came /tank/to/installed
}

listed() {
    run $safecp -aT --manifest=/tmp/list /tank/from/tree /tank/to/listed
    check listed-status "exit 0, not $status: $(head -n 1 /tmp/said)" test "$status" = 0
    run $safecp --check /tmp/list /tank/to/listed
    check listed-right "the list is right" test "$status" = 0
    # As rot does it, which leaves the times.
    printf rotten | dd of=/tank/to/listed/large bs=1 seek=1234567 conv=notrunc status=none
    touch -r /tank/from/tree/large /tank/to/listed/large
    run $safecp --check /tmp/list /tank/to/listed
    check listed-wrong "it is found" test "$status" = 1
    run $safecp --repair /tmp/list /tank/to/listed --from /tank/from/tree
    check listed-mended "exit 0, not $status: $(head -n 1 /tmp/said)" test "$status" = 0
    check listed-bytes "and mended" cmp /tank/from/tree/large /tank/to/listed/large
    rm -rf /tank/to/listed
}

shared_out() {
    local number
    for number in 1 2 3; do
        run $safecp -aT --shard="$number/3" /tank/from/tree /tank/to/shared
        check "shard-$number" "exit 0, not $status: $(head -n 1 /tmp/said)" test "$status" = 0
    done
    run $safecp --finish /tank/to/shared
    check finish "exit 0, not $status: $(head -n 1 /tmp/said)" test "$status" = 0
    same shared /tank/from/tree /tank/to/shared
    rm -rf /tank/to/shared*
}

# Killed while it copies a file of 200 MiB: what was there stays, and the same command goes on.
killed() {
    local pid try
    head -c 200M /dev/urandom >/tank/from/huge
    mkdir /tank/to/killed && printf old >/tank/to/killed/huge
    for try in 1 2 3; do
        $safecp --partial /tank/from/huge /tank/to/killed/huge 2>/dev/null &
        pid=$!
        sleep "0.$try"
        kill -9 "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
        if cmp -s /tank/from/huge /tank/to/killed/huge; then
            right "killed-$try" "it was done before"
        else
            check "killed-$try" "the old file" grep -qx old /tank/to/killed/huge
        fi
    done
    run $safecp --partial /tank/from/huge /tank/to/killed/huge
    check killed-end "exit 0, not $status: $(head -n 1 /tmp/said)" test "$status" = 0
    check killed-bytes "all of it" cmp /tank/from/huge /tank/to/killed/huge
    check killed-left "and nothing else" test "$(ls -A /tank/to/killed)" = huge
    rm -rf /tank/to/killed /tank/from/huge
}

# Datasets whose reads come another way: without a cache of file content, of large records, deduplicated, with holes of zeros.
cached_by_zfs() {
    local number=0 properties
    for properties in "primarycache=metadata" "recordsize=1M -o compression=zle" "dedup=on" "recordsize=4k -o compression=off" "sync=always" \
        "copies=2 -o checksum=sha256"; do
        number=$((number + 1))
        zfs create -o acltype=posix -o xattr=sa -o $properties "tank/kind$number" ||
            { left_out "kind$number" "no dataset with $properties"; continue; }
        run $safecp -aT /tank/from/tree "/tank/kind$number/copy"
        check "kind$number-status" "$properties: exit 0, not $status: $(head -n 1 /tmp/said)" test "$status" = 0
        same "kind$number" /tank/from/tree "/tank/kind$number/copy"
        run $safecp -aT "/tank/kind$number/copy" /tank/to/back
        same "kind$number-back" /tank/from/tree /tank/to/back
        rm -rf /tank/to/back
        zfs destroy -r "tank/kind$number"
    done
}

main
