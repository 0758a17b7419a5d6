# The tables that tests/zfs/run prints, made from the guests' lines (jobs/common.bash tells their form). To be sourced.

# print_tables RESULTS: 1 if something in it is wrong.
print_tables() {
    echo
    echo "Corrupt copies / copies. unverified: safecp --verify=none, which has the residency probe alone; unprobed: a safecp whose probe was"
    echo "taken out, which has verification alone. guarded: GNU cp under safecp --guard. Refused: an exit status that is not 0, as --reflink=always may have to give."
    awk "$copies_table" "$1"
    echo
    echo "How often safecp copied how, and why:"
    awk "$reasons_table" "$1"
    echo
    grep -q '^TIME ' "$1" && awk "$times_table" "$1"
    awk "$checks_table" "$1"
    awk "$judgement" "$1"
}

# key=value words into f[].
read_fields='
function read_fields(    i, at) {
    split("", f)
    for (i = 2; i <= NF; i++) {
        at = index($i, "=")
        if (at) f[substr($i, 1, at - 1)] = substr($i, at + 1)
    }
}
'

copies_table=$read_fields'
function cell(    text) {
    text = f["corrupt"] "/" f["copies"]
    if (f["failed"] > 0) text = text " (" f["failed"] (f["program"] ~ /always/ ? " refused)" : " FAILED)")
    if (f["expect"] == "bites" && f["corrupt"] == 0) text = text " DID NOT BITE"
    if (f["expect"] ~ /right|honest/ && f["corrupt"] > 0) text = text " WRONG"
    if (f["source_wrong"] > 0) text = text " SOURCE WRONG"
    if (f["source_lost"] > 0) text = text " (" f["source_lost"] " sources lost)"
    return text
}
function column(program) {
    if (program ~ /^cp/) return "cp"
    return program ~ /^(un|guarded)/ ? program : "safecp"
}
/^GUEST / {
    if (rows++) print ""
    printf "%s\n", substr($0, 7)
    next
}
/^RESULT / {
    read_fields()
    name = f["row"] (f["program"] ~ /always$/ ? " --reflink=always" : f["program"] == "cp-never" ? " --reflink=never" : "")
    key = f["guest"] SUBSEP f["job"] SUBSEP name
    if (!(key in seen)) { seen[key] = ++count; order[count] = key }
    cells[key, column(f["program"])] = cell()
    sum[f["guest"], f["job"], column(f["program"])] += f["copies"]
    wrong[f["guest"], f["job"], column(f["program"])] += f["corrupt"]
}
END {
    form = "%-10s %-13s %-32s %-22s %-20s %-16s %-16s %s\n"
    printf "\n" form, "guest", "job", "row", "cp", "safecp", "unverified", "unprobed", "guarded"
    for (i = 1; i <= count; i++) {
        split(order[i], k, SUBSEP)
        printf form, k[1], k[2], k[3], cells[order[i], "cp"], cells[order[i], "safecp"], cells[order[i], "unverified"], cells[order[i], "unprobed"], cells[order[i], "guarded"]
    }
    print ""
    for (i = 1; i <= count; i++) {
        split(order[i], k, SUBSEP)
        if ((k[1], k[2]) in told) continue
        told[k[1], k[2]] = 1
        printf form, k[1], k[2], "together", total(k, "cp"), total(k, "safecp"), total(k, "unverified"), total(k, "unprobed"), total(k, "guarded")
    }
}
function total(k, which) { return sum[k[1], k[2], which] ? wrong[k[1], k[2], which] "/" sum[k[1], k[2], which] : "" }
'

reasons_table=$read_fields'
/^REASON / {
    read_fields()
    if (f["program"] ~ /^(cp|guarded)/) next
    text = substr($0, index($0, " text=") + 6)
    counts[sprintf("%-10s %-12s %-14s", f["guest"], f["job"], f["program"]) SUBSEP text] += f["count"]
}
END {
    for (key in counts) {
        split(key, k, SUBSEP)
        printf "%s %6d  %s\n", k[1], counts[key], k[2] | "sort -k 1,3 -k 4,4nr"
    }
}
'

times_table=$read_fields'
/^TIME / {
    read_fields()
    key = sprintf("%-10s %-24s %-20s %-20s", f["guest"], f["row"], f["program"], f["against"])
    printf "%s %8s s %8s s   ratio %s (%s to %s)\n", key, f["seconds"], f["against_seconds"], f["ratio"], f["least"], f["most"]
}
'

checks_table=$read_fields'
/^(CHECK|DMESG) / {
    read_fields()
    if ($1 == "DMESG") { print; next }
    checks[f["status"]]++
    if (f["status"] != "right") printf "%s: %s %s %s: %s\n", f["status"], f["guest"], f["job"], f["name"], substr($0, index($0, " note=") + 6)
}
END { printf "checks: %d right, %d wrong, %d left out\n", checks["right"], checks["wrong"], checks["left-out"] }
'

judgement=$read_fields'
/^RESULT / {
    read_fields()
    copies += f["expect"] ~ /right|honest/ ? f["copies"] : 0
    if (f["expect"] ~ /right|honest/ && f["corrupt"] > 0) corrupt += f["corrupt"]
    if (f["expect"] == "right" && f["failed"] > 0) failed += f["failed"]
    if (f["expect"] == "bites" && f["corrupt"] == 0) toothless++
    # The trial itself, or ZFS, is wrong then, and the row says nothing.
    if (f["source_wrong"] > 0) wrong++
}
/^CHECK / && / status=wrong / { wrong++ }
END {
    printf "safecp: %d copies, %d corrupt, %d failed that should not; %d checks wrong; %d rows in which GNU cp was right though it should not\n", copies, corrupt, failed, wrong, toothless
    exit corrupt + failed + wrong > 0
}
'
