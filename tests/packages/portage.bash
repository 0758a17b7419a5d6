# Portage: packages that are built and merged in an offset root. To be sourced by tests/packages/run.
#
# Builds are in $work/memory/other or beside the root in $work/memory/one: then merging is a rename, otherwise Portage copies.

source "$project/tests/guard/programs.bash"

try_portage() {
    local cache=${XDG_CACHE_HOME:-$HOME/.cache}/safecp-guard
    mkdir -p -- "$cache"
    prepare_portage
    python=$cache/portage/bin
    place=$work/memory/one/portage
    root=$place/root
    mkdir -p -- "$place/files" "$work/memory/other/build" "$place/build"
    make_files "$place/files"
    make_repository
    expected=$place/expected
    make_expected

    emerged "safecp, nothing wrong" near right with
    check "our place is not in what is installed" grep -qx "INSTALL = $root/usr/bin/install -c" "$root/srv/recorded"
    emerged "safecp, no data at the image" near right with "${lying[@]}"
    check "Portage alone, no data at the image: status 0, wrong" lies_pass near
    features=xattr
    emerged "safecp, no data at the merge" far fails with "${lying[@]}"
    check "the damaged files are named" grep -q "opt/dense-or-not/sparse" "$place/log"
    emerged "safecp --guard emerge, no data at all" far right with "${lying[@]}" "$safecp" --guard
    check "Portage alone, no data at the merge: status 0, wrong" lies_pass far
    unset features
    fail_without_die
    lose_a_file
    protect_config
    $sample || more_of_portage
}

make_repository() {
    local repository=$place/repository
    mkdir -p -- "$repository"/{profiles/default,metadata,app-misc/victim} "$root"/etc/portage/repos.conf "$root/share"
    ln -s -- "$python/../share/portage" "$root/share/portage"
    echo safecp-test >"$repository/profiles/repo_name"
    echo app-misc >"$repository/profiles/categories"
    echo amd64 >"$repository/profiles/arch.list"
    echo 8 >"$repository/profiles/default/eapi"
    printf '%s\n' 'ARCH="amd64"' 'ACCEPT_KEYWORDS="amd64"' 'CHOST="x86_64-pc-linux-gnu"' \
        "CONFIG_PROTECT=\"$root/etc\"" >"$repository/profiles/default/make.defaults"
    printf '%s\n' 'masters =' 'thin-manifests = true' 'profile-formats = portage-2' >"$repository/metadata/layout.conf"
    ln -sfn -- "$repository/profiles/default" "$root/etc/portage/make.profile"
    printf '%s\n' '[DEFAULT]' 'main-repo = safecp-test' '[safecp-test]' "location = $repository" 'auto-sync = no' \
        >"$root/etc/portage/repos.conf/test.conf"
    cat >"$repository/app-misc/victim/victim-1.ebuild" <<END
EAPI=8
DESCRIPTION="Every way to copy"
SLOT="0"
KEYWORDS="amd64"
S=\${WORKDIR}
FILES=$place/files
OTHER=$work/memory/other/moved

src_install() {
    local place=\${ED}/opt/dense-or-not
    dodir /opt/dense-or-not
    cp -R "\${FILES}"/sparse "\${place}"
    cp -a "\${FILES}"/tree "\${place}"
    rm -rf "\${OTHER}"
    mkdir "\${OTHER}"
    cp "\${FILES}"/sparse "\${FILES}"/dense "\${OTHER}"
    mv "\${OTHER}"/sparse "\${place}"/moved
    mv "\${OTHER}"/dense "\${place}"/moved-dense
    install -m 644 "\${FILES}"/sparse "\${place}"/installed
    insinto /opt/ins
    doins -r "\${FILES}"/sparse "\${FILES}"/tree/sub
    newins "\${FILES}"/sparse renamed
    exeinto /opt/exe
    newexe "\${FILES}"/sparse executable
    newbin "\${FILES}"/sparse victim
    newlib.so "\${FILES}"/sparse libvictim.so
    newdoc "\${FILES}"/sparse document
    insinto /etc/victim
    newins "\${FILES}"/tree/text conf
    newman "\${FILES}"/tree/text victim.1
    fperms 4711 /opt/exe/executable
    dodir /srv
    echo "INSTALL = \$(type -P install) -c" >"\${ED}"/srv/recorded
}
END
}

# What that should install, by GNU's programs from the same files.
make_expected() {
    local ed=$expected$root
    mkdir -p -- "$ed"/opt/{dense-or-not,ins,exe} "$ed"/{usr/bin,usr/lib,etc/victim,usr/share/man/man1,usr/share/doc/victim-1}
    /bin/cp --sparse=never "$place/files/sparse" "$ed/opt/dense-or-not"
    /bin/cp -a --sparse=never "$place/files/tree" "$ed/opt/dense-or-not"
    cat "$place/files/sparse" >"$ed/opt/dense-or-not/moved"
    cat "$place/files/dense" >"$ed/opt/dense-or-not/moved-dense"
    cat "$place/files/sparse" >"$ed/opt/dense-or-not/installed"
    cat "$place/files/sparse" >"$ed/opt/ins/sparse"
    cat "$place/files/sparse" >"$ed/opt/ins/renamed"
    mkdir -- "$ed/opt/ins/sub"
    cat "$place/files/tree/sub/sparse" >"$ed/opt/ins/sub/sparse"
    cat "$place/files/tree/text" >"$ed/opt/ins/sub/same"
    ln -s ../text "$ed/opt/ins/sub/link"
    cat "$place/files/sparse" >"$ed/opt/exe/executable"
    chmod 4711 "$ed/opt/exe/executable"
    cat "$place/files/sparse" >"$ed/usr/bin/victim"
    cat "$place/files/sparse" >"$ed/usr/lib/libvictim.so"
    chmod 755 "$ed/usr/bin/victim" "$ed/usr/lib/libvictim.so"
    cat "$place/files/sparse" >"$ed/usr/share/doc/victim-1/document"
    cat "$place/files/tree/text" >"$ed/etc/victim/conf"
    cat "$place/files/tree/text" >"$ed/usr/share/man/man1/victim.1"
}

# emerge NEAR|FAR WITH|WITHOUT [PREFIX...]: what it says is in $place/log.
emerge() {
    local where=$1 hooks=$2 build=$place/build
    shift 2
    [[ $where == near ]] || build=$work/memory/other/build
    # What an emerge before has left is not to be taken for this one's.
    rm -rf -- "$root"/{opt,srv,usr,etc/victim,var/db/pkg,var/lib/portage} "$build/portage"
    configure_portage "$build" "$hooks"
    run_emerge "$@"
}

# configure_portage BUILD WITH|WITHOUT
configure_portage() {
    cat >"$root/etc/portage/make.conf" <<END
DISTDIR="$place/distfiles"
PKGDIR="$place/packages"
PORTAGE_TMPDIR="$1"
PORTAGE_LOGDIR="$place/logs"
PORTAGE_USERNAME="root"
PORTAGE_GRPNAME="root"
PORTAGE_COMPRESS=""
SAFECP="${stand_in:-$safecp}"
FEATURES="-sandbox -usersandbox -userpriv -userfetch -usersync -network-sandbox -ipc-sandbox -pid-sandbox -mount-sandbox -news ${features--xattr}
    -strict -qa-unresolved-soname-deps -binpkg-logs nostrip"
END
    : >"$root/etc/portage/bashrc"
    [[ $2 == without ]] || echo "source $project/contrib/portage/bashrc; ${more_hooks-}" >"$root/etc/portage/bashrc"
}

run_emerge() {
    local status=0
    (
        cd /
        PORTAGE_OVERRIDE_EPREFIX=$root PATH=$python:/usr/sbin:/usr/bin:/sbin:/bin nice "$@" \
            emerge --oneshot --nodeps --ignore-default-opts --color=n "${emerge_action:-app-misc/victim}" </dev/null
    ) >"$place/log" 2>&1 || status=$?
    return "$status"
}

# What was merged, without what Portage and we put there.
merged() {
    mkdir -p -- "$place/merged$root"
    rm -rf -- "${place:?}/merged$root"
    mkdir -p -- "$place/merged$root"
    local name
    for name in opt usr etc/victim; do
        [[ ! -e $root/$name ]] || { mkdir -p -- "$(dirname -- "$place/merged$root/$name")" && /bin/cp -a --sparse=never "$root/$name" "$place/merged$root/$name"; }
    done
    find "$place/merged" -name '.keep*' -delete
}

is_right() { merged && same_files "$expected$root" "$place/merged$root"; }

# emerged WHAT NEAR|FAR right|fails WITH|WITHOUT [PREFIX...]
emerged() {
    local what=$1 where=$2 wanted=$3 status=0
    emerge "$where" "${@:4}" || status=$?
    case $wanted in
    right) check "$what: status 0, right" ended_right "$status" ;;
    fails) check "$what: fails" ended_badly "$status" ;;
    esac
}

ended_right() { ended_well "$1" && is_right; }
ended_badly() { [[ $1 != 0 ]] || { show "$place/log"; return 1; }; }
ended_well() { [[ $1 == 0 ]] || { show "$place/log"; return 1; }; }

# For the comparison: nobody notices.
lies_pass() { emerge "$1" without "${lying[@]}" || { show "$place/log"; return 1; }; ! is_right; }

# cp that fails at a file, in an ebuild that does not look: the program fails to read its copy back.
fail_without_die() {
    local status=0 stand_in=$work/failing first
    # The dynamic loader reads with pread64 as well.
    first=$(strace -f -e trace=pread64 "$safecp" --version 2>&1 | grep -c pread64 || true)
    printf '%s\n' '#!/bin/bash' 'case "$*" in' '*/sparse*/dense-or-not)' \
        "    exec strace -f -qq -o /dev/null -e trace=pread64 -e inject=pread64:error=EIO:when=$((first + 2))+ $safecp \"\$@\" ;;" \
        'esac' "exec $safecp \"\$@\"" >"$stand_in"
    chmod 755 "$stand_in"
    emerge near with || status=$?
    check "a copy that cannot be verified, without || die: fails" ended_badly "$status"
    check "the copy that failed is named" grep -q "safecp: cp failed with exit status 1: .*sparse" "$place/log"
    check "nothing of it is merged" test ! -e "$root/opt"
    # The same fault, and a cp that does no more than exit with 1.
    mkdir -p -- "$work/front"
    printf '%s\n' '#!/bin/bash' "exec $stand_in --as=cp \"\$@\"" >"$work/front/cp"
    chmod 755 "$work/front/cp"
    check "the same fault without our hooks: status 0, wrong" lost_failure
}

lost_failure() {
    rm -rf -- "$root"/{opt,srv,usr,etc/victim,var/db/pkg} "$place/build/portage"
    configure_portage "$place/build" without
    echo "PATH=$work/front:\$PATH" >"$root/etc/portage/bashrc"
    run_emerge && ! is_right
}

# By a hook of the user's that calls ours, as README.md has it.
lose_a_file() {
    local status=0 more_hooks="pre_pkg_postinst() { rm ${root@Q}/opt/ins/renamed; safecp_pre_pkg_postinst; }"
    emerge near with || status=$?
    check "a file that is gone after the merge: fails" ended_badly "$status"
    check "it is named" grep -q "missing: .*/opt/ins/renamed" "$place/log"
}

# The user's file stays, the new one lies beside it, and nothing is called damaged; once more with the new one refused by hand.
protect_config() {
    local status=0
    emerge near with || status=$?
    echo mine >"$root/etc/victim/conf"
    run_emerge || status=$?
    check "a protected file of the user's: status 0" ended_well "$status"
    check "the new one lies beside it" cmp "$place/files/tree/text" "$root/etc/victim/._cfg0000_conf"
    rm -- "$root/etc/victim/._cfg0000_conf"
    run_emerge || status=$?
    check "a protected file whose successor was refused: status 0" ended_well "$status"
    check "the user's is as it was" grep -qx mine "$root/etc/victim/conf"
    emerge_action=app-misc/victim status=0
    PORTAGE_OVERRIDE_EPREFIX=$root PATH=$python:$PATH "$python/emerge" --unmerge app-misc/victim <<<y >"$place/log" 2>&1 || status=$?
    check "unmerged: status 0" ended_well "$status"
    check "nothing of it is left" test ! -e "$root/opt/ins"
}

more_of_portage() {
    emerged "Portage alone, nothing wrong" near right without
    features=xattr
    emerged "safecp, with extended attributes, to another filesystem" far right with
    unset features
    check "make-ebuild writes an ebuild" make_ebuild
    check "it has the crates of Cargo.lock" diff <(crates_locked) <(crates_of_ebuild)
    check "bash reads it" bash -n "$place"/safecp-*.ebuild
}

# Crates that cargo has already are not fetched again.
make_ebuild() {
    local tools=$cache/pycargoebuild
    [[ -x $tools/bin/pycargoebuild ]] || {
        /usr/bin/python3 -m venv "$tools" && "$tools/bin/python" -m pip install --quiet pycargoebuild portage==3.0.83
    }
    mkdir -p -- "$place/distfiles"
    (cd -- "$project" && cargo fetch --quiet --locked)
    cp -- "${CARGO_HOME:-$HOME/.cargo}"/registry/cache/*/*.crate "$place/distfiles"
    printf '[spdx-to-ebuild]\nApache-2.0 = Apache-2.0\n' >"$place/map"
    PATH=$tools/bin:$PATH PORTAGE_OVERRIDE_EPREFIX=$root bash "$project/contrib/portage/make-ebuild" "$place" \
        --no-config --license-mapping "$place/map" --distdir "$place/distfiles" --fetcher wget
}

crates_locked() { awk -F '"' '/^name/ { n = $2 } /^version/ { v = $2 } /^source/ { print n "@" v }' "$project/Cargo.lock" | sort; }
crates_of_ebuild() { grep -oE '^\s[A-Za-z0-9_-]+@\S+' "$place"/safecp-*.ebuild | tr -d '\t' | sort; }
