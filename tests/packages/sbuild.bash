# sbuild, in a chroot that has safecp in front as contrib/debian-build/README.md says. To be sourced by tests/packages/run.

source "$project/tests/fresh_debian.bash"

try_sbuild() {
    local machine sources description inner
    $sample && return
    sources=$(sources_of popt) || { check "the sources of popt" false; return; }
    description=$(ls -- "$sources"/popt_*.dsc | sort -V | tail -n 1)
    machine=$(make_machine sbuild) || { check "a machine for sbuild" false; return; }
    check "sbuild is installed" inside apt-get -qq -y --no-install-recommends install sbuild schroot
    inner=$machine/srv/chroot
    check "there is a user who may build" inside useradd --create-home --groups sbuild builder
    check "there is a chroot" fresh_debian bookworm "$inner"
    prepare_chroot
    mkdir -- "$machine/tmp/sources"
    cp -- "$sources"/popt_* "$machine/tmp/sources"
    check "sbuild builds with GNU's programs" built_in_chroot gnu
    check "sbuild builds with ours" built_in_chroot ours
    check "the packages are the same, byte for byte" same_packages
    check "cp, install and mv were ours" all_were_called
    umount --recursive --lazy -- "$inner" "$inner.layers"
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

# built_in_chroot NAME: packages come to /tmp/NAME.
built_in_chroot() {
    mkdir -- "$machine/tmp/$1"
    chmod 777 -- "$machine/tmp/$1"
    cp -- "$machine/tmp/$1.sbuildrc" "$machine/home/builder/.sbuildrc"
    inside setpriv --reuid=builder --regid=builder --init-groups env HOME=/home/builder USER=builder LOGNAME=builder sh -c 'cd /tmp/$1 && exec sbuild --chroot-mode=schroot --chroot=safecp --dist=bookworm --build-path=/build/popt \
        --profiles=nocheck --no-run-lintian --no-apt-upgrade --no-apt-distupgrade --verbose "$2"' sh "$1" "/tmp/sources/${description##*/}"
}

same_packages() {
    local package count=0
    for package in "$machine"/tmp/gnu/*.deb; do
        cmp -- "$package" "$machine/tmp/ours/${package##*/}" || return
        count=$((count + 1))
    done
    ((count >= 3))
}

all_were_called() {
    sort -u "$inner/calls"
    [[ $(grep -xE -- '--as=(cp|install|mv)' "$inner/calls" | sort -u | wc -l) == 3 ]]
}
