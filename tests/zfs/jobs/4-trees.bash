# Job 4: trees, and places that end: holes, access control lists, extended attributes (xattr=sa and dir), snapshots, a full pool, a quota,
# a dataset that may only be read. Trees are compared with tests/compare, which asks nothing of safecp.
source /job/jobs/common.bash

main() {
    local attributes
    for attributes in sa dir; do
        zfs list tank >/dev/null 2>&1 || make_pool
        zfs create -o acltype=posix -o "xattr=$attributes" "tank/$attributes"
        make_tree "/tank/$attributes/tree" "$attributes"
    done
    local program to
    for program in cp safecp; do
        for attributes in sa dir; do
            for to in sa dir; do
                copy_tree "tree-$attributes-to-$to" "$program" "/tank/$attributes/tree" "/tank/$to/copy"
            done
        done
    done
    from_snapshot
    from_read_only
    to_read_only
    to_quota
    full_pool
}

# make_tree DIRECTORY KIND
make_tree() {
    local tree=$1 number
    mkdir -p "$tree/deep/er/still" "$tree/empty"
    for number in {1..40}; do
        head -c $((number * 777)) /dev/urandom >"$tree/deep/small.$number"
    done
    head -c 3M /dev/urandom >"$tree/dense"
    : >"$tree/nothing"
    # Holes at the beginning, in the middle and at the end.
    truncate -s 8M "$tree/sparse"
    dd if=/dev/urandom of="$tree/sparse" bs=128k seek=8 count=4 conv=notrunc status=none
    dd if=/dev/urandom of="$tree/sparse" bs=128k seek=40 count=1 conv=notrunc status=none
    truncate -s 5M "$tree/all-hole"
    head -c 2M /dev/urandom >"$tree/punched"
    zpool sync tank
    fallocate --punch-hole --offset 512K --length 1M "$tree/punched"
    ln "$tree/dense" "$tree/deep/dense-too"
    ln -s ../dense "$tree/deep/link"
    ln -s nowhere "$tree/dangling"
    mkfifo "$tree/fifo"
    printf x >"$tree/"$'a\nname'
    setfacl -m u:1000:rw,g:1001:r "$tree/dense"
    setfacl -d -m u:1001:rx "$tree/deep"
    setfattr -n user.small -v value "$tree/dense"
    setfattr -n user.large -v "$(head -c 30000 /dev/urandom | base64 -w 0)" "$tree/sparse"
    setfattr -n trusted.mark -v "$2" "$tree/nothing"
    chown 1000:1001 "$tree/deep/small.7"
    chmod 6751 "$tree/deep/small.8"
    touch -d '2001-02-03 04:05:06.789012345' "$tree/deep/small.9" "$tree/empty"
}

# copy_tree NAME PROGRAM SOURCE TARGET: cp's result is told, safecp's judged.
copy_tree() {
    local name=$1-$2 log=/tmp/log.tree status=0 compared=0 differences
    rm -rf "$4"
    ${programs[$2]} -a "$3" "$4" >"$log" 2>&1 || status=$?
    bash /job/bin/compare "$3" "$4" >/tmp/differences 2>&1 || compared=$?
    differences=$(wc -l </tmp/differences)
    tally "$1" "$2" "$log"
    if ((status == 0 && compared == 0 && differences == 0)); then
        right "$name" "exit 0, no difference"
    elif [[ $2 == cp ]]; then
        echo "NOTE job=$job name=$name exit $status, $differences differences: $(head -n 1 /tmp/differences)"
    else
        wrong "$name" "exit $status, $differences differences: $(grep -a '^safecp: ' "$log" | head -n 1) $(head -n 1 /tmp/differences)"
    fi
    rm -rf "$4"
}

# A snapshot cannot be changed or mapped for writing; it is mounted by looking at it.
from_snapshot() {
    zfs snapshot tank/sa@before
    rm "/tank/sa/tree/dense" && head -c 1M /dev/urandom >/tank/sa/tree/sparse
    # The first look mounts it, which changes the device number of its root.
    ls /tank/sa/.zfs/snapshot/before/tree >/dev/null || { left_out snapshot "it is not mounted by looking at it here"; return; }
    copy_tree snapshot cp /tank/sa/.zfs/snapshot/before/tree /tank/dir/copy
    copy_tree snapshot safecp /tank/sa/.zfs/snapshot/before/tree /tank/dir/copy
}

from_read_only() {
    zfs set readonly=on tank/dir
    copy_tree from-read-only cp /tank/dir/tree /tank/sa/copy
    copy_tree from-read-only safecp /tank/dir/tree /tank/sa/copy
    zfs set readonly=off tank/dir
}

to_read_only() {
    zfs set readonly=on tank/dir
    must_fail to-read-only "Read-only file system" /tank/sa/tree/punched /tank/dir/new
    zfs set readonly=off tank/dir
}

# More is copied than fits, as a new file and over an old one.
to_quota() {
    zfs create -o quota=8M -o compression=off tank/quota
    head -c 20M /dev/urandom >/tank/large
    exhaust quota "Disk quota exceeded" /tank/quota
}

full_pool() {
    truncate -s 80M /tmp/small.img
    if ! zpool create -O compression=off -m /small small /tmp/small.img; then
        left_out full-pool "no pool in a file can be made"
        return
    fi
    head -c 100M /dev/urandom >/tank/large
    exhaust full-pool "No space left on device" /small
    zpool destroy small
}

# exhaust NAME MESSAGE DIRECTORY
exhaust() {
    printf old >"$3/old"
    must_fail "$1-new" "$2" /tank/large "$3/new"
    must_fail "$1-old" "$2" /tank/large "$3/old"
    check "$1-old-kept" "what was there is still there" grep -qx old "$3/old"
    check "$1-nothing-left" "no temporary" test "$(ls -A "$3")" = old
}

# must_fail NAME MESSAGE SOURCE TARGET: safecp says so, exits with 1 and leaves no new file.
must_fail() {
    local status=0 existed=false
    [[ ! -e $4 ]] || existed=true
    /job/bin/safecp "$3" "$4" >/tmp/said 2>&1 || status=$?
    if ((status != 1)); then
        wrong "$1" "exit $status"
    elif ! grep -q "$2" /tmp/said; then
        wrong "$1" "it says: $(head -n 1 /tmp/said)"
    elif ! $existed && [[ -e $4 ]]; then
        wrong "$1" "a part of the file is there"
    else
        right "$1" "$(head -n 1 /tmp/said)"
    fi
}

main
