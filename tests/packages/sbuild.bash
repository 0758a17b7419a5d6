# sbuild, in a chroot that has safecp in front as contrib/debian-build/README.md says. To be sourced by tests/packages/run.

source "$project/tests/fresh_debian.bash"

try_sbuild() {
    local machine inner name
    $sample && return
    machine=$(make_machine sbuild) || { check "a machine for sbuild" false; return; }
    check "sbuild is installed" inside apt-get -qq -y --no-install-recommends install sbuild schroot
    inner=$machine/srv/chroot
    check "there is a user who may build" inside useradd --create-home --groups sbuild builder
    check "there is a chroot" fresh_debian bookworm "$inner"
    prepare_chroot
    for name in popt hello pv; do
        build_twice
    done
    check "cp, install and mv were ours" all_were_called
    umount --recursive --lazy -- "$inner" "$inner.layers"
}

# The package that name names, by GNU's programs and by ours.
build_twice() {
    local sources description
    sources=$(sources_of "$name") || { check "the sources of $name" false; return; }
    description=$(ls -- "$sources/$name"_*.dsc | sort -V | tail -n 1)
    mkdir -p -- "$machine/tmp/sources"
    cp -- "$sources/$name"_* "$machine/tmp/sources"
    check "sbuild builds $name with GNU's programs" built_in_chroot gnu
    check "sbuild builds $name with ours" built_in_chroot ours
    check "the packages of $name are the same, byte for byte" same_packages
}

# What counts and then is safecp stands in its place.
prepare_chroot() {
    mkdir -p -- "$inner/usr/share/safecp" "$inner/usr/lib/safecp"
    /bin/cp -R -- "$project/contrib/debian-build" "$inner/usr/share/safecp"
    install -m 755 -- "$safecp" "$inner/usr/lib/safecp/safecp"
    printf '%s\n' '#!/bin/sh' 'echo "$1" >>/calls' 'exec /usr/lib/safecp/safecp "$@"' >"$inner/usr/bin/safecp"
    chmod 755 "$inner/usr/bin/safecp"
    install -m 666 /dev/null "$inner/calls"
    printf '%s\n' '[safecp]' type=directory directory=/srv/chroot groups=sbuild root-groups=sbuild profile=sbuild \
        >"$machine/etc/schroot/chroot.d/safecp"
    sed -n "s/^    \(\$path = .*\)/\1\n1;/p" "$project/contrib/debian-build/README.md" >"$machine/tmp/ours.sbuildrc"
    echo '1;' >"$machine/tmp/gnu.sbuildrc"
}

# built_in_chroot MADE: packages come to /tmp/MADE.
built_in_chroot() {
    local place=$machine/tmp/$name.$1
    mkdir -- "$place"
    chmod 777 -- "$place"
    cp -- "$machine/tmp/$1.sbuildrc" "$machine/home/builder/.sbuildrc"
    inside setpriv --reuid=builder --regid=builder --init-groups env HOME=/home/builder USER=builder LOGNAME=builder sh -c 'cd "$1" && exec sbuild --chroot-mode=schroot --chroot=safecp --dist=bookworm --build-path="/build/$2" \
        --profiles=nocheck --no-run-lintian --no-apt-upgrade --no-apt-distupgrade --verbose "$3"' sh "/tmp/$name.$1" "$name" "/tmp/sources/${description##*/}"
}

# A package for itself and one with its tables for debuggers, at least.
same_packages() {
    local package count=0
    for package in "$machine/tmp/$name.gnu"/*.deb; do
        cmp -- "$package" "$machine/tmp/$name.ours/${package##*/}" || return
        count=$((count + 1))
    done
    ((count >= 2))
}

all_were_called() {
    sort -u "$inner/calls"
    [[ $(grep -xE -- '--as=(cp|install|mv)' "$inner/calls" | sort -u | wc -l) == 3 ]]
}
