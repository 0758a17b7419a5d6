# The filesystems of the zoo. To be sourced after filesystems.bash, within a sandbox.
#
# A ground is a name in $grounds and a function ground_NAME DIRECTORY, which mounts it on DIRECTORY, an empty directory, and keeps what lies
# beneath it in DIRECTORY.d. Whoever is in the sandbox may enter it. Daemons of FUSE end with the sandbox's process
# namespace.

grounds=(ext4 btrfs xfs tmpfs overlay nosymfollow sync vfat casefold exfat exfat-fuse ntfs-3g ntfs-3g-rights lowntfs-3g sshfs
    sshfs-plain mergerfs bindfs bindfs-deaf unionfs fuse-overlayfs gocryptfs rclone)

# Debian package for each program of a ground.
declare -A packages_of_grounds=(
    [mkfs.btrfs]=btrfs-progs [mkfs.xfs]=xfsprogs [mkfs.ext4]=e2fsprogs [mkfs.vfat]=dosfstools [mkfs.exfat]=exfatprogs
    [mount.exfat-fuse]=exfat-fuse [ntfs-3g]=ntfs-3g [sshfs]=sshfs [/usr/lib/openssh/sftp-server]=openssh-sftp-server
    [mergerfs]=mergerfs [bindfs]=bindfs [unionfs-fuse]=unionfs-fuse [fuse-overlayfs]=fuse-overlayfs [gocryptfs]=gocryptfs
    [rclone]=rclone [fusermount]=fuse3
)

ground_ext4() { make_filesystem ext4 "$1" 256M; }
ground_btrfs() { make_filesystem btrfs "$1" 512M; }
ground_xfs() { make_filesystem xfs "$1" 512M; }
ground_tmpfs() { make_filesystem tmpfs "$1" 256M; }
ground_nosymfollow() { mount -t tmpfs -o nosymfollow,mode=755 none "$1"; }
ground_sync() { make_filesystem ext4 "$1" 256M && mount -o remount,sync,dirsync "$1"; }
ground_overlay() { ground_ext4 "$1" && make_filesystem overlay "$1/overlay" - && mount --bind "$1/overlay" "$1"; }
ground_casefold() {
    truncate -s 256M "$1.img" && mkfs.ext4 -q -F -O casefold -E encoding=utf8 "$1.img" && mount -o loop "$1.img" "$1" &&
        chattr +F "$1" && rm "$1.img"
}

# Kernel filesystems that not every kernel has.
ground_vfat() { make_image "$1" mkfs.vfat && mount -t vfat -o loop,umask=0 "$1.img" "$1"; }
ground_exfat() { make_image "$1" mkfs.exfat && mount -t exfat -o loop,umask=0 "$1.img" "$1"; }

# It wants a block device, which it holds from then on, so that this one is freed with it.
ground_exfat-fuse() {
    local device
    make_image "$1" mkfs.exfat && device=$(losetup --find --show "$1.img") && mount.exfat-fuse "$device" "$1" &&
        losetup --detach "$device"
}
ground_ntfs-3g() { make_image "$1" mkntfs --force --fast --quiet && ntfs-3g "$1.img" "$1"; }
ground_ntfs-3g-rights() {
    make_image "$1" mkntfs --force --fast --quiet && ntfs-3g -o permissions,acl "$1.img" "$1" && chmod 755 "$1"
}
ground_lowntfs-3g() { make_image "$1" mkntfs --force --fast --quiet && lowntfs-3g -o ignore_case "$1.img" "$1"; }

ground_sshfs() { make_sshfs "$1"; }
ground_sshfs-plain() { make_sshfs "$1" -o disable_hardlink,workaround=rename,dir_cache=no; }
ground_mergerfs() {
    mkdir "$1.d" "$1.d"/{1,2} && mergerfs -o allow_other "$1.d/1:$1.d/2" "$1"
}
ground_bindfs() { mkdir "$1.d" && bindfs "$1.d" "$1"; }
ground_bindfs-deaf() { mkdir "$1.d" && bindfs --chown-ignore --chmod-ignore --xattr-none "$1.d" "$1"; }
ground_unionfs() {
    mkdir "$1.d" "$1.d"/{upper,lower} && unionfs-fuse -o cow,allow_other,dev,suid "$1.d/upper=RW:$1.d/lower=RO" "$1"
}
ground_fuse-overlayfs() {
    mkdir "$1.d" "$1.d"/{lower,upper,work} &&
        fuse-overlayfs -o "allow_other,lowerdir=$1.d/lower,upperdir=$1.d/upper,workdir=$1.d/work" "$1"
}
ground_gocryptfs() {
    mkdir "$1.d" && echo secret >"$1.pass" && gocryptfs -q -nosyslog -init -scryptn 10 -passfile "$1.pass" "$1.d" &&
        gocryptfs -q -nosyslog -allow_other -passfile "$1.pass" "$1.d" "$1"
}
# Without a cache it can neither read what is being written nor rename what is open: safecp fails there, and says so. What
# is written back later gets another time.
ground_rclone() {
    mkdir "$1.d" && rclone mount --daemon --allow-other --config /dev/null --cache-dir "$1.cache" --vfs-cache-mode writes \
        --vfs-write-back 0s ":local:$1.d" "$1"
}

# make_image DIRECTORY MKFS...
make_image() {
    truncate -s 64M "$1.img" && "${@:2}" "$1.img" >/dev/null
}

# Over a pipe: what is to reach another machine is a server on this one.
make_sshfs() {
    mkdir "$1.d" && printf '#!/bin/sh\nexec /usr/lib/openssh/sftp-server\n' >"$1.server" && chmod +x "$1.server" &&
        sshfs -o "ssh_command=$1.server,allow_other,default_permissions" "${@:2}" "host:$1.d" "$1"
}
