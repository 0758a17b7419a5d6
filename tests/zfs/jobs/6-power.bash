# Job 6: the power goes while `safecp --durable` copies, and after it has said success.
#
# The host kills QEMU at some moment after "POWER writing" (tests/zfs/run, lose_power), boots again with the same disk, and counts
# what this guest had said by then: every "POWER durable NUMBER" came after an exit status of 0. This boot looks at the round
# before and begins the next. GNU cp's copies, made in between, show that the power cut takes something: cp promises nothing here.
#
# In each round, for NUMBER from 1: new.NUMBER is a new file, old.NUMBER replaces a file that was on disk before, cp.NUMBER is
# made by GNU cp. A file's bytes follow from its name, so that they are known without any file.
source /job/jobs/common.bash

size=256K
files=40

main() {
    if ((round == 1)); then
        make_pool_on /dev/vdb
        # As seldom as may be: what is on disk is to be what was asked for.
        set_parameters zfs_txg_timeout=3600
    else
        zpool import -d /dev/vdb1 -f tank || give_up "the pool cannot be imported"
        set_parameters zfs_txg_timeout=3600
        look_at $((round - 1))
    fi
    if ((round <= rounds)); then
        copy_until_dead
    else
        zpool scrub -w tank
        check scrub "no error in the pool" grep -q 'No known data errors' <(zpool status tank)
        zpool export tank
    fi
}

# bytes ROUND NAME
bytes() {
    yes "round $1, $2" | head -c "$size"
}

copy_until_dead() {
    local number place=/tank/$round
    mkdir -p "$place" /tmp/sources
    for ((number = 1; number <= files; number++)); do
        bytes "$round" "before.$number" >"$place/old.$number"
    done
    zpool sync tank
    echo "POWER writing"
    for ((number = 1; number <= files; number++)); do
        bytes "$round" "new.$number" >"/tmp/sources/new"
        bytes "$round" "old.$number" >"/tmp/sources/old"
        /bin/cp /tmp/sources/new "$place/cp.$number" && echo "POWER cp $number"
        /job/bin/safecp --durable /tmp/sources/new "$place/new.$number" && /job/bin/safecp --durable /tmp/sources/old "$place/old.$number" &&
            echo "POWER durable $number"
    done
    # All copied and still power: then it is switched off now.
    sleep 600
}

# look_at ROUND: `done` pairs of files had been said to be durable, `done_by_cp` files had been copied by cp.
look_at() {
    local place=/tank/$1 number lost=0 torn=0 half=0 lost_by_cp=0
    for ((number = 1; number <= done; number++)); do
        cmp -s <(bytes "$1" "new.$number") "$place/new.$number" || lost=$((lost + 1))
        cmp -s <(bytes "$1" "old.$number") "$place/old.$number" || lost=$((lost + 1))
    done
    # What was being copied: there whole or not at all; the new bytes or the old ones.
    for ((number = done + 1; number <= files; number++)); do
        [[ ! -e $place/new.$number ]] || cmp -s <(bytes "$1" "new.$number") "$place/new.$number" || torn=$((torn + 1))
        cmp -s <(bytes "$1" "old.$number") "$place/old.$number" || cmp -s <(bytes "$1" "before.$number") "$place/old.$number" || torn=$((torn + 1))
        [[ ! -e $place/new.$number ]] || half=$((half + 1))
    done
    for ((number = 1; number <= done_by_cp; number++)); do
        cmp -s <(bytes "$1" "new.$number") "$place/cp.$number" || lost_by_cp=$((lost_by_cp + 1))
    done
    echo "RESULT job=$job row=round-$1 program=cp expect=open copies=$done_by_cp corrupt=$lost_by_cp failed=0 source_wrong=0"
    echo "RESULT job=$job row=round-$1 program=safecp expect=right copies=$((2 * done)) corrupt=$lost failed=0 source_wrong=0"
    if ((torn)); then
        wrong "round-$1-unfinished" "$torn files are neither old nor new"
    else
        right "round-$1-unfinished" "old or new, whole; $half had their new name already"
    fi
    # What was being made when the power went may stay under its temporary name: on ZFS it has one from the beginning.
    check "round-$1-temporaries" "not more than one is left" test "$(find "$place" -name '.safecp-*' | wc -l)" -le 1
    rm -rf "${place:?}"
}

main
