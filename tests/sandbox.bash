# A place where a program that goes wrong as root does not reach the machine. To be sourced by a script that runs under
# `unshare --mount --pid --fork`; needs a function give_up.

# Everything is read-only afterwards, but for what keep_writable is called with.
make_all_read_only() {
    local at
    mount --make-rprivate /
    # A mount that another one hides cannot be changed, and cannot be reached either.
    while read -r at; do
        at=$(printf '%b' "$at")
        mount -o remount,bind,ro -- "$at" 2>/dev/null || ! [[ -w $at ]] || give_up "$at stays writable"
    done < <(awk '{ print $5 }' /proc/self/mountinfo)
}

# keep_writable DIRECTORY PLACE: DIRECTORY is writable at PLACE, below /run, which is the sandbox's own.
keep_writable() {
    mkdir -p -- "$2"
    mount --bind -- "$1" "$2"
    mount -o remount,bind,rw -- "$2"
}

# Directories that stay to be read, wherever they are, and a handle of each: the checkout, and what keep_readable adds.
kept=()
handles=()

# keep_readable DIRECTORY: before anything is hidden, by make_own_run first.
keep_readable() {
    local handle
    exec {handle}<"$1"
    kept+=("$1")
    handles+=("$handle")
}

keep_readable "$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)"

# Puts back what is hidden now, and closes the handles.
show_kept() {
    local number handle
    for number in "${!kept[@]}"; do
        handle=${handles[number]}
        if ! [[ ${kept[number]} -ef /proc/self/fd/$handle ]]; then
            mkdir -p -- "${kept[number]}"
            mount --no-canonicalize --rbind -- "/proc/self/fd/$handle" "${kept[number]}"
        fi
        exec {handle}<&-
    done
}

# /run, which has to be there before keep_writable.
make_own_run() {
    mount -t tmpfs -o mode=755 none /run
    mkdir -- /run/mount
}

# /tmp, /var/tmp, /proc and /dev, which hide what was there.
make_own_places() {
    mount -t tmpfs -o mode=1777 none /tmp
    mount -t tmpfs -o mode=1777 none /var/tmp
    show_kept
    mount -t proc none /proc
    local knob
    for knob in /proc/sys /proc/sysrq-trigger; do
        [[ ! -e $knob ]] || { mount --bind "$knob" "$knob" && mount -o remount,bind,ro "$knob"; }
    done
    make_devices
}

# Nodes made by hand: a cp that replaces /dev/null replaces this one. Some tests mount images of their own.
make_devices() {
    local number
    mount -t tmpfs -o mode=755 none /dev
    mknod -m 666 /dev/null c 1 3
    mknod -m 666 /dev/zero c 1 5
    mknod -m 666 /dev/full c 1 7
    mknod -m 666 /dev/random c 1 8
    mknod -m 666 /dev/urandom c 1 9
    mknod -m 666 /dev/tty c 5 0
    mknod -m 600 /dev/loop-control c 10 237
    mknod -m 666 /dev/fuse c 10 229
    for number in {0..63}; do
        mknod -m 600 "/dev/loop$number" b 7 "$number"
    done
    mkdir /dev/pts
    mkdir -m 1777 /dev/shm
    mount -t devpts -o newinstance,ptmxmode=666,mode=620 none /dev/pts
    mount -t tmpfs -o mode=1777 none /dev/shm
    ln -s pts/ptmx /dev/ptmx
    ln -s /proc/self/fd /dev/fd
    ln -s fd/0 /dev/stdin
    ln -s fd/1 /dev/stdout
    ln -s fd/2 /dev/stderr
}
