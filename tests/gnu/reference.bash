# GNU's coreutils, fetched from Debian's archive and built, once for each version. To be sourced.
#
# Nothing is installed, and root is not needed. What was built lies in $cache/coreutils-VERSION, and counts only once it holds
# the file `complete`. The newest coreutils is sid's; fetch_sources of tests/debian.bash gets it.

cache=${XDG_CACHE_HOME:-$HOME/.cache}/safecp-gnu
oldest_version=9.10

# Prints the directory of a built coreutils, building one if there is none.
reference() {
    local built
    mkdir -p -- "$cache"
    exec 7>"$cache/lock"
    flock 7
    built=$(newest_built)
    [[ -n $built ]] || { build_reference >&2 && built=$(newest_built); }
    exec 7>&-
    [[ -n $built ]] && printf '%s\n' "$built"
}

newest_built() {
    local found
    found=$(cd -- "$cache" && ls -d coreutils-*/complete 2>/dev/null | sort -V | tail -n 1)
    [[ -z $found ]] || printf '%s\n' "$cache/${found%/complete}"
}

build_reference() {
    local place=$cache/fetched archive version source status=0
    rm -rf -- "$place"
    mkdir -p -- "$place"
    fetch_sources "$place" sid --tar-only coreutils >"$place/log" 2>&1 || { tail -n 20 -- "$place/log"; return 1; }
    archive=$(ls -- "$place"/coreutils_*.orig.tar.*z)
    version=${archive##*/coreutils_}
    version=${version%.orig.tar.*}
    is_new_enough "$version" || { echo "the archive's coreutils is $version, older than $oldest_version"; return 1; }
    source=$cache/coreutils-$version
    echo "building GNU coreutils $version, once, which takes some minutes"
    rm -rf -- "$source"
    mkdir -- "$source"
    tar --extract --file "$archive" --directory "$source" --strip-components=1 --no-same-owner
    (cd -- "$source" && configure_and_make) >"$place/log" 2>&1 || status=$?
    ((status == 0)) || { tail -n 20 -- "$place/log"; return 1; }
    touch -- "$source/complete"
    rm -rf -- "$place"
}

# Programs only: neither translations, nor manual pages, nor gnulib's own tests.
configure_and_make() {
    FORCE_UNSAFE_CONFIGURE=1 nice ./configure --quiet --disable-nls CFLAGS=-O2 &&
        nice make --silent "-j$(nproc)" SUBDIRS=. man1_MANS= dist_man1_MANS=
}

is_new_enough() {
    [[ $(printf '%s\n%s\n' "$oldest_version" "$1" | sort -V | head -n 1) == "$oldest_version" ]]
}
