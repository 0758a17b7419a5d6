# What a run left behind, and how two of them differ. To be sourced.

# look DIRECTORY STARTED: prints a line for each attribute of each name below DIRECTORY: path, attribute, value, with tabs between.
# Times since STARTED, in seconds, are `now`. No byte of safecp's looks here.
look() {
    (
        set +eo pipefail
        export LC_ALL=C
        cd -- "$1"
        find . -printf '%p\t%y\t%m\t%U:%G\t%s\t%T@\t%l\t%D:%i\t%b\0' | as_lines | sort | describe "$2"
        find . \( -type b -o -type c \) -print0 | xargs -0 -r stat --printf '%n\tdevice\t%t:%T\0' -- | as_lines
        find . -type f -print0 | xargs -0 -r b2sum -z --length=64 -- 2>"$scratch/unread" | as_lines | sed -E 's/^([0-9a-f]{16})  (.*)/\2\tcontent\t\1/'
        sed -n -E "s/^b2sum: '?(.*)'?: ([^:]*)$/\1\tcontent\t\2/p" "$scratch/unread"
        # Values and complaints are asked for one after the other: where both go into one pipe, a complaint can split a value.
        find . -print0 | attributes 2>/dev/null | awk -v OFS='\t' '
            /^# file: / { name = substr($0, 9); next }
            /./ { split($0, part, "="); print name, part[1], substr($0, length(part[1]) + 2) }'
        find . -print0 | attributes 2>&1 >/dev/null | awk -v OFS='\t' '
            /^getfattr: / && match($0, /: [A-Z][^:]*$/) { print substr($0, 11, RSTART - 11), "attributes", substr($0, RSTART + 2) }'
    ) | sort -u
}

attributes() {
    xargs -0 -r getfattr -h -d -m - -e hex --absolute-names --
}

# A name's newline becomes a question mark, and so do tabs.
as_lines() {
    tr '\n\0' '?\n'
}

# The first name of a file that has several stands for all; how many links a filesystem counts is not asked, for FUSE
# may tell an older number. Of blocks only this is kept: whether a large file has far less room than bytes.
describe() {
    awk -F '\t' -v OFS='\t' -v started="$1" '
        function say(attribute, value) { print $1, attribute, value }
        {
            say("kind", $2)
            if ($2 != "l") say("mode", $3)
            say("owner", $4)
            if ($2 != "d") say("size", $5)
            # The directory that both are in was changed by whoever came before.
            if ($1 != ".") say("time", $6 >= started - 3 ? "now" : $6)
            if ($2 == "l") say("text", $7)
            if ($2 == "f" && $5 > 1000000) say("holes", $9 * 512 < $5 / 2 ? "some" : "none")
            if ($2 == "d") next
            if ($8 in first) { print first[$8], "same as", first[$8]; say("same as", first[$8]) }
            else first[$8] = $1
        }'
}

# compare_looks GNU OURS: prints a line for each difference: `PATH: ATTRIBUTE: GNU / OURS`. What only one has is told by its kind.
compare_looks() {
    awk -F '\t' '
        { key = $1 "\t" $2 }
        FILENAME == ARGV[1] { gnu[key] = $3; kind_gnu[$1] = $2 == "kind" ? $3 : kind_gnu[$1]; keys[key]; next }
        { ours[key] = $3; kind_ours[$1] = $2 == "kind" ? $3 : kind_ours[$1]; keys[key] }
        END {
            for (key in keys) {
                split(key, part, "\t")
                name = part[1]
                if (kind_gnu[name] != kind_ours[name] && part[2] != "kind") continue
                one = key in gnu ? gnu[key] : "nothing"
                other = key in ours ? ours[key] : "nothing"
                if (one != other) printf "%s: %s: %s / %s\n", name, part[2], one, other
            }
        }' "$1" "$2" | sort
}

# compare_lines WHAT GNU OURS: prints `WHAT: < LINE` for what only GNU said, `WHAT: > LINE` for what only safecp did.
compare_lines() {
    comm -23 "$2" "$3" | sed "s/^/$1: < /"
    comm -13 "$2" "$3" | sed "s/^/$1: > /"
}
