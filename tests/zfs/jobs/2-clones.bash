# Job 2: block cloning. A clone shares the blocks that the disk has, whatever a reader would see (OpenZFS #16012, #15933, #18412).
#
# On a module without cloning (before 2.2) only the rows that need none are run.
source /job/jobs/common.bash

# Rows are many here: so many copies in each make more than 1,000 of safecp and of cp.
[[ $form != full ]] || copies=45
all="cp cp-always safecp always unverified unprobed"

main() {
    make_pool
    zfs create tank/other
    bites=
    punched_and_truncated
    has_cloning || return 0
    mapped
    without_waiting
    across_datasets
    encrypted
    emptied_targets
    dirty_waiting
    cloning_disabled
}

# #16012, in every release with cloning: the hole is not in the blocks that are cloned. One process and no pressure are enough.
punched_and_truncated() {
    local past
    ! has_cloning || bites="cp cp-always"
    for past in punched truncated; do
        row "$past" "cp-never $all" --past "$past" --processes 8
    done
    bites=
}

mapped() {
    row mapped "$all" --past mapped --processes 8
    row mapped-still-mapped "$all" --past mapped --processes 8 --keep-mapped
    # Before 2.2.4 a clone did not know of dirty pages; EAGAIN protects only a file without any block on disk.
    ! is_before 2.2.4 || bites="cp cp-always"
    row mapped-tail-on-disk "$all" --past tail --processes 8
    bites=
}

# Without the wait in lseek nothing unprivileged settles a clone, so that safecp does not try one.
without_waiting() {
    local default
    default=$(parameter zfs_dmu_offset_next_sync)
    set_parameters zfs_dmu_offset_next_sync=0
    bites="cp cp-always"
    row punched-no-waiting "$all" --past punched --processes 8
    bites=
    set_parameters "zfs_dmu_offset_next_sync=$default"
}

# FICLONE refuses (EXDEV), copy_file_range clones.
across_datasets() {
    bites="cp"
    row punched-to-another-dataset "$all" --past punched --processes 8 --targets /tank/other
    bites=
}

encrypted() {
    head -c 32 /dev/urandom >/tmp/key
    if ! zfs create -o encryption=on -o keyformat=raw -o keylocation=file:///tmp/key tank/secret; then
        left_out encrypted "no encrypted dataset can be made"
        return
    fi
    bites="cp cp-always"
    row punched-encrypted "$all" --past punched --processes 8 --directory /tank/secret
    bites=
    row punched-to-encrypted "cp safecp always" --past punched --processes 8 --targets /tank/secret
    row mapped-encrypted "$all" --past mapped --processes 8 --directory /tank/secret
}

# #18412: cloning into a file that was emptied in a transaction group that is still open; the clone reads as zeros. cp empties what it
# writes over; safecp makes a new file, and with --in-place it must not clone.
emptied_targets() {
    row over-emptied "cp safecp in-place always" --past clean --over --processes 8 --readers 2
}

# EAGAIN for dirty blocks, or a wait until they are clean: the default became 1 with 2.3.4.
dirty_waiting() {
    local default other
    default=$(parameter zfs_bclone_wait_dirty)
    [[ $default == none ]] && { left_out wait-dirty "this module has no zfs_bclone_wait_dirty"; return; }
    other=$((1 - default))
    set_parameters "zfs_bclone_wait_dirty=$other"
    bites="cp cp-always"
    row "punched-wait-dirty-$other" "$all" --past punched --processes 8
    bites=
    row "mapped-wait-dirty-$other" "$all" --past mapped --processes 8
    row "mapped-tail-wait-dirty-$other" "$all" --past tail --processes 8
    set_parameters "zfs_bclone_wait_dirty=$default"
}

cloning_disabled() {
    set_parameters zfs_bclone_enabled=0
    row punched-cloning-disabled "$all" --past punched --processes 8
    row mapped-cloning-disabled "cp safecp unverified unprobed" --past mapped --processes 8
    set_parameters zfs_bclone_enabled=1
}

main
