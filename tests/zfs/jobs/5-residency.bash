# Job 5: what the kernel says of a file's pages, and what safecp makes of it: written, read, mapped, unmapped, fsynced, dropped; as root,
# as the file's owner, as a stranger who may only read.
#
# On ZFS only mappings put pages into the page cache, so that a page there means "this file is or was mapped". Every state is looked at
# with mincore and cachestat first and then copied with safecp, whose reason must follow. Called again by residency.c, with
# `ask STATE FILE EXPECTED`, while the file is in its state.
source /job/jobs/common.bash

# Where pages are resident (yes), where none may be (no), and where that is the version's affair (open).
declare -A resident=(
    [written]=no [read]=no [fsynced]=no [on-disk]=no [mapped-untouched]=no [mapped-read]=yes [mapped-dirty]=yes [unmapped-dirty]=yes
    [unmapped-read-back]=yes [unmapped-fsynced]=yes [unmapped-on-disk]=yes [dirty-dropped]=yes [fsynced-dropped]=no
    [fsynced-dontneed]=open [private]=yes
)
declare -A users=([root]=0 [owner]=1000 [stranger]=1001)

main() {
    local state
    make_pool
    mkdir -m 1777 /tank/out
    for state in "${!resident[@]}"; do
        residency "$state" "/tank/$state" bash "$0" ask "$state" "/tank/$state" "${resident[$state]}" ||
            wrong "$state" "the file could not be brought into its state"
    done
}

# ask STATE FILE EXPECTED
ask() {
    local state=$1 file=$2 expected=$3 user answers
    for user in root owner stranger; do
        answers=$(as "$user" residency ask "$file")
        echo "PROBE job=$job state=$state user=$user $answers"
        judge_kernel "$state-$user" "$user" "$expected" "$answers"
    done
    for user in root owner stranger; do
        judge_safecp "$state-$user-safecp" "$user" "$expected" "$file" "/tank/out/$state.$user"
    done
}

as() {
    local id=${users[$1]}
    shift
    setpriv --reuid="$id" --regid="$id" --clear-groups "$@"
}

# Nobody may be told "none" where there are pages, and who may write the file must be told "none" where there are none.
judge_kernel() {
    local name=$1 user=$2 expected=$3 mincore cachestat
    mincore=${4#mincore=} mincore=${mincore%%[ /]*} cachestat=${4#*cachestat=} cachestat=${cachestat%%,*}
    case $expected-$user in
    yes-*)
        if [[ $mincore == 0 || $cachestat == 0 ]]; then wrong "$name" "pages are hidden: $4"; else right "$name" "$4"; fi
        ;;
    no-root | no-owner)
        if [[ $mincore == 0 && ($cachestat == 0 || $cachestat == ENOSYS) ]]; then right "$name" "$4"; else wrong "$name" "pages out of nothing: $4"; fi
        ;;
    *) right "$name" "$4" ;;
    esac
}

judge_safecp() {
    local name=$1 user=$2 expected=$3 file=$4 target=$5 said
    said=$(as "$user" ${programs[safecp]} "$file" "$target" 2>&1 | grep -a '^strategy: ' | sed 's/, target: .*//')
    echo "REASON job=$job row=${name%-safecp} program=safecp count=1 text=${said#strategy: }"
    cmp -s "$file" "$target" || { wrong "$name" "the copy differs: $said"; return; }
    case $expected-$user-$said in
    yes-*-*"(resident pages"*) right "$name" "$said" ;;
    yes-*) wrong "$name" "pages were not seen: $said" ;;
    no-root-*"(resident pages"* | no-owner-*"(resident pages"*) wrong "$name" "slow for nothing: $said" ;;
    *-"strategy: "*) right "$name" "$said" ;;
    *) wrong "$name" "no strategy was said" ;;
    esac
    rm -f "$target"
}

if [[ ${1-} == ask ]]; then
    ask "${@:2}"
else
    main
fi
