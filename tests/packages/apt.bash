# dpkg and apt, on a machine of their own. To be sourced by tests/packages/run.

try_apt() {
    local machine
    machine=$(make_machine apt) || { check "a machine for apt" false; return; }
    make_contents "$work/memory/apt"
    local version
    for version in 1 2 3; do
        make_deb "$version" :
    done
    make_deb 4 "$damage"
    make_deb 5 "rm /opt/victim/dense"
    check "apt without the hooks, a damaged file: status 0" inside "${apt[@]}" install /tmp/victim_4.deb
    check "dpkg --verify sees it and exits with 0" verified_by_dpkg
    check "apt removes it" inside "${apt[@]}" purge victim
    ln -s -- /usr/share/safecp/apt/99safecp "$machine/etc/apt/apt.conf.d/99safecp"
    check "apt installs: status 0" inside "${apt[@]}" install /tmp/victim_1.deb
    check "what it installed is right" holds "$work/memory/apt"
    echo mine >"$machine/etc/victim.conf"
    check "apt upgrades, with a changed conffile: status 0" inside "${apt[@]}" -o DPkg::Options::=--force-confold install /tmp/victim_2.deb
    echo 'path-exclude=/usr/share/doc/*' >"$machine/etc/dpkg/dpkg.cfg.d/no-documents"
    check "a file is diverted" inside dpkg-divert --local --rename --divert /opt/victim/diverted --add /opt/victim/sparse
    check "apt upgrades, with a file left out and one diverted: status 0" inside "${apt[@]}" -o DPkg::Options::=--force-confold install /tmp/victim_3.deb
    check "the file is left out" test ! -e "$machine/usr/share/doc/victim/document"
    check "the other one is elsewhere" cmp "$work/memory/apt/opt/victim/sparse" "$machine/opt/victim/diverted"
    check "apt fails over a damaged file" fails inside "${apt[@]}" -o DPkg::Options::=--force-confold install /tmp/victim_4.deb
    check "the file is named" names_damage
    check "the repair is named" says "apt-get install --reinstall victim"
    check "apt fails over a missing file" fails inside "${apt[@]}" -o DPkg::Options::=--force-confold install /tmp/victim_5.deb
    check "that file is named" says "missing: '/opt/victim/dense'"
    check "apt repairs it: status 0" inside "${apt[@]}" --allow-downgrades -o DPkg::Options::=--force-confold install /tmp/victim_3.deb
    mv -- "$machine/usr/bin/safecp" "$machine/usr/bin/elsewhere"
    check "apt without the program: status 0" inside "${apt[@]}" --reinstall install /tmp/victim_3.deb
    check "it says so" says "safecp is not there; nothing was compared"
    mv -- "$machine/usr/bin/elsewhere" "$machine/usr/bin/safecp"
    check "apt removes: status 0" inside "${apt[@]}" purge victim
    check "nothing is left" test ! -e "$machine/opt/victim/dense"
    rm -- "$machine/etc/apt/apt.conf.d/99safecp"
    check "apt works without the hooks" inside "${apt[@]}" install /tmp/victim_1.deb
}

apt=(apt-get -q -y -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts=/dev/null -o APT::Sandbox::User=root)

verified_by_dpkg() { inside dpkg --verify victim && says "/opt/victim/dense"; }

# make_deb VERSION SCRIPT: which runs after it was unpacked.
make_deb() {
    local tree=$work/memory/apt.$1
    cp -a -- "$work/memory/apt" "$tree"
    mkdir -- "$tree/DEBIAN"
    printf '%s\n' 'Package: victim' "Version: $1" 'Architecture: all' 'Maintainer: nobody <nobody@example.org>' \
        'Description: to be damaged' >"$tree/DEBIAN/control"
    echo /etc/victim.conf >"$tree/DEBIAN/conffiles"
    printf '#!/bin/sh\nset -e\n%s\n' "$2" >"$tree/DEBIAN/postinst"
    chmod 755 "$tree/DEBIAN/postinst"
    # As dh_md5sums does: names stand as they are.
    (cd -- "$tree" && find opt usr -type f -print0 | sort -z | xargs -0 md5sum -z | tr '\0' '\n' >DEBIAN/md5sums)
    dpkg-deb --root-owner-group -Znone --build "$tree" "$machine/tmp/victim_$1.deb" >/dev/null
    rm -rf -- "$tree"
}
