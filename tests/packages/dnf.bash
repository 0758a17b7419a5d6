# dnf, over the same packages as rpm, on a machine of its own. To be sourced by tests/packages/run.

try_dnf() {
    local machine version
    machine=$(make_machine dnf) || { check "a machine for dnf" false; return; }
    # As the part before, by whose functions its packages are made.
    rm -rf -- "$work/memory/rpm"
    make_contents "$work/memory/rpm"
    rm -rf -- "$machine"/var/lib/{rpm,dnf}/*
    check "rpm has a database" inside rpm --initdb
    for version in 1 2; do
        check "package $version is built" make_rpm "$version" :
    done
    check "package 3 is built" make_rpm 3 "$damage"
    check "the verifying package is built" make_verifier
    check "what Debian has of itself is told to rpm" make_base
    check "dnf without it, a damaged file: status 0" by_dnf install /tmp/victim-3.rpm
    check "nobody says so" silent_of_damage
    check "dnf removes it" by_dnf remove victim
    check "dnf installs the verifying package" by_dnf install /tmp/verify.rpm
    check "dnf installs: status 0" by_dnf install /tmp/victim-1.rpm
    check "it found nothing" nothing_found
    check "what it installed is right" holds "$work/memory/rpm"
    echo mine >"$machine/etc/victim.conf"
    check "dnf upgrades, with a changed file of the user's" by_dnf upgrade /tmp/victim-2.rpm
    check "it found nothing" nothing_found
    check "a damaged file: what the page tells to run fails" fails upgraded_well /tmp/victim-3.rpm
    check "the file is named" names_damage
    check "/var/lib/safecp/damaged has the package" grep -qx victim "$machine/var/lib/safecp/damaged"
    check "dnf repairs it" by_dnf downgrade /tmp/victim-2.rpm
    check "nothing is damaged any more" nothing_found
    check "dnf removes" by_dnf remove victim safecp-verify
    check "nothing is left" test ! -e "$machine/opt/victim/dense"
}

# No repository: what is named is all that there is.
by_dnf() {
    inside dnf --assumeyes --releasever=1 --disablerepo='*' "$@"
}

silent_of_damage() { ! grep -q "dense\|scriptlet failed" "$work/log"; }

# As contrib/rpm/README.md has it.
upgraded_well() { by_dnf upgrade "$@" && test ! -e "$machine/var/lib/safecp/damaged"; }

# dnf asks for what scripts need, which came from Debian.
make_base() {
    printf '%s\n' 'Name: debian' 'Version: 1' 'Release: 1' 'Summary: what is there' 'License: none' 'BuildArch: noarch' \
        'Provides: /bin/sh /usr/bin/sh /bin/bash safecp' '%description' 'what is there' '%files' >"$machine/tmp/debian.spec"
    inside rpmbuild --define '_topdir /tmp/rpmbuild' --nodeps -bb /tmp/debian.spec &&
        inside rpm -U --nodeps /tmp/rpmbuild/RPMS/noarch/debian-1-1.noarch.rpm
}
