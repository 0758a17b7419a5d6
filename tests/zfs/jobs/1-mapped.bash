# Job 1: files just written through a mapping, copied at once (OpenZFS #15933), and with write(2) (#15526).
#
# A file is extended, 40 % of its blocks are written through a mapping, unmapped, and copied. Under throttling the pages' writeback
# gives up silently, the file looks like one hole, and a copier that asks SEEK_DATA makes a file of zeros: 2.1.2 to 2.1.16
# and 2.2.0 to 2.2.3. One process is enough with throttle_hard (row R2), sixteen with throttle (R1).
source /job/jobs/common.bash

main() {
    make_pool
    bites=
    ! is_before 2.2.4 || bites="cp cp-dense"
    throttle_hard
    row R2 "cp safecp unverified unprobed" --past mapped --processes 8
    [[ $form != quick ]] || return 0
    row R2-one-process "cp safecp" --past mapped
    row R2-overwritten "cp safecp unverified unprobed" --past overwritten --processes 8
    row R2-mixed "cp safecp" --past mixed --processes 8
    row R2-dense "cp-dense safecp" --past mapped --processes 8
    row R2-still-mapped "cp safecp" --past mapped --processes 8 --keep-mapped
    records_of_4k
    no_waiting
    after_import
    throttle_less
    row R1 "cp safecp unverified unprobed" --past mapped --processes 16
    hundreds
    bites=
    row R1-written "cp safecp unverified unprobed" --past written --processes 16 --sync-ms 500
}

records_of_4k() {
    zfs set recordsize=4k tank
    row R2-4k "cp safecp unverified unprobed" --past mapped --processes 8 --block-kib 4
    zfs set recordsize=128k tank
}

# Without the wait for the transaction group in lseek.
no_waiting() {
    local default
    default=$(parameter zfs_dmu_offset_next_sync)
    set_parameters zfs_dmu_offset_next_sync=0
    row R2-no-waiting "cp safecp unverified unprobed" --past mapped --processes 8 --sync-ms 200
    set_parameters "zfs_dmu_offset_next_sync=$default"
}

# The same copies once more, as the disk has them. Their sources are looked at too: under this throttling zfs 2.1.11 never gets the pages
# to disk, and the copies are all that is left of them.
after_import() {
    local kept=$((copies < 60 ? copies : 60))
    trial --label "job=$job row=R2-kept program=safecp expect=right" --past mapped --processes 8 --copies "$kept" --seed 77 --keep \
        -- ${programs[safecp]} >/tmp/kept
    cat /tmp/kept
    zpool export tank && zpool import tank || give_up "the pool cannot be imported"
    trial --label "job=$job row=R2-imported program=safecp expect=right" --past mapped --processes 8 --copies "$kept" --seed 77 --check
    rm -f /tank/source.* /tank/target.*
}

throttle_less() {
    set_parameters zfs_delay_min_dirty_percent=60 zfs_delay_scale=500000
    throttle
}

# Many at once, beside somebody who syncs: the report in #15933.
hundreds() {
    row hundreds "cp safecp" --past mapped --processes 200 --sync-ms 500 --kib 512 --copies $((copies * 4))
}

main
