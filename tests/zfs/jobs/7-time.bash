# Job 7: what it costs. safecp and cp copy the same clean files in turn, in the same boot; the ratio of each pair is taken, and of the
# ratios the middle. Clean: written, read back, on disk, never mapped.
#
# Under software emulation the processor is slow and the disk (a RAM disk) fast, and vector instructions are slower still, so that
# hashing weighs more than on any machine. The ratios are an upper end, not what a user will see.
source /job/jobs/common.bash

pairs=5
[[ $form != full ]] || pairs=11

main() {
    make_pool
    head -c 64M /dev/urandom >/tank/dense
    truncate -s 512M /tank/sparse
    head -c 16M /dev/urandom | dd of=/tank/sparse bs=128k seek=64 conv=notrunc iflag=fullblock status=none
    mkdir /tank/many
    local number
    for number in {1..200}; do
        head -c 8K /dev/urandom >"/tank/many/$number"
    done
    zpool sync tank
    cat /tank/dense /tank/sparse /tank/many/* >/dev/null
    make_compared cp-and-cmp --reflink=auto
    make_compared cp-never-and-cmp --reflink=never
    local against others=(cp-never cp-never-and-cmp)
    # Where cp clones, it reads nothing; what it has made is known to be right when somebody has read both.
    ! has_cloning || others+=(cp cp-and-cmp)
    for against in "${others[@]}"; do
        compare_times dense-64MiB "$against" "" /tank/dense
        # Who wants to know whether a sparse copy is right has to read its source's holes, and so does safecp.
        compare_times sparse-512MiB-16MiB-of-data "$against" "" /tank/sparse
        compare_times 200-files-of-8KiB "$against" -aT /tank/many
        compare_times 200-files-of-8KiB-over-as-many "$against" -aT /tank/many kept
    done
    compare_times dense-64MiB-unverified cp-never "" /tank/dense removed unverified
}

# make_compared NAME REFLINK: a program that is cp, and then a comparison of everything by one process.
make_compared() {
    cat >"/tmp/$1" <<END
#!/bin/sh
/bin/cp $2 "\$@" || exit
shift \$((\$# - 2))
if [ -d "\$1" ]; then exec diff -qr "\$1" "\$2"; else exec cmp "\$1" "\$2"; fi
END
    chmod +x "/tmp/$1"
    programs[$1]=/tmp/$1
}

# compare_times ROW AGAINST OPTIONS SOURCE [TARGET [PROGRAM]]: TARGET is `removed` after each copy, or `kept`, so that each program
# copies over a target of its own which has stood there since its first, uncounted copy.
compare_times() {
    local row=$1 against=$2 options=$3 source=$4 target=${5:-removed} program=${6:-safecp} pair
    for ((pair = 0; pair <= pairs; pair++)); do
        # The first pair only warms up.
        echo "$(seconds "$program" "$options" "$source" "$target") $(seconds "$against" "$options" "$source" "$target") $pair"
    done | awk -v label="job=$job row=$row program=$program against=$against pairs=$pairs" '
        $3 > 0 { ours[$3] = $1; theirs[$3] = $2; ratio[$3] = $1 / $2; n++ }
        function middle(list, i, j, swap) {
            for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++) if (list[j] < list[i]) { swap = list[i]; list[i] = list[j]; list[j] = swap }
            return list[int((n + 1) / 2)]
        }
        END {
            a = middle(ours); b = middle(theirs); r = middle(ratio)
            printf "TIME %s seconds=%.2f against_seconds=%.2f ratio=%.2f least=%.2f most=%.2f\n", label, a, b, r, ratio[1], ratio[n]
        }'
    local log=/tmp/log.time
    ${programs[$program]} $options "$source" "/tank/copy.$program" >"$log" 2>&1
    tally "$row" "$program" "$log"
    rm -rf /tank/copy.* "$log"
}

# seconds PROGRAM OPTIONS SOURCE TARGET
seconds() {
    local copy=/tank/copy.$1 started=$EPOCHREALTIME
    ${programs[$1]/ --debug/} $2 "$3" "$copy" >/tmp/said 2>&1 || wrong "time-$1" "$(head -n 1 /tmp/said)" >&2
    awk -v a="$started" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.3f", b - a }'
    [[ $4 == kept ]] || rm -rf "$copy"
    zpool sync tank
}

main
