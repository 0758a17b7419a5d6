# Booting a guest, listening to it, and switching it off. To be sourced.
#
# A guest gets the job as a tar archive on its first disk and, if there is one, a disk to keep a pool on as its second. It talks
# through its serial line, which QEMU writes to a file; nothing is sent to it. It has no network.

guest_pid=

# choose_accelerator GUEST: sets $accelerator. KVM is believed when the guest has booted with it: where the machine is itself a
# guest, /dev/kvm may be there and a stock kernel still hang.
choose_accelerator() {
    accelerator=(-accel tcg,thread=multi -cpu max)
    [[ ${SAFECP_ZFS_ACCEL-} != tcg && -w /dev/kvm ]] || return 0
    local emulation=("${accelerator[@]}")
    accelerator=(-accel kvm -cpu host)
    start_guest "$1" "$work/kvm.log" none
    if ! await_guest "$work/kvm.log" '^INIT zfs=' 30; then
        accelerator=("${emulation[@]}")
    fi
    kill_guest
}

# start_guest GUEST LOG JOB [KERNEL-WORD...]: the archive is $work/job.tar, the disk for a pool $work/pool.img.
start_guest() {
    local guest=$1 log=$2 job=$3 disks=()
    shift 3
    : >"$log"
    [[ ! -e $work/pool.img ]] || disks=(-drive "file=$work/pool.img,format=raw,if=virtio,cache=writeback")
    nice qemu-system-x86_64 "${accelerator[@]}" -M q35 -m 3072 -smp 2 -nodefaults -display none -monitor none -no-reboot \
        -serial "file:$log" -kernel "$guest/kernel" -initrd "$guest/initrd" \
        -append "console=ttyS0 panic=-1 mitigations=off nokaslr nowatchdog quiet tsc=reliable job=$job $*" \
        -drive "file=$work/job.tar,format=raw,if=virtio,readonly=on" "${disks[@]}" </dev/null >"$log.qemu" 2>&1 &
    guest_pid=$!
    # Bash is not to report how it ended.
    disown "$guest_pid"
}

# await_guest LOG PATTERN SECONDS: waits for a line; 1 if the time is over or the guest has gone without it.
await_guest() {
    local end=$((SECONDS + $3))
    while ((SECONDS < end)); do
        # The line ends in a carriage return.
        grep -q -- "$2" "$1" && return 0
        kill -0 "$guest_pid" 2>/dev/null || { sleep 0.2; grep -q -- "$2" "$1"; return; }
        sleep 0.2
    done
    return 1
}

# As a power cut does it: nothing in the guest's memory survives.
kill_guest() {
    [[ -n $guest_pid ]] || return 0
    while kill -KILL "$guest_pid" 2>/dev/null; do
        sleep 0.1
    done
    guest_pid=
}

# run_job GUEST LOG JOB SECONDS [KERNEL-WORD...]: boots, waits for the job's end and for the guest to go.
run_job() {
    local guest=$1 log=$2 job=$3 seconds=$4 status=0
    shift 4
    start_guest "$guest" "$log" "$job" "$@"
    await_guest "$log" '^END status=' "$seconds" || status=1
    local end=$((SECONDS + 20))
    while ((SECONDS < end)) && kill -0 "$guest_pid" 2>/dev/null; do
        sleep 0.2
    done
    kill_guest
    return $status
}
