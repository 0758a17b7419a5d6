# The cases of benches/run: what is copied, where, by which programs, and what safecp is to be at most. To be sourced.

cases=(dense dense-cold dense-8g small small-cold source deep sparse reflink reflink-map reflink-none links over again over-unsynced over-source durable)

all="safecp safecp-none safecp-device cp cp-cmp cp-b3sum uutils xcp rsync rsync-c"
# tmpfs has no device to read back from.
in_memory=${all/ safecp-device/}

declare -A places=(
    [dense]="ext4 xfs btrfs tmpfs" [dense-cold]="ext4 xfs btrfs" [dense-8g]=ext4
    [small]="ext4 xfs btrfs tmpfs" [small-cold]="ext4 xfs btrfs" [source]="ext4 tmpfs" [deep]="ext4 tmpfs"
    [sparse]="ext4 xfs" [reflink]="btrfs xfs" [reflink-map]="btrfs xfs" [reflink-none]="btrfs xfs"
    [links]="ext4 tmpfs" [over]="ext4 xfs btrfs tmpfs" [again]="ext4 xfs btrfs tmpfs" [over-unsynced]="ext4 xfs btrfs tmpfs" [over-source]=ext4 [durable]="ext4 xfs btrfs"
)
# btrfs writes delayed data out as soon as it has promised more metadata than a small filesystem has room for, at 40 GiB after some
# thousand files: it gets the size that its filesystems have.
declare -A sizes=([ext4]=40G [xfs]=40G [btrfs]=500G [tmpfs]=40G)
declare -A programs=(
    [dense]=$in_memory [dense-cold]=$all [dense-8g]="safecp cp cp-cmp xcp"
    [small]=$in_memory [small-cold]=$all [source]="safecp safecp-none cp xcp rsync rsync-c"
    [deep]="safecp safecp-none cp uutils xcp rsync rsync-c" [sparse]="safecp safecp-none cp xcp"
    [reflink]="safecp cp cp-cmp cp-b3sum" [reflink-none]="safecp-none cp" [links]="safecp cp rsync" [reflink-map]="safecp-map cp"
    [over]="safecp cp rsync-all" [again]="safecp cp rsync-all rsync-c" [over-unsynced]="safecp-unsynced cp" [over-source]="safecp rsync-all" [durable]="safecp-durable cp-sync"
)
declare -A makers=(
    [dense]=dense [dense-cold]=dense [dense-8g]=dense_8g [small]=small [small-cold]=small [source]=source [deep]=deep
    [sparse]=sparse [reflink]=dense [reflink-map]=dense_8g [reflink-none]=dense [links]=links
    [over]=small [again]=small [over-unsynced]=small [over-source]=source [durable]=small
)
declare -A forms=(
    [dense]=file [dense-cold]=file [dense-8g]=file [small]=tree [small-cold]=tree [source]=tree [deep]=tree [sparse]=file
    [reflink]=clone [reflink-map]=clone [reflink-none]=clone [links]=tree
    [over]=over [again]=again [over-unsynced]=over [over-source]=over [durable]=tree
)
# Files of a case whose system calls are counted.
declare -A counted=([small]=20000 [links]=100000)

# What safecp's time is to be at most of a program's: the aim of the project for this case.
declare -A limits=(
    [dense/cp]=1.00 [dense/cp-cmp]=0.60 [small/cp]=0.75 [small/xcp]=1.00 [small/rsync]=0.60 [small/rsync-c]=0.40 [source/cp]=0.75
    [source/rsync-c]=0.40 [deep/rsync-c]=0.40 [sparse/cp]=1.2 [reflink/cp-b3sum]=1.1 [reflink-none/cp]=1.1 [reflink-map/cp]=1.5 [over/cp]=1.5 [over/cp/xfs]=1.2 [over/cp/tmpfs]=0.8
    [again/cp]=1.0 [over-unsynced/cp]=1.0 [over-source/rsync-all]=0.8 [durable/cp-sync]=1.5 [small/cp/tmpfs]=0.70 [small/cp/btrfs]=0.90
)

make_dense() { head -c 1G /dev/urandom >"$1"; }
make_dense_8g() { head -c 8G /dev/urandom >"$1"; }

make_small() {
    local directory
    mkdir -- "$1"
    for directory in {1..200}; do
        mkdir -- "$1/$directory"
        head -c 409600 /dev/urandom | split -b 4096 -a 3 -d - "$1/$directory/"
    done
}

# 64 pieces of 16 MiB, spread over the whole.
make_sparse() {
    local piece
    truncate -s 1T -- "$1"
    for piece in {0..63}; do
        dd if=/dev/urandom of="$1" bs=16M count=1 seek=$((piece * 1024)) conv=notrunc iflag=fullblock status=none
    done
}

# Debian's sources of the kernel that its stable release has, kept as the package's archive.
make_source() {
    local cache=${XDG_CACHE_HOME:-$HOME/.cache}/safecp-bench
    mkdir -p -- "$cache" "$1"
    [[ -e $cache/linux.tar.xz ]] || fetch_kernel "$cache"
    tar -xf "$cache/linux.tar.xz" -C "$1"
}

fetch_kernel() {
    local place
    place=$(mktemp -d)
    fetch_sources "$place" bookworm linux >&2 || give_up "the sources of the kernel cannot be fetched"
    mv -- "$place"/linux_*.orig.tar.xz "$1/linux.tar.xz"
    rm -rf -- "$place"
}

# 30,000 files of 100 bytes to 20 KB, most of them small, in directories up to 14 deep.
make_deep() {
    mkdir -- "$1"
    awk -v root="$1" 'BEGIN {
        srand(1)
        for (package = 0; package < 1500; package++) {
            path = root
            depth = 1 + int(rand() * rand() * 7)
            for (level = 0; level < depth; level++) path = path "/node_modules/p" int(rand() * 12)
            path = path "/q" package
            print path
        }
    }' >"$work/packages"
    xargs mkdir -p <"$work/packages"
    head -c 20000 /dev/urandom | base64 -w 0 >"$work/text"
    awk 'BEGIN { srand(2) } { for (file = 0; file < 20; file++) print $0 "/f" file ".js", 100 + int(rand() ^ 4 * 20000) }' "$work/packages" |
        python3 -c '
import sys
text = open(sys.argv[1], "rb").read()
for line in sys.stdin:
    name, size = line.split()
    with open(name, "wb") as file:
        file.write(text[:int(size)])
' "$work/text"
}

# 100 files with 500 names each, and 50,000 symbolic links.
make_links() {
    mkdir -- "$1"
    python3 -c '
import os, sys
for directory in range(100):
    path = f"{sys.argv[1]}/{directory}"
    os.mkdir(path)
    with open(path + "/0", "w") as file:
        file.write("content\n")
    for name in range(1, 500):
        os.link(path + "/0", f"{path}/{name}")
    for name in range(500):
        os.symlink(str(name), f"{path}/link{name}")
' "$1"
}
