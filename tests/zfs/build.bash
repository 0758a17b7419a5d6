# Guests to test on: a kernel, a ZFS module and a small userland of one Debian suite, made from its packages. To be sourced.
#
# find_guest NAME leaves a directory in $guest that holds
#
#   kernel      Debian's own, uncompressed if it can be, for software emulation takes seconds to do that
#   initrd      the userland with GNU cp, the ZFS tools and modules, and tests/zfs/init
#   versions    one line, key=value, of what is in it
#   linker/     linkers for job 3
#
# Nothing is pinned: the newest version that the suite has is looked up, and of its kernels the newest that the module says
# it supports. A guest is named for the versions of both, so it is built again when one of them changes, and when this
# file or init does. Guests and modules are made in a directory of another name and renamed when they are complete.
#
# Needs root (a chroot to compile in), apt and Debian's archive. All mounts are made in a mount namespace of their own.

cache=${XDG_CACHE_HOME:-$HOME/.cache}/safecp-zfs
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)

# The suites that each guest's packages come from; the first is preferred where several have a package.
#   bookworm    zfs 2.1.11: has the fix of OpenZFS #15526, not that of #15933
#   backports   zfs 2.3: block cloning is on by default (#16012, #18412)
#   sid         zfs 2.4, the newest there is. Kernels of the other suites are for the days when sid's is too new for it.
declare -A suites=(
    [bookworm]="bookworm bookworm-updates bookworm-security"
    [backports]="bookworm-backports bookworm bookworm-updates bookworm-security"
    [sid]="sid bookworm-backports bookworm"
)

# What compiles a module, besides the kernel's headers, and what a guest has; the packages that they depend on come with them.
compile_packages=(bash coreutils sed grep findutils diffutils tar gzip xz-utils gawk perl file hostname gcc make libc6-dev kmod bc)
guest_packages=(bash coreutils sed grep findutils diffutils tar mawk util-linux mount fdisk kmod procps acl attr strace zfsutils-linux)

# Modules that a guest needs besides those of ZFS, with what they depend on.
guest_modules=(virtio_pci virtio_blk brd)

# Debian package for each tool that building and booting take.
declare -A guest_tools=(
    [qemu-system-x86_64]=qemu-system-x86 [cpio]=cpio [depmod]=kmod [gcc]="gcc libc6-dev" [strip]=binutils [xz]=xz-utils [zstd]=zstd
)

# find_guest NAME [cached]: the guest as the archive has it now; with `cached`, the one that is there, whatever its age.
# Returns 1 with the reason in $reason if there is none and none can be built.
find_guest() {
    local name=$1 ready=()
    guest= reason=
    mkdir -p -- "$cache/guests" "$cache/modules"
    ready=("$cache/guests/$name"_*_"$(recipe)")
    if [[ ${2-} == cached && -d ${ready[0]} ]]; then
        guest=${ready[0]}
        return 0
    fi
    if [[ ${2-} == cached && $(id -u) != 0 ]]; then
        reason="building it takes root"
        return 1
    fi
    if [[ $(uname -m) != x86_64 ]] || ! command -v apt-get >/dev/null; then
        reason="it takes an x86-64 machine with apt"
        return 1
    fi
    exec {lock}>"$cache/lock.$name"
    flock "$lock"
    building=$name
    # What a build that was interrupted has left. Its mounts went with its processes.
    rm -rf --one-file-system -- "$cache/building.$name".*
    build_guest "$name"
    local status=$?
    exec {lock}>&-
    return $status
}

# new_directory PURPOSE: for what is removed before find_guest returns.
new_directory() {
    mktemp -d -- "$cache/building.$building.$1.XXXXXX"
}

# What a guest is made by: its hash is part of the guest's name.
recipe() {
    cat -- "$here/build.bash" "$here/init" | sha256sum | cut -c 1-12
}

build_guest() {
    local name=$1 zfs linux release kernel_package wanted
    prepare_apt "$name" || return 1
    zfs=$(candidate zfs-dkms)
    [[ -n $zfs ]] || { reason="the archive has no zfs-dkms for $name"; return 1; }
    fetch_module_source "$name" "$zfs" || return 1
    choose_kernel "$source/META" || return 1
    wanted=$cache/guests/${name}_zfs-${zfs}_linux-${linux}_$(recipe)
    if [[ ! -d $wanted ]]; then
        [[ $(id -u) == 0 ]] || { reason="building it takes root"; return 1; }
        install_guest_tools || return 1
        compile_module "$zfs" "$linux" "$release" || return 1
        say "building the guest $name: zfs $zfs, Linux $linux"
        assemble_guest "$name" "$zfs" "$linux" "$release" "$wanted.part" || return 1
        # Older ones go when nobody can be using them any more.
        find "$cache/guests" -maxdepth 1 -name "${name}_*" -mtime +7 -exec rm -rf -- {} +
        mv -T -- "$wanted.part" "$wanted"
    fi
    guest=$wanted
}

install_guest_tools() {
    local missing wanted
    PATH=$PATH:/usr/sbin:/sbin
    look_for_tools guest_tools
    ((${#wanted[@]})) || return 0
    if ! can_install; then
        reason="it takes the packages ${wanted[*]}"
        return 1
    fi
    say "installing ${wanted[*]}"
    install_packages "${wanted[@]}" || { reason="these packages could not be installed: ${wanted[*]}"; return 1; }
}

# --- apt, apart from the machine's own ---

# prepare_apt GUEST: sets $apt, options under which apt sees the guest's suites alone and nothing installed.
prepare_apt() {
    local name=$1 place=$cache/apt/$1 archive security suite key=
    local preferred=${suites[$1]%% *}
    # The archive that this machine is set up with.
    apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -q . || [[ $(id -u) != 0 ]] || apt-get -q update >&2
    archive=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -m 1 '/debian/*$')
    security=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -m 1 'security/*$')
    [[ -n $archive ]] || { reason="apt here does not know Debian's archive"; return 1; }
    mkdir -p -- "$place/lists/partial" "$place/archives/partial"
    : >"$place/status"
    [[ ! -e /usr/share/keyrings/debian-archive-keyring.gpg ]] ||
        key='[arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]'
    for suite in ${suites[$name]}; do
        case $suite in
        *-security) [[ -z $security ]] || echo "deb $key $security $suite main contrib" ;;
        *) echo "deb $key $archive $suite main contrib" ;;
        esac
    done >"$place/sources.list"
    apt=(
        -q -o APT::Get::Assume-Yes=true -o Dir::Etc::sourcelist="$place/sources.list" -o Dir::Etc::sourceparts=/dev/null
        -o Dir::State="$place" -o Dir::State::lists="$place/lists" -o Dir::State::status="$place/status"
        -o Dir::Cache="$place" -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null
        -o APT::Architecture=amd64 -o APT::Install-Recommends=false -o APT::Sandbox::User=root
        -o Acquire::Languages=none -o Acquire::Retries=3
    )
    # Nothing comes from backports unless it is asked for.
    [[ $preferred != *-backports ]] || apt+=(-o APT::Default-Release="$preferred")
    # Once in twelve hours is often enough to ask what is new.
    [[ -n $(find "$place/updated" -mmin -720 2>/dev/null) && $place/updated -nt $here/build.bash ]] && return 0
    if apt-get "${apt[@]}" update >"$place/log" 2>&1; then
        touch -- "$place/updated"
    elif [[ ! -e $place/updated ]]; then
        reason="apt-get update failed: $(tail -n 1 "$place/log")"
        return 1
    fi
}

# candidate PACKAGE: the version that would be installed.
candidate() {
    apt-cache "${apt[@]}" policy "$1" | sed -n 's/^ *Candidate: //p' | grep -vx '(none)'
}

# unpack DIRECTORY PACKAGE...: the packages and all that they depend on, as files; no maintainer script runs.
unpack() {
    local root=$1 deb directory archives awk
    shift
    archives=$(new_directory debs) || return 1
    mkdir -p -- "$archives/partial" "$root"/usr/{bin,sbin,lib,lib64}
    for directory in bin sbin lib lib64; do
        [[ -e $root/$directory ]] || ln -s "usr/$directory" "$root/$directory"
    done
    if ! apt-get "${apt[@]}" -o Dir::Cache::archives="$archives" --download-only install "$@" >"$archives/log" 2>&1 </dev/null; then
        reason="apt-get could not get $*: $(grep -m 1 '^E:' "$archives/log")"
        rm -rf -- "$archives"
        return 1
    fi
    for deb in "$archives"/*.deb; do
        dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink -C "$root" || return 1
    done
    # What postinst would have done.
    [[ -e $root/usr/bin/sh ]] || ln -s bash "$root/usr/bin/sh"
    for awk in mawk gawk; do
        [[ ! -e $root/usr/bin/$awk || -e $root/usr/bin/awk ]] || ln -s "$awk" "$root/usr/bin/awk"
    done
    rm -rf -- "$archives"
}

# unpack_one DIRECTORY PACKAGE[=VERSION]: that package alone.
unpack_one() {
    local archives
    archives=$(new_directory debs) || return 1
    (cd -- "$archives" && apt-get "${apt[@]}" download "$2" >log 2>&1) ||
        { reason="apt-get could not get $2"; rm -rf -- "$archives"; return 1; }
    mkdir -p -- "$1" && dpkg-deb -x "$archives"/*.deb "$1"
    rm -rf -- "$archives"
}

# --- versions ---

# fetch_module_source GUEST VERSION: sets $source to the directory of its sources.
fetch_module_source() {
    local place=$cache/source/$2
    if [[ ! -d $place ]]; then
        rm -rf -- "$place.part"
        unpack_one "$place.part" "zfs-dkms=$2" || return 1
        mv -T -- "$place.part" "$place"
    fi
    source=$(echo "$place"/usr/src/zfs-*)
}

# choose_kernel META: sets $linux (package version), $release (uname -r) and $kernel_package.
choose_kernel() {
    local maximum version
    maximum=$(sed -n 's/^Linux-Maximum: *//p' "$1")
    linux=
    while read -r version; do
        if [[ $(printf '%s\n' "$maximum" "$(cut -d . -f 1,2 <<<"$version")" | sort -V | tail -n 1) == "$maximum" ]]; then
            linux=$version
            break
        fi
    done < <(apt-cache "${apt[@]}" madison linux-image-amd64 | cut -d '|' -f 2 | tr -d ' ' | sort -rV)
    [[ -n $linux ]] || { reason="no kernel there is supported: this ZFS goes up to Linux $maximum"; return 1; }
    kernel_package=$(apt-cache "${apt[@]}" show "linux-image-amd64=$linux" | sed -n 's/^Depends: .*\(linux-image-[0-9][^ ,]*\).*/\1/p' | head -n 1)
    [[ -n $kernel_package ]] || { reason="linux-image-amd64 $linux does not say which kernel it stands for"; return 1; }
    release=${kernel_package#linux-image-}
    # The package that is depended on may have a version of its own.
    linux=$(apt-cache "${apt[@]}" madison "$kernel_package" | cut -d '|' -f 2 | tr -d ' ' | sort -rV | head -n 1)
}

# --- the module ---

# compile_module ZFS LINUX RELEASE: 8 to 20 minutes on two processors, once for each pair of versions.
compile_module() {
    local done=$cache/modules/zfs-$1_linux-$2 root
    [[ ! -d $done ]] || return 0
    say "compiling zfs $1 for Linux $2, which takes 8 to 20 minutes (log: $done.log)"
    root=$(new_directory compile) || return 1
    if unpack "$root" "${compile_packages[@]}" "linux-headers-$3" && cp -a -- "$source" "$root/zfs" &&
        compile_in "$root" "$3" >"$done.log" 2>&1; then
        mv -T -- "$root/modules" "$done"
        rm -rf --one-file-system -- "$root"
        return 0
    fi
    reason=${reason:-"the module did not compile: $(tail -n 1 "$done.log")"}
    rm -rf --one-file-system -- "$root"
    return 1
}

# compile_in ROOT RELEASE
compile_in() {
    in_root "$1" "$2" <<'SCRIPT'
cd /zfs
common=$(readlink -f /lib/modules/$1/source)
[[ -e $common ]] || common=$(readlink -f /lib/modules/$1/build)
./configure --disable-dependency-tracking --prefix=/usr --with-config=kernel --enable-linux-experimental \
    --with-linux="$common" --with-linux-obj="$(readlink -f /lib/modules/$1/build)" || { cat config.log; exit 1; }
make -j"$(nproc)"
mkdir /modules.part
find module -name '*.ko' -exec cp -t /modules.part {} +
strip --strip-debug /modules.part/*.ko
mv /modules.part /modules
SCRIPT
}

# in_root ROOT ARGUMENT... <SCRIPT: runs a script in there. The namespaces take its processes and mounts with them, however it ends.
in_root() {
    local root=$1
    { echo "set -e" && cat; } >"$root/script"
    unshare --mount --pid --fork --kill-child --propagation private -- bash -c '
        mkdir -p "$1/proc" "$1/dev" "$1/tmp" && mount -t proc proc "$1/proc" && mount --bind /dev "$1/dev" &&
            exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C HOME=/tmp nice chroot "$1" bash /script "${@:2}"' _ "$@" </dev/null
}

# --- the guest ---

# assemble_guest NAME ZFS LINUX RELEASE DIRECTORY
assemble_guest() {
    local name=$1 zfs=$2 linux=$3 release=$4 made=$5 root kernel
    rm -rf -- "$made"
    mkdir -p -- "$made"
    root=$(new_directory root) || return 1
    kernel=$(new_directory kernel) || return 1
    unpack "$root" "${guest_packages[@]}" && unpack_kernel "$kernel" "$linux" "$release" &&
        extract_kernel "$(find "$kernel" -name 'vmlinuz*' -type f -print -quit)" "$made/kernel" &&
        copy_modules "$kernel" "$root" "$release" "$cache/modules/zfs-${zfs}_linux-$linux" &&
        furnish "$root" &&
        (cd -- "$root" && find . | cpio -o -H newc --quiet) >"$made/initrd" &&
        take_linkers "$made/linker"
    local status=$?
    echo "guest=$name zfs=$zfs linux=$linux coreutils=$(candidate coreutils) libc=$(candidate libc6)" >"$made/versions"
    rm -rf -- "$root" "$kernel"
    ((status == 0)) || reason=${reason:-"the guest could not be put together"}
    return $status
}

# unpack_kernel DIRECTORY LINUX RELEASE. In Linux 7.2 of sid kernel, modules and their lists have packages of their own.
unpack_kernel() {
    local package
    for package in "$kernel_package" linux-{binary,base,modules}-"$3"; do
        [[ -z $(candidate "$package") ]] || unpack_one "$1" "$package=$2" || return 1
    done
}

# extract_kernel BZIMAGE FILE: the ELF image inside, which QEMU boots by its PVH entry; or the whole, if it has none.
extract_kernel() {
    local magic program offset
    while read -r magic program; do
        while IFS=: read -r offset _; do
            tail -c +$((offset + 1)) -- "$1" | $program -dc >"$2" 2>/dev/null
            [[ $(head -c 4 -- "$2" | od -An -tx1 | tr -d ' ') == 7f454c46 ]] && return 0
        done < <(LC_ALL=C grep -obUaP -- "$magic" "$1")
    done <<<'\xfd7zXZ\x00 xz
\x28\xb5\x2f\xfd zstd'
    cp -- "$1" "$2"
}

# copy_modules KERNEL ROOT RELEASE ZFS: ZFS's modules and the wanted ones of the kernel's package, with their dependencies.
copy_modules() {
    local from=$1/lib/modules/$3 to=$2/lib/modules/$3 name module
    [[ -d $from ]] || from=$1/usr/lib/modules/$3
    mkdir -p -- "$to"
    cp -- "$4"/*.ko "$to" && cp -- "$from"/modules.{builtin,builtin.modinfo,order} "$to" || return 1
    # depmod wants the modules where a root directory has them.
    [[ -e $1/lib ]] || ln -s usr/lib "$1/lib"
    cp -- "$4"/*.ko "$from" && depmod -b "$1" "$3" || return 1
    for name in zfs "${guest_modules[@]}"; do
        for module in $(sed -n "s,^\(\(.*/\)\?${name}\.ko[^:]*\): *\(.*\)$,\1 \3,p" "$from/modules.dep"); do
            [[ $module == *.ko || $module == *.ko.xz ]] && [[ ! -e $to/$(basename "${module%.xz}") ]] || continue
            cp -- "$from/$module" "$to" || return 1
            [[ $module != *.xz ]] || xz -df -- "$to/$(basename "$module")" || return 1
        done
    done
    depmod -b "$2" "$3"
}

# What is not needed goes, for emulation unpacks a megabyte in tens of milliseconds; what init expects comes.
furnish() {
    local root=$1
    rm -rf -- "$root"/usr/share/{doc,man,locale,info,zoneinfo,perl*,python3*,lintian,bash-completion,initramfs-tools} \
        "$root"/usr/lib/python3* "$root"/usr/lib/x86_64-linux-gnu/{perl*,gconv,systemd} "$root"/usr/lib/{systemd,udev/hwdb.d} \
        "$root"/usr/bin/{perl*,python3*} "$root"/usr/lib/x86_64-linux-gnu/libpython* "$root"/usr/lib/locale "$root"/boot "$root"/var
    mkdir -p -- "$root"/{proc,sys,dev,tmp,job,run,root,etc,tank,mnt,var}
    printf '%s\n' root:x:0:0::/root:/bin/bash alice:x:1000:1000::/tmp:/bin/bash bob:x:1001:1001::/tmp:/bin/bash >"$root/etc/passwd"
    printf '%s\n' root:x:0: alice:x:1000: bob:x:1001: >"$root/etc/group"
    ln -sf /proc/mounts "$root/etc/mtab"
    install -m 755 -- "$here/init" "$root/init"
}

# take_linkers DIRECTORY: two that write their output through a mapping. A suite need not have them: then job 3 says so.
take_linkers() {
    mkdir -p -- "$1"
    take_gold "$1" || say "$building: no ld.gold for job 3"
    take_go "$1" || say "$building: no Go for job 3"
}

# ld.gold, with the libraries and the loader of its suite.
take_gold() {
    local root library
    root=$(new_directory gold) || return 1
    if [[ -n $(candidate binutils-gold) ]] && unpack "$root" binutils-gold || unpack "$root" binutils; then
        if cp -L -- "$root/usr/bin/x86_64-linux-gnu-ld.gold" "$1/ld.gold" 2>/dev/null; then
            cp -L -- "$root/usr/lib64/ld-linux-x86-64.so.2" "$1/loader"
            "$1/loader" --library-path "$root/usr/lib/x86_64-linux-gnu" --list "$1/ld.gold" | grep -o '/[^ ]*' |
                while read -r library; do
                    [[ $library == */ld-linux* || $library == */loader ]] || cp -L -- "$library" "$1"
                done
        fi
    fi
    rm -rf -- "$root"
    [[ -e $1/ld.gold ]]
}

# Go's linker, and all that it needs to link a small program: what the package manager that met #15933 was installing.
take_go() {
    local root
    root=$(new_directory go) || return 1
    if unpack "$root" bash coreutils sed golang-go && in_root "$root" >"$root/log" 2>&1 <<'SCRIPT'
mkdir /hello
cd /hello
printf '%s\n' 'module hello' >go.mod
printf '%s\n' 'package main' 'import "fmt"' 'var Number string' 'func main() { fmt.Println(Number) }' >hello.go
export GOCACHE=/tmp/cache GOFLAGS=-mod=mod GO111MODULE=on CGO_ENABLED=0 GOTOOLCHAIN=local
work=$(go build -work -o hello . 2>&1 | sed -n 's/^WORK=//p')
mkdir /go
# One line for each package, the program's own first: packagefile NAME=FILE.
number=0
while read -r word assignment; do
    [[ $word == packagefile ]] || continue
    number=$((number + 1))
    cp "${assignment#*=}" "/go/$number.a"
    echo "packagefile ${assignment%%=*}=/job/linker/go/$number.a"
done <"$work/b001/importcfg.link" >/go/importcfg
cp "$(go env GOTOOLDIR)/link" /go/link
SCRIPT
    then
        mv -- "$root/go" "$1/go"
    fi
    rm -rf -- "$root"
    [[ -e $1/go/link ]]
}
