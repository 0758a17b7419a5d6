# pacman, on a machine of its own. To be sourced by tests/packages/run.

try_pacman() {
    local machine version
    machine=$(make_machine pacman) || { check "a machine for pacman" false; return; }
    make_contents "$work/memory/pacman"
    mkdir -p -- "$machine"/var/lib/pacman "$machine/etc/pacman.d/hooks"
    printf '%s\n' '[options]' 'Architecture = auto' 'SigLevel = Never' 'LocalFileSigLevel = Never' \
        'HookDir = /etc/pacman.d/hooks' 'NoExtract = usr/share/doc/* !usr/share/doc/victim/*' >"$machine/etc/pacman.conf"
    for version in 1 2; do
        make_pacman_package "$version" :
    done
    make_pacman_package 3 "$damage"
    make_pacman_package 4 "rm /opt/victim/dense"
    # What an exclamation mark has pacman extract after all.
    make_pacman_package 5 "echo X >>/usr/share/doc/victim/document"
    check "pacman without the hook, a damaged file: status 0" inside "${pacman[@]}" -U /tmp/victim-3.pkg.tar.zst
    check "pacman removes it" inside "${pacman[@]}" -Rn victim
    ln -s -- /usr/share/safecp/pacman/zz-safecp.hook "$machine/etc/pacman.d/hooks/zz-safecp.hook"
    check "pacman installs: status 0" inside "${pacman[@]}" -U /tmp/victim-1.pkg.tar.zst
    check "its hook found nothing" nothing_damaged
    check "what it installed is right" holds "$work/memory/pacman"
    echo mine >"$machine/etc/victim.conf"
    check "pacman upgrades, with a changed file of the user's" inside "${pacman[@]}" -U /tmp/victim-2.pkg.tar.zst
    check "its hook found nothing" nothing_damaged
    check "a damaged file: pacman says that a hook failed" pacman_complains 3
    check "the file is named" names_damage
    check "/var/lib/safecp/damaged has the package" grep -qx victim "$machine/var/lib/safecp/damaged"
    check "a missing file: pacman says that a hook failed" pacman_complains 4
    check "that file is named" says "missing: '/opt/victim/dense'"
    check "a damaged file that NoExtract has an exception for: pacman says that a hook failed" pacman_complains 5
    check "that file is named as well" says "'usr/share/doc/victim/document'"
    check "what it did not extract is not there, and not missed" fails says "usr/share/doc/other"
    check "pacman repairs it" inside "${pacman[@]}" -U /tmp/victim-2.pkg.tar.zst
    check "nothing is damaged any more" nothing_damaged
    look_alikes pacman
    check "pacman removes" inside "${pacman[@]}" -Rn victim
    check "nothing is left" test ! -e "$machine/opt/victim/dense"
}

pacman=(pacman --noconfirm --noprogressbar)

nothing_damaged() {
    [[ ! -e $machine/var/lib/safecp/damaged ]] && says "(safecp)" >/dev/null && fails says "failed to execute" >/dev/null ||
        { cat -- "$work/log"; return 1; }
}

# With exit status 0, which is pacman's own.
pacman_complains() { inside "${pacman[@]}" -U "/tmp/victim-$1.pkg.tar.zst"; says "command failed to execute correctly"; }

# pacman_has NAME SCRIPT: a package with one small file, installed.
pacman_has() {
    local tree=$work/memory/small
    mkdir -p -- "$tree/opt/small"
    echo "$1" >"$tree/opt/small/$1"
    printf '%s\n' "pkgname = $1" "pkgbase = $1" 'pkgver = 1-1' 'pkgdesc = small' 'builddate = 1700000000' 'packager = nobody' 'size = 1' 'arch = any' >"$tree/.PKGINFO"
    printf 'post_install() {\n%s\n}\npost_upgrade() {\n%s\n}\n' "$2" "$2" >"$tree/.INSTALL"
    (
        cd -- "$tree"
        bsdtar -czf .MTREE --format=mtree --options='!all,use-set,type,uid,gid,mode,time,size,md5,sha256,link' .PKGINFO .INSTALL opt
        bsdtar -cf - .PKGINFO .INSTALL .MTREE opt | zstd -q -1 >"$machine/tmp/small.pkg.tar.zst"
    )
    rm -rf -- "$tree"
    inside "${pacman[@]}" -U /tmp/small.pkg.tar.zst
}

# make_pacman_package VERSION SCRIPT: as makepkg makes it.
make_pacman_package() {
    local tree=$work/memory/pacman.$1
    cp -a -- "$work/memory/pacman" "$tree"
    echo "another document" >"$tree/usr/share/doc/other"
    printf '%s\n' 'pkgname = victim' 'pkgbase = victim' "pkgver = $1-1" 'pkgdesc = to be damaged' 'builddate = 1700000000' \
        'packager = nobody' 'size = 1' 'arch = any' 'backup = etc/victim.conf' >"$tree/.PKGINFO"
    printf 'post_install() {\n%s\n}\npost_upgrade() {\n%s\n}\n' "$2" "$2" >"$tree/.INSTALL"
    (
        cd -- "$tree"
        export LC_ALL=C.UTF-8
        bsdtar -czf .MTREE --format=mtree --options='!all,use-set,type,uid,gid,mode,time,size,md5,sha256,link' .PKGINFO .INSTALL etc opt usr
        bsdtar -cf - .PKGINFO .INSTALL .MTREE etc opt usr | zstd -q -1 >"$machine/tmp/victim-$1.pkg.tar.zst"
    )
    rm -rf -- "$tree"
}
