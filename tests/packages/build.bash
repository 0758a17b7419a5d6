# popt, built as a Debian package and by `make install`, with GNU's cp, install and mv and with ours. To be sourced by tests/packages/run.

try_build() {
    local sources description
    sources=$(popt_sources) || { check "the sources of popt" false; return; }
    description=$(ls -- "$sources"/popt_*.dsc | sort -V | tail -n 1)
    (cd / && dpkg-source -x "$description" "$work/memory/popt") >"$work/log" 2>&1 || { check "popt is unpacked" false; return; }
    epoch=$(dpkg-parsechangelog --file "$work/memory/popt/debian/changelog" --show-field Timestamp)
    # It counts, and then is safecp.
    printf '%s\n' '#!/bin/sh' "echo \"\$1\" >>$work/calls" "exec $safecp \"\$@\"" >"$work/counting"
    chmod 755 "$work/counting"
    compare_builds package "the packages of popt"
    # Building the packages has a make install in it.
    $sample || compare_builds install "what make install installs"
}

# Prints where they are; fetches them if they are not there.
popt_sources() {
    local suite place
    suite=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
    place=${XDG_CACHE_HOME:-$HOME/.cache}/safecp-packages/$suite
    if [[ ! -e $place/complete ]]; then
        mkdir -p -- "$place"
        fetch_sources "$place" "$suite" popt >"$place/log" 2>&1 || { tail -n 5 -- "$place/log" >&2; return 1; }
        touch -- "$place/complete"
    fi
    echo "$place"
}

# compare_builds SYSTEM WHAT
compare_builds() {
    : >"$work/calls"
    check "$1: popt is built by GNU's programs" built "$1" gnu env
    check "$1: popt is built by ours" built "$1" ours env SAFECP="$work/counting" "$project/contrib/debian-build/with-safecp"
    check "$1: $2 are the same" same_files "$work/memory/made.gnu" "$work/memory/made.ours"
    check "$1: there is something to compare" test -n "$(find "$work/memory/made.ours" -name 'libpopt.so*' | head -n 1)"
    echo "$1: calls: $(sort "$work/calls" | uniq -c | tr -s ' \n' ' '); seconds: ${seconds[gnu]} with GNU's, ${seconds[ours]} with ours"
    check "$1: install is ours" grep -qx -- --as=install "$work/calls"
    [[ $1 != package ]] || check "$1: cp is ours" grep -qx -- --as=cp "$work/calls"
    check "$1: mv is ours" grep -qx -- --as=mv "$work/calls"
}
declare -A seconds=()

# built SYSTEM NAME PREFIX...: in one place for both, made.NAME is what comes out.
built() {
    local system=$1 name=$2 place=$work/memory/build started=$EPOCHREALTIME status=0
    shift 2
    rm -rf -- "$place" "$work/memory/made.$name"
    mkdir -- "$place"
    cp -a -- "$work/memory/popt" "$place/popt"
    (
        cd -- "$place/popt"
        export SOURCE_DATE_EPOCH=$epoch HOME=$work LC_ALL=C.UTF-8 DEB_BUILD_OPTIONS="nocheck parallel=2"
        "build_$system" "$place/made" nice "$@"
    ) >"$work/log" 2>&1 </dev/null || status=$?
    seconds[$name]=$(awk -v a="$started" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
    ((status == 0)) || { tail -n 20 -- "$work/log"; return "$status"; }
    mv -- "$place/made" "$work/memory/made.$name"
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
