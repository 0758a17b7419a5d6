# Job 11: whether `safecp --scan` finds the victims.
#
# Files of each kind that it judges are written through a mapping and copied at once by GNU cp, as in job 1: copies of nothing but zeros. With the first
# third written by write(2), the copies begin as they should. Each copy is then compared with what was written; --scan, which has only the copies, has to
# tell every one that differs, and none that is right.
#
# From zfs 2.2.4 on a copy goes wrong by old bytes and not by zeros, which no scan can tell.
source /job/jobs/common.bash

main() {
    if ! is_before 2.2.4; then
        left_out scan "this module's victims have no zeros that were not written"
        return
    fi
    make_pool
    throttle_hard
    local kind
    for kind in /job/kinds/*; do
        scan "$kind" mapped
        scan "$kind" mixed
    done
}

# scan KIND PAST: a line of the copies, and a check of what --scan says of them.
scan() {
    local name=${1##*/}-$2 copy victims=0 missed= alarms=
    mkdir /tank/copies
    trial --label "job=$job row=$name program=cp expect=bites" --like "$1" --past "$2" --processes 8 --copies "$copies" \
        --seconds "$row_seconds" --targets /tank/copies --keep -- ${programs[cp]}
    ${programs[safecp]% --debug} --scan /tank/copies >/tmp/found 2>&1
    for copy in /tank/copies/*; do
        if ! cmp -s "$1" "$copy"; then
            victims=$((victims + 1))
            grep -qF "'$copy'" /tmp/found || { missed+=" ${copy##*/}"; differences "$1" "$copy"; }
        elif grep -qF "'$copy'" /tmp/found; then
            alarms+=" ${copy##*/}"
        fi
    done
    if [[ $missed$alarms ]]; then
        wrong "$name" "$victims victims, not told:${missed:- none}; right and told:${alarms:- none}"
    else
        right "$name" "$victims victims, all told; of the others none"
    fi
    rm -rf /tank/copies /tank/source.*
}

# differences RIGHT WRONG: which bytes, in pages.
differences() {
    cmp -l "$1" "$2" | awk -v name="${2##*/}" '
        { page = int(($1 - 1) / 4096); if (page != last + 1 && page != last || !seen) { if (seen) out = out first "-" last " "; first = page; seen = 1 }
          last = page; if ($3 != 0) other++ }
        END { print "NOTE " name " differs in pages " out first "-" last ", of which bytes that are no zeros: " other + 0 }' 2>&1
}

main
