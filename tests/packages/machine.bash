# A machine of its own for a package manager: an overlay of this one, whose changes are in memory. To be sourced by tests/packages/run.

# make_machine NAME: with safecp and contrib where packages would put them. Prints where it is.
make_machine() {
    local machine=$work/memory/machines/$1
    mkdir -p -- "$machine"/{upper,layer,root}
    mount -t overlay -o "lowerdir=/,upperdir=$machine/upper,workdir=$machine/layer" none "$machine/root" || return
    mount -t proc none "$machine/root/proc"
    mount --rbind /dev "$machine/root/dev"
    mount -t tmpfs none "$machine/root/run"
    mount -t tmpfs -o mode=1777 none "$machine/root/tmp"
    mkdir -p -- "$machine/root/usr/share/safecp"
    /bin/cp -R -- "$project"/contrib/* "$machine/root/usr/share/safecp"
    install -m 755 -- "$safecp" "$machine/root/usr/bin/safecp"
    echo "$machine/root"
}

# inside COMMAND...: in the machine that machine names. What it says goes to $work/log, its exit status is the command's.
inside() {
    local status=0
    chroot "$machine" /usr/bin/env --ignore-environment PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive nice "$@" </dev/null >"$work/log" 2>&1 || status=$?
    cat -- "$work/log"
    return "$status"
}

# make_contents DIRECTORY: what the package victim holds, in each format.
make_contents() {
    mkdir -p -- "$1/opt/victim" "$1/usr/share/doc/victim" "$1/etc"
    make_files "$1/opt/victim"
    # tar has no capabilities, and dpkg no name beyond UTF-8.
    rm -- "$1/opt/victim/tree/capable"
    echo "a document" >"$1/usr/share/doc/victim/document"
    echo "as it came" >"$1/etc/victim.conf"
}

# Some bytes of a file change, its time and size do not (one byte of random content may be the same already): what a script in a package runs after it was unpacked.
damage='printf damaged | dd of=/opt/victim/dense bs=1 seek=200000 conv=notrunc status=none; touch -r /opt/victim/tree/text /opt/victim/dense'

names_damage() { grep -q "'opt/victim/dense'" "$work/log" || { cat -- "$work/log"; return 1; }; }
fails() { ! "$@"; }
says() { grep -q -- "$1" "$work/log" || { cat -- "$work/log"; return 1; }; }

# look_alikes MANAGER: packages of which one name, read as a pattern, is another one's as well.
look_alikes() {
    local name marks=$machine/var/lib/safecp/damaged
    for name in small-c++ smallzc++; do
        check "$1 installs $name, which damages its file" "$1_has" "$name" "echo X >>/opt/small/$name"
    done
    check "both are damaged" diff <(printf '%s\n' small-c++ smallzc++) <(sort "$marks")
    check "$1 installs small.c++" "$1_has" small.c++ :
    check "that takes no mark off the others" diff <(printf '%s\n' small-c++ smallzc++) <(sort "$marks")
    for name in small-c++ smallzc++; do
        check "$1 repairs $name" "$1_has" "$name" :
    done
    check "no mark is left" test ! -e "$marks"
}

# holds DIRECTORY: whether the machine has what the package has, but for what is the administrator's.
holds() {
    same_files "$1/opt/victim" "$machine/opt/victim"
}
