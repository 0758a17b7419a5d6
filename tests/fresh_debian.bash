# Fresh systems of Debian, of any release, to install in and throw away. To be sourced after debian.bash and filesystems.bash by a script
# that runs with mounts of its own.
#
# A release is fetched once by debootstrap and kept in ~/.cache/safecp-debian; what a trial changes lies in a layer in memory.

cache_of_debian=${XDG_CACHE_HOME:-$HOME/.cache}/safecp-debian

# fresh_debian RELEASE DIRECTORY: a minimal system of it in DIRECTORY, with /proc, /sys and /dev, that can install packages.
fresh_debian() {
    local release=$1 directory=$2 layers=$2.layers
    fetch_debian "$release" >&2
    mkdir -p -- "$directory" "$layers"
    mount -t tmpfs -o mode=755 none "$layers"
    mkdir -- "$layers/upper" "$layers/work"
    mount -t overlay -o "lowerdir=$cache_of_debian/$release,upperdir=$layers/upper,workdir=$layers/work" none "$directory"
    mount -t proc none "$directory/proc"
    mount --rbind -o ro /sys "$directory/sys"
    mount --rbind /dev "$directory/dev"
    cp -- /etc/resolv.conf "$directory/etc/resolv.conf"
}

fetch_debian() {
    local release=$1 address
    [[ ! -d $cache_of_debian/$release ]] || return 0
    address=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' | grep -v -- -security | head -n 1)
    [[ -n $address ]] || give_up "apt knows no archive of Debian"
    mkdir -p -- "$cache_of_debian"
    rm -rf --one-file-system -- "$cache_of_debian/$release.part"
    debootstrap --variant=minbase "$release" "$cache_of_debian/$release.part" "$address"
    mv -- "$cache_of_debian/$release.part" "$cache_of_debian/$release"
}

# within DIRECTORY COMMAND...: runs it there, with an environment of its own.
within() {
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
        chroot "$1" "${@:2}" </dev/null
}

# remove_debian DIRECTORY
remove_debian() {
    umount --recursive --lazy -- "$1"
    umount --lazy -- "$1.layers"
}
