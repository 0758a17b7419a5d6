# Debian's Go toolchain, copied by the line of dev-lang/go's src_install, `cp -R`, with which OpenZFS #15933 was met; and what Go's linker, which
# writes through a mapping, has just made. To be sourced by tests/packages/run.

try_go() {
    local place=$work/memory/go names=(api bin misc pkg src test) packages file ours
    $sample && return
    packages=$(packages_of_go) || { check "Go's toolchain is fetched" false; return; }
    mkdir -p -- "$place"/{packages,root,gnu,ours,image,cache}
    for file in $packages; do
        dpkg-deb --extract "$file" "$place/packages"
    done
    # Debian's has links to what does not depend on the machine.
    ours=(env SAFECP="$safecp" "$project/contrib/debian-build/with-safecp")
    check "a toolchain as it was built" /bin/cp -RL --preserve=mode "$place"/packages/usr/lib/go-1.*/. "$place/root"
    check "GNU's cp -R copies it" in_root /bin/cp -R "${names[@]}" "$place/gnu"
    check "ours copies it, where the kernel says that nothing has data" in_root "${lying[@]}" "${ours[@]}" cp -R "${names[@]}" "$place/ours"
    check "both are the same" same_files "$place/gnu" "$place/ours"
    check "there is a toolchain to compare" test -x "$place/ours/pkg/tool/linux_$(dpkg --print-architecture)/link"
    printf '%s\n' 'package main' 'import "fmt"' 'func main() { fmt.Println("it runs") }' >"$place/hello.go"
    check "the copy builds" env GOROOT="$place/ours" GOCACHE="$place/cache" GO111MODULE=off CGO_ENABLED=0 \
        "$place/ours/bin/go" build -o "$place/hello" "$place/hello.go"
    check "what it has just linked is installed" "${lying[@]}" "${ours[@]}" install -m 755 "$place/hello" "$place/image/hello"
    check "it is the same" cmp -- "$place/hello" "$place/image/hello"
    check "it runs" runs "$place/image/hello"
    rm -rf -- "$place"
}

in_root() { (cd -- "$work/memory/go/root" && "$@"); }
runs() { [[ $("$1") == "it runs" ]]; }

# Prints the names of the packages' files, and fetches them if they are not there.
packages_of_go() {
    local place=${XDG_CACHE_HOME:-$HOME/.cache}/safecp-packages/go toolchain
    if [[ ! -e $place/complete ]]; then
        mkdir -p -- "$place"
        toolchain=$(apt-cache depends golang-go | sed -n 's/^ *Depends: \(golang-1[.0-9]*\)-go$/\1/p' | head -n 1)
        [[ -n $toolchain ]] || return
        (cd -- "$place" && apt-get -q download "$toolchain-go" "$toolchain-src") >"$place/log" 2>&1 || { tail -n 5 -- "$place/log" >&2; return 1; }
        touch -- "$place/complete"
    fi
    ls -- "$place"/*.deb
}
