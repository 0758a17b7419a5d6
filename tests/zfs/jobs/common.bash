# What the jobs share, inside the guest: pools, parameters, rows of copies, and words for the host. To be sourced.
#
# The host understands lines that begin with these words, each followed by key=value:
#
#   RESULT   one program's copies in one row: job, row, program, expect, copies, corrupt, failed, ... (printed by trial.c)
#   REASON   how often safecp copied so and for that reason in a row; `text` is the rest of the line
#   TIME     how long a program took in a row
#   CHECK    something that is right or wrong: job, name, status=right|wrong|left-out, and `note`, the rest of the line
#
# expect is what a program has to do: `right` no corrupt copy and none failed, `honest` no corrupt copy, `bites` at least one
# corrupt copy, or else the row proves nothing about the others, `open` anything.

job=$(basename -- "$0" .bash)
source /job/settings

# What is run for each name of a program. unverified and unprobed have one of safecp's two nets each.
declare -A programs=(
    [cp]="/bin/cp"
    [cp-always]="/bin/cp --reflink=always"
    [cp-never]="/bin/cp --reflink=never"
    [cp-dense]="/bin/cp --sparse=never --reflink=never"
    [safecp]="/job/bin/safecp --debug"
    [always]="/job/bin/safecp --debug --reflink=always"
    [in-place]="/job/bin/safecp --debug --in-place"
    [unverified]="/job/bin/safecp --debug --verify=none"
    [guarded]="/job/bin/safecp --guard /bin/cp"
    [unprobed]="/job/bin/safecp-unprobed --debug"
    [unprobed-in-place]="/job/bin/safecp-unprobed --debug --in-place"
)
PATH=/job/bin:$PATH

# --- pools ---

# make_pool [OPTION...]: tank, on a RAM disk, so that no host's disk has a part in when things happen.
# OPTIONs go to zpool create. ZFS is given a partition: with a whole disk it waits for udev, which is not here.
make_pool() {
    modprobe brd rd_nr=1 rd_size=$((pool_mib * 1024)) max_part=2
    make_pool_on /dev/ram0 "$@"
}

# make_pool_on DISK [OPTION...]
make_pool_on() {
    local disk=$1 part try
    shift
    part=${disk}1
    [[ $disk != /dev/ram* ]] || part=${disk}p1
    echo '2048,' | sfdisk --quiet "$disk" || give_up "no partition on $disk"
    for try in {1..50}; do
        [[ ! -b $part ]] || break
        sleep 0.1
    done
    zpool create -f -o ashift=12 -O compression=lz4 -O atime=off -m /tank "$@" tank "$part" || give_up "no pool on $part"
}

# set_parameters NAME=VALUE...: of the module; those that it does not have are said and left.
set_parameters() {
    local assignment place
    for assignment; do
        place=/sys/module/zfs/parameters/${assignment%%=*}
        if [[ -e $place ]]; then
            echo "${assignment#*=}" >"$place"
        else
            echo "NOTE this module has no ${assignment%%=*}"
        fi
    done
}

parameter() {
    cat "/sys/module/zfs/parameters/$1" 2>/dev/null || echo none
}

# Little dirty data is allowed and writers are made to wait, so that a mapped page's writeback fails with ERESTART (OpenZFS
# #15933). It raises the rate; with the defaults the same happens now and then.
throttle() {
    set_parameters zfs_dirty_data_max=4194304
}

# The same, and already one process has to wait.
throttle_hard() {
    throttle
    set_parameters zfs_delay_min_dirty_percent=1 zfs_delay_scale=100
}

# --- versions ---

# is_before RELEASE: whether the module is older.
is_before() {
    local have
    have=$(sed 's/-.*//' /sys/module/zfs/version)
    [[ $have != "$1" && $(printf '%s\n' "$have" "$1" | sort -V | head -n 1) == "$have" ]]
}

has_cloning() {
    ! is_before 2.2.0
}

# --- rows ---

# row NAME PROGRAMS OPTION...: the same number of copies for each of the PROGRAMS, one after the other; OPTIONs are trial.c's.
# $bites says whether GNU cp, with its defaults, ought to be wrong here.
row() {
    local name=$1 program expect log
    for program in $2; do
        log=/tmp/log.$name.$program
        expect=right
        case $program in
        cp | cp-always | cp-never | cp-dense) expect=open ;;
        always) expect=honest ;;
        esac
        [[ $expect != open || " $bites " != *" $program "* ]] || expect=bites
        trial --label "job=$job row=$name program=$program expect=$expect" --log "$log" --copies "$copies" --seconds "$row_seconds" \
            --seed "$RANDOM" "${@:3}" -- ${programs[$program]} || wrong "$name-$program" "the trial could not be carried out"
        tally "$name" "$program" "$log"
        rm -rf /tank/source.* /tank/target.* /tank/*/source.* /tank/*/target.* "$log"
    done
}

# tally ROW PROGRAM LOG: counts what safecp said of strategies and reasons, and its messages, without names and places.
tally() {
    [[ -e $3 ]] || return 0
    sed -n -e "s/'[^']*'/FILE/g" -e 's/its result differed, .*target [0-9a-f]\{64\}[^,;]*/its result differed/' \
        -e 's/^strategy: \(.*\), target: \([a-z ]*\), verified: \([a-z ]*\),.*/\1, target: \2, verified: \3/p' \
        -e '/^\(safecp\|cp\): /p' "$3" |
        sort | uniq -c | sort -rn | head -n 12 | sed "s/^ *\([0-9]*\) /REASON job=$job row=$1 program=$2 count=\1 text=/"
}

# --- checks ---

right() {
    echo "CHECK job=$job name=$1 status=right note=${2-}"
}

wrong() {
    echo "CHECK job=$job name=$1 status=wrong note=${2-}"
}

left_out() {
    echo "CHECK job=$job name=$1 status=left-out note=${2-}"
}

# check NAME NOTE COMMAND...: right if the command succeeds.
check() {
    if "${@:3}" >/tmp/check 2>&1; then
        right "$1" "$2"
    else
        wrong "$1" "$2: $(tail -n 1 /tmp/check)"
    fi
}

give_up() {
    wrong setup "$1"
    exit 1
}

# A host with another C library than the guest's brings its own.
if ! /job/bin/safecp --version >/dev/null 2>&1; then
    for program in "${!programs[@]}"; do
        programs[$program]=${programs[$program]/#\/job\/bin\//\/job\/lib\/loader --library-path \/job\/lib \/job\/bin\/}
    done
    ${programs[safecp]% --debug} --version >/dev/null 2>&1 || give_up "safecp does not run here"
fi
