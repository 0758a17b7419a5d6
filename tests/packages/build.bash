# Three projects with autotools, built as Debian packages and by `make install`, with GNU's cp, install and mv and with ours. To be sourced by
# tests/packages/run.

# What comes out of each that shows that something came out.
declare -A products=([popt]='libpopt.so*' [hello]=hello [pv]=pv)

# What `make install` with ours may take of GNU's processor time, and how often each installs by turns: one takes a tenth of a second.
ratio_max=1.05
turns=20

try_build() {
    local names=(popt hello pv)
    if $sample; then names=(popt); fi
    # It counts, and then is safecp.
    printf '%s\n' '#!/bin/sh' "echo \"\$1\" >>$work/calls" "exec $safecp \"\$@\"" >"$work/counting"
    chmod 755 "$work/counting"
    make_links
    for name in "${names[@]}"; do
        try_project
    done
}

# As contrib/debian-build/README.md says for builds that copy much.
make_links() {
    local name
    mkdir -- "$work/links"
    for name in cp install mv; do ln -s -- "$safecp" "$work/links/$name"; done
}

try_project() {
    local sources description
    sources=$(sources_of "$name") || { check "the sources of $name" false; return; }
    description=$(ls -- "$sources/$name"_*.dsc | sort -V | tail -n 1)
    (cd / && dpkg-source -x "$description" "$work/memory/$name") >"$work/log" 2>&1 || { check "$name is unpacked" false; return; }
    epoch=$(dpkg-parsechangelog --file "$work/memory/$name/debian/changelog" --show-field Timestamp)
    compare_builds package "the packages of $name"
    # Building the packages has a make install in it.
    if ! $sample; then
        compare_builds install "what make install of $name installs"
        check "install: $name takes no more than $ratio_max of GNU's processor time" installs_quickly
        cat -- "$work/said"
    fi
    rm -rf -- "$work/memory/$name" "$work/memory"/made.*
}

# Prints where they are; fetches them if they are not there.
sources_of() {
    local suite place
    suite=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
    place=${XDG_CACHE_HOME:-$HOME/.cache}/safecp-packages/$suite
    if [[ ! -e $place/complete-$1 ]]; then
        mkdir -p -- "$place"
        fetch_sources "$place" "$suite" "$1" >"$place/log" 2>&1 || { tail -n 5 -- "$place/log" >&2; return 1; }
        touch -- "$place/complete-$1"
    fi
    echo "$place"
}

# compare_builds SYSTEM WHAT
compare_builds() {
    : >"$work/calls"
    check "$1: $name is built by GNU's programs" built "$1" gnu env
    check "$1: $name is built by ours" built "$1" ours env SAFECP="$work/counting" "$project/contrib/debian-build/with-safecp"
    check "$1: $2 are the same" same_files "$work/memory/made.gnu" "$work/memory/made.ours"
    check "$1: there is something to compare" test -n "$(find "$work/memory/made.ours" -name "${products[$name]}" | head -n 1)"
    ratio=$(awk -v ours="${seconds[ours]}" -v gnu="${seconds[gnu]}" 'BEGIN { printf "%.3f", ours / gnu }')
    echo "$1: calls: $(sort "$work/calls" | uniq -c | tr -s ' \n' ' '); processor time: ${seconds[gnu]} s with GNU's, ${seconds[ours]} s with ours: $ratio"
    check "$1: install is ours" grep -qx -- --as=install "$work/calls"
    [[ $1 != package ]] || check "$1: cp is ours" grep -qx -- --as=cp "$work/calls"
    # Not every project's build moves files.
    [[ $name != popt ]] || check "$1: mv is ours" grep -qx -- --as=mv "$work/calls"
}
declare -A seconds=()

# built SYSTEM MADE PREFIX...: in one place for both, made.MADE is what comes out.
built() {
    local system=$1 made=$2 place=$work/memory/build status=0
    shift 2
    rm -rf -- "$place" "$work/memory/made.$made"
    mkdir -- "$place"
    cp -a -- "$work/memory/$name" "$place/$name"
    (
        cd -- "$place/$name"
        export SOURCE_DATE_EPOCH=$epoch HOME=$work LC_ALL=C.UTF-8 DEB_BUILD_OPTIONS="nocheck parallel=2"
        TIMEFORMAT='%U %S'
        { time "build_$system" "$place/made" nice "$@" >"$work/log" 2>&1; } 2>"$work/taken"
    ) </dev/null || status=$?
    seconds[$made]=$(awk '{ printf "%.2f", $1 + $2 }' "$work/taken")
    ((status == 0)) || { tail -n 20 -- "$work/log"; return "$status"; }
    mv -- "$place/made" "$work/memory/made.$made"
}

# build_package MADE PREFIX...: MADE has what is in each package, and what dpkg keeps of it.
build_package() {
    local made=$1 package
    shift
    "$@" dpkg-buildpackage --unsigned-source --unsigned-changes --build=binary --no-check-builddeps
    mkdir -- "$made"
    for package in ../*.deb; do
        dpkg-deb --raw-extract "$package" "$made/$(basename -- "${package%%_*}")"
    done
}

build_install() {
    local made=$1
    shift
    "$@" ./configure --prefix=/usr --disable-nls
    "$@" make -j2
    "$@" make install DESTDIR="$made"
}

# What was built last is installed again and again, so that the ratio is that of the installation and not of the compiler.
installs_quickly() {
    local turn who gnu=0 links=0 scripts=0
    for ((turn = 0; turn < turns; turn++)); do
        for who in gnu links scripts; do
            "installed_by_$who" || { tail -n 20 -- "$work/log"; return 1; }
            # Thousandths of a second.
            : $(($who += $(awk '{ print int(($1 + $2) * 1000) }' "$work/taken")))
        done
    done
    awk -v gnu="$gnu" -v links="$links" -v scripts="$scripts" -v max="$ratio_max" 'BEGIN {
        printf "processor time of make install: %.3f with links, %.3f with scripts, of %.3f s with GNU\047s\n", links / gnu, scripts / gnu, gnu / 1000
        exit links > max * gnu
    }'
}

installed_by_gnu() { installed env; }
installed_by_links() { installed env PATH="$work/links:$PATH"; }
installed_by_scripts() { installed env SAFECP="$safecp" "$project/contrib/debian-build/with-safecp"; }

# installed PREFIX...: configure has written down where it found install, which is whose build it was; the PATH decides here.
installed() {
    local place=$work/memory/installed TIMEFORMAT='%3U %3S'
    rm -rf -- "$place"
    { time "$@" make -C "$work/memory/build/$name" install DESTDIR="$place" INSTALL="install -c" >"$work/log" 2>&1 </dev/null; } 2>"$work/taken"
}
