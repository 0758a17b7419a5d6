# The tables that benches/run writes. To be sourced.

# write_tables RESULTS: Markdown.
write_tables() {
    machine
    limits_table=
    local key
    for key in "${!limits[@]}"; do
        limits_table+="$key=${limits[$key]} "
    done
    awk -F '\t' -v limits="$limits_table" -v counted="${counted[small]} ${counted[links]}" "$tables" "$1"
}

machine() {
    echo "# Results of benches/run"
    echo
    echo "$(date -u +%Y-%m-%d), $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1), $(nproc) processors, $(awk '/MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo), Linux $(uname -r);"
    echo "safecp $(cd -- "$project" && git rev-parse --short HEAD 2>/dev/null || echo unknown)$(versions)."
    echo
    echo "Seconds are medians. A ratio is safecp's time (that of the one safecp in its table) by the program's in the same round: median, and from the least to the most. Peak is the"
    echo "most memory of any run. Filesystems are fresh images on one disk. The raw data is in results.tsv."
}

# Of the programs that are there.
versions() {
    local program
    for program in cp "$uutils" "$xcp" rsync; do
        [[ -z $program ]] || printf ', %s' "$("$program" --version | head -n 1 | sed 's/  */ /g')"
    done
}

tables='
function median(list, count,    i, j, t, a) {
    for (i = 1; i <= count; i++) a[i] = list[i]
    for (i = 2; i <= count; i++) for (j = i; j > 1 && a[j - 1] > a[j]; j--) { t = a[j]; a[j] = a[j - 1]; a[j - 1] = t }
    least = a[1]; most = a[count]
    return count % 2 ? a[(count + 1) / 2] : (a[count / 2] + a[count / 2 + 1]) / 2
}
BEGIN {
    n = split(limits, words, " ")
    for (i = 1; i <= n; i++) { split(words[i], pair, "="); limit[pair[1]] = pair[2] }
    split(counted, c, " "); files["small"] = c[1]; files["links"] = c[2]
}
{ key = $1 SUBSEP $2; if (!(key in seen)) { seen[key] = ++cases; order[cases] = key } }
$4 == "calls" { calls[key, $3] = $5; next }
{
    if (!((key, $3) in known)) { known[key, $3] = 1; list[key] = list[key] $3 " " }
    seconds[key, $3, $4] = $5
    if ($4 > rounds[key]) rounds[key] = $4
    if ($8 > peak[key, $3]) peak[key, $3] = $8
}
END {
    for (i = 1; i <= cases; i++) {
        key = order[i]
        split(key, k, SUBSEP)
        printf "\n## %s, %s (%d rounds)\n\n", k[1], k[2], rounds[key]
        printf "| program | seconds | safecp / program | at most | peak MiB | calls a file |\n|---|---|---|---|---|---|\n"
        n = split(list[key], names, " ")
        # The one that the others are compared with.
        ours = "safecp"
        for (j = 1; !((key, ours) in known) && j <= n; j++) if (names[j] ~ /^safecp/) ours = names[j]
        for (j = 1; j <= n; j++) row(key, k[1], k[2], names[j])
    }
}
function row(key, name, kind, program,    r, count, ratios, times, ratio, wanted, text) {
    count = 0
    for (r = 1; r <= rounds[key]; r++) {
        if (!((key, program, r) in seconds) || !((key, ours, r) in seconds)) continue
        times[++count] = seconds[key, program, r]
        ratios[count] = seconds[key, ours, r] / seconds[key, program, r]
    }
    text = sprintf("%.3f", median(times, count))
    ratio = median(ratios, count)
    wanted = (name "/" program "/" kind) in limit ? limit[name "/" program "/" kind] : limit[name "/" program]
    printf "| %s | %s | %s | %s | %.0f | %s |\n", program, text, \
        program == ours ? "" : sprintf("%.2f (%.2f to %.2f)", ratio, least, most), \
        wanted == "" ? "" : wanted (ratio <= wanted ? "" : ", missed"), \
        peak[key, program] / 1024, calls[key, program] && files[name] ? sprintf("%.1f", calls[key, program] / files[name]) : ""
}
'
