# Job 9: GNU cp under `safecp --guard`, in the rows in which it is wrong without. Nothing compares its copies but the trial: the guard refuses
# what is wrong, and the plain reads that cp makes then are right by themselves.
source /job/jobs/common.bash

# Four rows of so many: 1,000 copies without the guard, and 1,000 with it.
[[ $form != full ]] || copies=250

main() {
    make_pool
    check starts "the guard starts here" ${programs[guarded]% /bin/cp} true
    if has_cloning; then
        clones
    else
        holes
    fi
}

# #16012.
clones() {
    bites=cp
    row punched "cp guarded" --past punched --processes 8
    row truncated "cp guarded" --past truncated --processes 8
    zfs create tank/other
    row punched-to-another-dataset "cp guarded" --past punched --processes 8 --targets /tank/other
    bites=
    row mapped-tail-on-disk "cp guarded" --past tail --processes 8
}

# #15933.
holes() {
    throttle_hard
    bites=cp
    row R2 "cp guarded" --past mapped --processes 8
    row R2-overwritten "cp guarded" --past overwritten --processes 8
    row R2-mixed "cp guarded" --past mixed --processes 8
    row R2-still-mapped "cp guarded" --past mapped --processes 8 --keep-mapped
}

main
