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
    play_job github '.jobs.build.steps[].run // empty'
    play_job gitlab '.build.script[], .compare.script[]'
    check "the Dockerfile's PATH leads to safecp" play_dockerfile
    printf X | dd of="$directory/project/installed/opt/dense" bs=1 seek=1000 conv=notrunc status=none
    check "GitLab's second job fails over damage" fails in_project bash -ec "$(commands_of gitlab '.compare.script[]')"
}

in_project() { (cd -- "$work/memory/ci/project" && PATH=$work/memory/ci/bin:$PATH "$@"); }

# commands_of FILE FILTER: of jq. The step that fetches safecp is left out, for this one is to be played.
commands_of() {
    "$python3" -c 'import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)' <"$project/contrib/ci/$1.yml" |
        jq -r "$2" | grep -v "^cargo install"
}
python3=/usr/bin/python3

# play_job FILE FILTER
play_job() {
    local commands
    rm -rf -- "$work/memory/ci/project/installed"
    commands=$(commands_of "$1" "$2")
    check "$1.yml has commands" test "$(wc -l <<<"$commands")" -ge 3
    check "$1.yml: they run" in_project bash -ec "$commands"
    check "$1.yml: what they made is right" same_files "$work/memory/ci/project/files" "$work/memory/ci/project/installed/opt"
}

# As in the image: RUN's commands find what COPY and ENV put there.
play_dockerfile() {
    local command path=$project/contrib/debian-build/bin:$work/memory/ci/bin:$PATH
    command=$(sed -n 's/^RUN //p' "$project/contrib/ci/Dockerfile")
    [[ $(sed -n 's/^ENV PATH=//p' "$project/contrib/ci/Dockerfile") == /usr/share/safecp/debian-build/bin:* && -n $command ]] &&
        PATH=$path /bin/sh -ec "$command"
}
