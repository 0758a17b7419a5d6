# Job 8: a module that nobody knows: /sys/module/zfs/version unreadable, gone, of a development version or of a release that came later
# than this safecp. Then the worst is assumed, and --debug says so. Booted with `nozfs` it is the other way round: no ZFS at all.
#
# The file that is copied is sparse, on disk and never mapped: with a version that is known and good its holes or blocks may be used.
source /job/jobs/common.bash

# Either nobody can tell the version, or nobody has examined it yet.
worst='strategy: stream \(OpenZFS #15933: (unknown or development version|newer than what was examined), the worst is assumed\)'

main() {
    if [[ ! -e /sys/module/zfs ]]; then
        without_zfs
        return
    fi
    make_pool
    mkdir -m 1777 /tank/out
    truncate -s 4M /tank/source
    head -c 256K /dev/urandom | dd of=/tank/source bs=128k seek=3 conv=notrunc iflag=fullblock status=none
    chown 1000:1000 /tank/source
    zpool sync tank
    echo "NOTE job=$job as it is: $(said)"
    local version
    for version in 2.3.99-1 2.4.0-rc1 git-1234567 2.3 "" 9.9.9-1 2.9.1-1; do
        printf '%s\n' "$version" >/tmp/version
        mount --bind /tmp/version /sys/module/zfs/version
        assume_worst "version-${version:-empty}"
        umount /sys/module/zfs/version
    done
    : >/tmp/version
    chmod 000 /tmp/version
    mount --bind /tmp/version /sys/module/zfs/version
    assume_worst unreadable setpriv --reuid=1000 --regid=1000 --clear-groups
    umount /sys/module/zfs/version
    mkdir /tmp/empty
    mount --bind /tmp/empty /sys/module/zfs
    assume_worst module-is-empty
    umount /sys/module/zfs
    mount --bind /tmp/empty /sys/module
    assume_worst module-is-masked
    umount /sys/module
}

# said [COMMAND...]: safecp's line about the copy.
said() {
    "$@" ${programs[safecp]} /tank/source /tank/out/target 2>&1 | grep -a '^strategy: ' | sed 's/, target: .*//'
    cmp -s /tank/source /tank/out/target || echo "the copy differs"
    rm -f /tank/out/target
}

# assume_worst NAME [COMMAND...]
assume_worst() {
    local name=$1 text
    shift
    text=$(said "$@")
    if [[ $text =~ ^$worst ]]; then
        right "$name" "$text"
    else
        wrong "$name" "$text"
    fi
    if "$@" ${programs[always]} /tank/source /tank/out/target >/tmp/said 2>&1; then
        wrong "$name-always" "it cloned"
    else
        right "$name-always" "$(grep -a '^safecp: ' /tmp/said | head -n 1)"
    fi
    rm -f /tank/out/target
}

without_zfs() {
    local text
    head -c 1M /dev/urandom >/tmp/source
    text=$(${programs[safecp]} /tmp/source /tmp/target 2>&1 | grep -a '^strategy: ')
    check no-zfs-copied "the copy is the same" cmp /tmp/source /tmp/target
    if [[ $text == strategy:* && $text != *ZFS* ]]; then right no-zfs "$text"; else wrong no-zfs "$text"; fi
}

main
