# Filesystems to test on, made in files and mounted in this process's own mount namespace. To be sourced.
#
# Whoever calls these runs under `unshare --mount --propagation private` (see enter_own_mounts): when the last process
# in there ends, however it ends, the kernel unmounts everything and frees the loop devices. Images have no name once
# they are mounted, so nothing but an empty directory can be left behind.

# Runs this script again, with its arguments, where its mounts are its own. Returns if that has been done. Only for root.
enter_own_mounts() {
    if [[ -z ${SAFECP_OWN_MOUNTS-} ]]; then
        SAFECP_OWN_MOUNTS=1 exec unshare --mount --propagation private -- bash "$0" "$@"
    fi
    unset SAFECP_OWN_MOUNTS
}

# Whether mounts of our own are possible here.
can_have_own_mounts() {
    [[ $(id -u) == 0 ]] && unshare --mount --propagation private true 2>/dev/null
}

# make_filesystem KIND DIRECTORY SIZE: mounts a fresh filesystem on DIRECTORY, which everyone may enter.
# KIND is ext4, btrfs, xfs, tmpfs or overlay; an overlay's two layers lie beside DIRECTORY. Says why not on failure.
make_filesystem() {
    local kind=$1 directory=$2 size=$3
    mkdir -p -- "$directory"
    case $kind in
    tmpfs) mount -t tmpfs -o "size=$size,mode=755" none "$directory" ;;
    overlay) make_overlay "$directory" ;;
    *) make_loop "$kind" "$directory" "$size" ;;
    esac
}

make_overlay() {
    local directory=$1 layers=$1.layers
    mkdir -p -- "$layers/lower" "$layers/upper" "$layers/work" &&
        mount -t overlay -o "lowerdir=$layers/lower,upperdir=$layers/upper,workdir=$layers/work" none "$directory"
}

make_loop() {
    local kind=$1 directory=$2 size=$3 image=$2.image options=()
    case $kind in
    ext4) options=(-q -F) ;;
    btrfs) options=(-q -f) ;;
    xfs) options=(-q -f -m reflink=1) ;;
    esac
    truncate -s "$size" -- "$image" &&
        "mkfs.$kind" "${options[@]}" "$image" >/dev/null &&
        mount -o loop -- "$image" "$directory" &&
        rm -- "$image" &&
        chmod 755 -- "$directory"
}
