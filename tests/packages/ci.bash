# What contrib/ci has, played: the Makefile by make, and the commands of the Dockerfile and the two jobs by bash. To be sourced by tests/packages/run.

try_ci() {
    local directory=$work/memory/ci
    mkdir -p -- "$directory/bin" "$directory/project"
    ln -s -- "$safecp" "$directory/bin/safecp"
    make_files "$directory/project/files"
    rm -- "$directory/project/files/tree/capable"
    printf '%s\n' "include $project/contrib/ci/Makefile" '.DEFAULT_GOAL := all' 'all:' \
        'install: ; $(INSTALL) -d $(DESTDIR)/opt && $(CP) -a files/. $(DESTDIR)/opt && echo $(CP) >$(DESTDIR)/program' \
        >"$directory/project/Makefile"
    check "the Makefile copies" in_project make install DESTDIR=made
    check "what it made is right" same_files "$directory/project/files" "$directory/project/made/opt"
    check "by safecp" grep -q "safecp --as=cp" "$directory/project/made/program"
    check "it lists" in_project make list LIST=made.list TREE=made
    check "it compares" in_project make verified LIST=made.list TREE=made
    check "without safecp it copies, too" in_project make install DESTDIR=other SAFECP=nothing
    check "by cp" grep -qx cp "$directory/project/other/program"
    play_jobs github '.jobs.build.steps[].run // empty' '.jobs.compare.steps[].run // empty'
    play_jobs gitlab '.build.script[]' '.compare.script[]'
    check "the Dockerfile's PATH leads to safecp" play_dockerfile
}

in_project() { (cd -- "$work/memory/ci/project" && PATH=$work/memory/ci/bin:$PATH "$@"); }

# commands_of FILE FILTER: of jq. The step that fetches safecp is left out, for this one is to be played.
commands_of() {
    "$python3" -c 'import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)' <"$project/contrib/ci/$1.yml" |
        jq -r "$2" | grep -v "^cargo install"
}
python3=/usr/bin/python3

# play_jobs FILE BUILD COMPARE: the second job begins with nothing but the artifact of the first.
play_jobs() {
    local build compare next=$work/memory/ci/next archive=$work/memory/ci/next/installed.tar block
    rm -rf -- "$work"/memory/ci/project/installed* "$next"
    mkdir -- "$next"
    build=$(commands_of "$1" "$2")
    compare=$(commands_of "$1" "$3")
    check "$1.yml has commands" test "$(wc -l <<<"$build"$'\n'"$compare")" -ge 6
    check "$1.yml: they run" in_project bash -ec "$build"
    check "$1.yml: what they made is right" same_files "$work/memory/ci/project/files" "$work/memory/ci/project/installed/opt"
    mv -- "$work/memory/ci/project/installed.tar" "$archive"
    check "$1.yml: the second job compares" in_next bash -ec "$compare"
    block=$(tar --block-number -tf "$archive" | sed -n 's|^block \([0-9]*\): installed/opt/dense$|\1|p')
    printf damaged | dd of="$archive" bs=1 seek=$((block * 512 + 200000)) conv=notrunc status=none
    check "$1.yml: the second job fails over damage, and names it" names_dense "$compare"
}

names_dense() { ! in_next bash -ec "$1" >"$work/log" 2>&1 && says opt/dense; }
in_next() { (cd -- "$work/memory/ci/next" && PATH=$work/memory/ci/bin:$PATH "$@"); }

# As in the image: RUN's commands find what COPY and ENV put there.
play_dockerfile() {
    local command path=$project/contrib/debian-build/bin:$work/memory/ci/bin:$PATH
    command=$(sed -n 's/^RUN //p' "$project/contrib/ci/Dockerfile")
    [[ $(sed -n 's/^ENV PATH=//p' "$project/contrib/ci/Dockerfile") == /usr/share/safecp/debian-build/bin:* && -n $command ]] &&
        PATH=$path /bin/sh -ec "$command"
}
