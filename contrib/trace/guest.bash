# What contrib/trace/try runs inside a guest: both programs beside GNU cp, on files that it copies wrongly and on others, and what they
# have to have said. Which copies are wrong, and of which inodes, is known from trial.c, which has nothing of it from them.
job=trace
source /job/settings
PATH=/job/bin:$PATH

main() {
    mount -t debugfs debugfs /sys/kernel/debug
    mount -t tracefs tracefs /sys/kernel/tracing
    local module=missing
    [[ ! -e /sys/kernel/btf/zfs ]] || module=there
    echo "NOTE $(run_bpftrace --version), types of the kernel $([[ -e /sys/kernel/btf/vmlinux ]] && echo there || echo missing), of zfs $module"
    make_pool
    start_tracing
    # Where writers wait, transaction groups are short, and the hole is on disk before cp comes.
    ! has_cloning || copy punched --past punched
    remember_parameters
    throttle_hard
    copy mapped --past mapped
    copy written --past written
    remove_first
    # The flusher comes to what cp has left, and is refused, and then it is not.
    sleep 2
    set_parameters "${remembered[@]}"
    bounded sync
    await_written
    copy_between
    stop_tracing
    judge mapped
    judge written
    ! has_cloning || judge punched
    judge_between
    show handed-back
    show hints
}

# Emulation compiles and attaches them in 10 to 40 seconds.
start_tracing() {
    local program try
    tracers=()
    for program in handed-back hints; do
        BPFTRACE_MAP_KEYS_MAX=32768 run_bpftrace --no-warnings "/job/$program.bt" >"/tmp/$program" 2>&1 &
        tracers+=($!)
    done
    for program in handed-back hints; do
        for try in {1..120}; do
            ! grep -q '^ *SECONDS' "/tmp/$program" 2>/dev/null || break
            sleep 1
        done
        if grep -q '^ *SECONDS' "/tmp/$program"; then
            right "$program-attaches" "$(grep -m 1 '^Attach' "/tmp/$program")"
        else
            wrong "$program-attaches" "$(tail -n 3 "/tmp/$program" | tr '\n' ' ')"
            exit 1
        fi
    done
}

# In place of the shell, which would get the signal.
run_bpftrace() {
    exec /job/bpftrace/loader --library-path /job/bpftrace/lib /job/bpftrace/bpftrace "$@"
}

stop_tracing() {
    kill -INT "${tracers[@]}"
    bounded wait_for "${tracers[@]}"
}

wait_for() {
    local process
    for process; do
        tail -f --pid="$process" -s 0.2 /dev/null
    done
}

# copy NAME OPTION...: in a dataset of that name, so that its rows have a device of their own. What came out wrong: /tmp/wrong.NAME.
copy() {
    local name=$1
    zfs create "tank/$name"
    stat -c '%Hd:%Ld' "/tank/$name" >"/tmp/device.$name"
    trial --label "job=$job row=$name program=cp expect=open" --directory "/tank/$name" --processes 2 --copies 8 --seed 7 --names --keep \
        "${@:2}" -- /bin/cp >"/tmp/trial.$name" || wrong "$name" "the trial could not be carried out"
    grep '^RESULT' "/tmp/trial.$name"
    grep '^WRONG' "/tmp/trial.$name" >"/tmp/wrong.$name"
}

remember_parameters() {
    local name
    remembered=()
    for name in zfs_dirty_data_max zfs_delay_min_dirty_percent zfs_delay_scale; do
        remembered+=("$name=$(parameter "$name")")
    done
}

# One of the sources that were copied wrongly, whose pages are then never written.
remove_first() {
    removed=$(sed -n '1s/.*source=//p' /tmp/wrong.mapped)
    [[ -z $removed ]] || bounded rm -- "$removed"
}

# FICLONE does not go from one dataset to another, copy_file_range does. The file has no holes, or cp would look for them.
copy_between() {
    head -c 1M /dev/urandom >/tank/written/dense
    zpool sync tank
    /bin/cp /tank/written/dense /tank/mapped/dense
}

# Zfs before 2.2 has no copy_file_range, and Linux then refuses to go from one to another.
judge_between() {
    local inode result=-18 letter=-
    inode=$(stat -c %i /tank/written/dense)
    ! has_cloning || result=1048576 letter=C
    rows hints "\$13 == $inode && \$NF == \"dense\" && \$4 == \"copy\" && \$6 == $result && \$7 == \"$letter\"" &&
        right hints-copies "copy_file_range: $result $letter" || wrong hints-copies "no row of a copy_file_range with $result $letter"
}

# bounded COMMAND...: not for longer than 30 seconds. What waits for such pages may wait for ever: then it says where, and goes on.
bounded() {
    local process try
    "$@" &
    process=$!
    for try in {1..150}; do
        kill -0 "$process" 2>/dev/null || return 0
        sleep 0.2
    done
    echo "NOTE $1 has not come back after 30 s: $(sed 's/^[^ ]* //' "/proc/$process/stack" | head -n 8 | tr '\n' ' ')"
}

# The last of the files that were copied wrongly, but the one that is removed.
await_written() {
    local try wanted
    wanted=$(($(wc -l </tmp/wrong.mapped) - 1))
    for try in {1..60}; do
        (($(grep -c '^ *[0-9]* written ' /tmp/handed-back) < wanted)) || return 0
        sleep 1
    done
}

# judge NAME: what the programs have said of its files, one CHECK for each thing.
judge() {
    local name=$1 device inode file corrupt=0 handed=0 ended=0 hinted=0 others what
    device=$(<"/tmp/device.$name")
    while IFS='= ' read -r _ _ inode _ file; do
        corrupt=$((corrupt + 1))
        rows handed-back "\$3 == \"$device\" && \$4 == $inode && \$NF == \"${file##*/}\" && \$2 == \"back\"" && handed=$((handed + 1))
        what=written
        [[ $file != "$removed" ]] || what=gone
        rows handed-back "\$3 == \"$device\" && \$4 == $inode && \$NF == \"${file##*/}\" && \$2 == \"$what\"" && ended=$((ended + 1))
        if [[ $name == punched ]]; then
            rows hints "\$12 == \"$device\" && \$13 == $inode && \$NF == \"${file##*/}\" && \$3 == \"cp\" && \$4 == \"clone\" && \$6 == 0 && \$7 == \"C\""
        else
            rows hints "\$12 == \"$device\" && \$13 == $inode && \$NF == \"${file##*/}\" && \$3 == \"cp\" && \$4 == \"DATA\" && \$11 == \"DIRTY\""
        fi && hinted=$((hinted + 1))
    done <"/tmp/wrong.$name"
    others=$(awk "\$3 == \"$device\" && \$2 == \"back\"" /tmp/handed-back | wc -l)
    case $name in
    mapped)
        if is_before 2.2.4; then
            ((corrupt)) && right bites "$corrupt copies were wrong" || wrong bites "GNU cp was right, so this shows nothing"
        else
            ((corrupt == 0 && others == 0)) && right mended "no copy was wrong, no page handed back" ||
                wrong mended "$corrupt copies were wrong, pages of $others files handed back"
        fi
        verdict handed-back-names "$corrupt" "$handed" "files copied wrongly that it names as handed back"
        verdict handed-back-ends "$corrupt" "$ended" "of them that it says were written later, or, the one that was removed, never"
        verdict hints-names "$corrupt" "$hinted" "files copied wrongly of which it says that SEEK_DATA was answered while pages were dirty"
        ;;
    written)
        verdict handed-back-silent 0 "$others" "files that nobody mapped of which it says anything"
        verdict hints-silent 0 "$(awk "\$12 == \"$device\" && \$8 > 0" /tmp/hints | wc -l)" "answers on them for which it saw pages"
        ;;
    punched)
        ((corrupt)) && right punched-bites "$corrupt copies were wrong" || wrong punched-bites "GNU cp was right, so this shows nothing"
        verdict hints-clones "$corrupt" "$hinted" "files copied wrongly that it names as cloned"
        verdict punched-handed-back 0 "$others" "of them of which pages were handed back"
        ;;
    esac
}

# rows PROGRAM CONDITION
rows() {
    awk "$2 { found = 1 } END { exit !found }" "/tmp/$1"
}

verdict() {
    (($2 == $3)) && right "$1" "$3 of $2 $4" || wrong "$1" "$3 of $2 $4"
}

show() {
    grep -v '^$' "/tmp/$1" | head -n 150 | sed "s/^/TRACE $1 | /"
}
