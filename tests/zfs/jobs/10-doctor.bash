# Job 10: what `safecp --doctor` says on real ZFS, and what its trial finds, also without root.
#
# The page has to name the bugs of this module, and the trial to find a copy by GNU cp wrong: by itself where cloning is at fault, under the
# pressure of job 1 where holes are. safecp's own copies have to be right in any case.
source /job/jobs/common.bash

main() {
    make_pool
    mkdir -m 1777 /tank/try
    examine
    if has_cloning; then
        try as-it-is
        without_root
    else
        throttle_hard
        try throttled
    fi
}

doctor() {
    ${programs[safecp]% --debug} --doctor "$@"
}

examine() {
    local status=0 bug
    doctor --report=/tmp/report /tank >/tmp/page 2>&1 || status=$?
    sed "s/^/NOTE job=$job page: /" /tmp/page
    if ((status == 2)); then right status "2: a risk"; else wrong status "exit status $status, not 2"; fi
    has_cloning && bug='#16012' || bug='#15933'
    check names-the-bug "the page names $bug" grep -q "$bug" /tmp/page
    check names-cp "cp is at risk" grep -q "/cp' would be misled" /tmp/page
    check report "the report names the bug as well" grep -q "${bug#\#}" /tmp/report
}

# try NAME [COMMAND...]: the trial, through COMMAND.
try() {
    local name=$1 status=0
    shift
    "$@" ${programs[safecp]% --debug} --doctor --try=/tank/try /tank >/tmp/page 2>&1 || status=$?
    sed -n "/^Trial in/,/^\$/s/^/NOTE job=$job $name: /p" /tmp/page
    if ((status == 2)); then right "$name-status" "2"; else wrong "$name-status" "exit status $status: $(tail -n 1 /tmp/page)"; fi
    check "$name-bites" "GNU cp's copies are found wrong" grep -Eq '^ *cp .* [1-9][0-9]*/' /tmp/page
    check "$name-safecp" "safecp's are all right" awk '/^ *safecp / { seen = 1; for (i = 2; i <= NF; i++) if ($i ~ /^[1-9][0-9]*\//) bad = 1 } END { exit !seen || bad }' /tmp/page
    check "$name-leaves-nothing" "the trial's directory is gone" test -z "$(ls -A /tank/try)"
}

without_root() {
    try without-root setpriv --reuid=1000 --regid=1000 --clear-groups
}

main
