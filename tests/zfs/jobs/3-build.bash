# Job 3: a running build. A linker writes its program through a mapping, and a moment later the build system copies the directory into
# an image, which is how a package manager met OpenZFS #15933: programs full of zeros were installed.
#
# ld.gold maps its output, as Go's linker does. Each program is linked a second time on tmpfs, where there is nothing to go wrong, and
# the installed one is compared with that.
source /job/jobs/common.bash

main() {
    make_pool
    mkdir /tmp/objects
    tar -xf /job/objects.tar -C /tmp/objects
    throttle_hard
    write_beside &
    local writer=$!
    bites=
    ! is_before 2.2.4 || bites=cp
    if [[ -x /job/linker/ld.gold ]]; then
        builds install-gold link_gold "cp safecp unverified unprobed"
    else
        left_out ld.gold "this suite has no ld.gold"
    fi
    if [[ -x /job/linker/go/link ]]; then
        copies=$((copies / 3 + 1)) builds install-go link_go "cp safecp"
    else
        left_out go "this suite has no Go"
    fi
    kill "$writer"
}

# The rest of the build: somebody always has something to write.
write_beside() {
    while true; do
        head -c 4M /dev/zero | tr '\0' x >/tank/beside
    done
}

# builds ROW LINKER PROGRAMS
builds() {
    local program log expect corrupt failed made started
    for program in $3; do
        log=/tmp/log.$1.$program
        corrupt=0 failed=0 started=$EPOCHREALTIME
        for ((made = 0; made < copies; made++)); do
            build "$made" "$2" || { wrong "$1" "the program cannot be linked: $(tail -n 1 /tmp/linked)"; return; }
            if ! ${programs[$program]} -R /tank/work /tank/image >>"$log" 2>&1; then
                failed=$((failed + 1))
            elif ! cmp -s /tmp/reference /tank/image/program; then
                corrupt=$((corrupt + 1))
            fi
            rm -rf /tank/work /tank/image
        done
        expect=right
        [[ $program != cp ]] || expect=${bites:+bites}
        echo "RESULT job=$job row=$1 program=$program expect=${expect:-open} copies=$made corrupt=$corrupt failed=$failed source_wrong=0" \
            "seconds=$(awk -v a="$started" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')"
        tally "$1" "$program" "$log"
    done
}

# build NUMBER LINKER: the number goes into the program, so that no build is like the one before.
build() {
    mkdir -p /tank/work
    "$2" "$1" /tmp/reference && "$2" "$1" /tank/work/program
} >/tmp/linked 2>&1

# Another order of the objects moves every byte.
link_gold() {
    local order
    order=$(printf '%s\n' /tmp/objects/part.*.o | shuf --random-source=<(yes "$1")) || return 1
    /job/linker/loader --library-path /job/linker /job/linker/ld.gold --build-id=none -o "$2" /tmp/objects/start.o $order
}

link_go() {
    /job/linker/go/link -importcfg /job/linker/go/importcfg -buildid= -X "main.Number=$1" -o "$2" /job/linker/go/1.a
}

main
