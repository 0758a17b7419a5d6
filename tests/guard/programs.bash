# The programs that tests/guard/run runs, and how each copies. To be sourced.
#
# A program is a name in programs and a function program_NAME SOURCE TARGET PREFIX...: copies what is in the directory SOURCE into the
# directory TARGET by a command behind PREFIX. result_of says how its result is looked at: `tree` is all of it, `files` are the two
# files on top, `runs` is a program TARGET/bin/hello that was built.

programs=(safecp cp cp_newest install mv rsync tar_sparse cmake_copy rust_fs_copy python_shutil)
not_quick=(
    uutils xcp cargo_install go_build go_io_copy python_newest_shutil python_newest_pathlib portage_file_copy
)

declare -A results=(
    [install]=files [rust_fs_copy]=files [cargo_install]=runs [go_build]=runs [go_io_copy]=files [portage_file_copy]=files
)

# What a program may ask for under the guard, since it goes wrong without: it takes a refused search for holes for the end of the data
# (uutils, which writes zeros and says success: the guard does not start where that is the cp on PATH), or for a failure (xcp). Each
# is run without the permission, too: one that has come to do right is not to stay here.
declare -A allowed=([uutils]=holes [xcp]=holes)

result_of() { echo "${results[$1]-tree}"; }

program_safecp() { "${@:3}" "$safecp" -a "$1/." "$2"; }
program_cp() { "${@:3}" cp -a "$1/." "$2"; }
program_cp_newest() { "${@:3}" "$gnu_cp" -a "$1/." "$2"; }
program_install() { "${@:3}" install -t "$2" "$1/dense" "$1/sparse"; }
program_uutils() { "${@:3}" "$uutils_cp" -a "$1/dense" "$1/sparse" "$1/tree" "$2"; }
program_xcp() { "${@:3}" "$xcp" -r "$1/dense" "$1/sparse" "$1/tree" "$2"; }
program_rsync() { "${@:3}" rsync -a "$1/" "$2"; }
program_tar_sparse() { "${@:3}" sh -c 'tar -C "$1" -cSf - . | tar -C "$2" -xf -' - "$1" "$2"; }
program_cmake_copy() { "${@:3}" cmake -E copy_directory "$1" "$2"; }
program_rust_fs_copy() { "${@:3}" "$cache/fs_copy" "$1/dense" "$2/dense" "$1/sparse" "$2/sparse"; }
program_python_shutil() { "${@:3}" /usr/bin/python3 -c "$copy_by_shutil" "$1" "$2"; }
program_python_newest_shutil() { "${@:3}" newest_python -c "$copy_by_shutil" "$1" "$2"; }
program_python_newest_pathlib() { "${@:3}" newest_python -c "$copy_by_pathlib" "$1" "$2"; }
program_go_io_copy() { "${@:3}" "$cache/io_copy" "$1/dense" "$2/dense" "$1/sparse" "$2/sparse"; }
program_portage_file_copy() { "${@:3}" "$cache/portage/bin/python" -c "$copy_by_portage" "$1" "$2"; }

# mv copies between filesystems: from a tree beside the target's, on tmpfs.
program_mv() {
    rm -rf -- "$work/moved"
    cp -a -- "$1" "$work/moved"
    "${@:3}" mv "$work/moved/dense" "$work/moved/sparse" "$work/moved/tree" "$2"
}

# The build's directory is on another filesystem than what it makes, so that what is linked is copied.
program_go_build() {
    (
        export GOFLAGS=-trimpath GOCACHE=$cache/go-cache GOPATH=$cache/go-path GOTMPDIR=$work/tmp HOME=$work CGO_ENABLED=0
        "${@:3}" go build -o "$2/bin/hello" "$cache/hello.go"
    )
}

program_cargo_install() {
    CARGO_TARGET_DIR=$work/tmp/cargo "${@:3}" cargo install --quiet --offline --path "$cache/hello" --root "$2"
}

copy_by_shutil='import shutil, sys; shutil.copytree(sys.argv[1], sys.argv[2], dirs_exist_ok=True)'
copy_by_pathlib='
import pathlib, sys
for name in pathlib.Path(sys.argv[1]).iterdir():
    name.copy_into(sys.argv[2])
'
copy_by_portage='
import sys
from portage.util.file_copy import copyfile
for name in ("dense", "sparse"):
    copyfile(sys.argv[1] + "/" + name, sys.argv[2] + "/" + name)
'

result_files() { cmp -s -- "$1/dense" "$2/dense" && cmp -s -- "$1/sparse" "$2/sparse"; }
result_tree() {
    local name
    [[ $(cd -- "$1" && find . | sort) == "$(cd -- "$2" && find . | sort)" ]] || return 1
    while read -r name; do
        cmp -s -- "$1/$name" "$2/$name" || return 1
    done < <(cd -- "$1" && find . -type f)
}
result_runs() { [[ $("$2/bin/hello") == hello ]]; }

# What is there already is not made again.
prepare_programs() {
    gnu_cp=$(bash "$project/tests/gnu/run" --reference)
    prepare_rust
    mkdir -p -- "$work/tmp"
    ! $quick || return 0
    programs+=("${not_quick[@]}")
    prepare_tools
    prepare_go
    prepare_newest_python
    prepare_portage
}

prepare_tools() {
    local list
    SAFECP_TEST_BINARY=$safecp
    source "$project/tests/faults/tools.bash"
    list=$(compared_tools)
    uutils_cp=$(path_of uutils "$list")
    xcp=$(path_of xcp "$list")
}

prepare_rust() {
    cat >"$cache/fs_copy.rs" <<'END'
fn main() {
    let names: Vec<String> = std::env::args().skip(1).collect();
    for pair in names.chunks(2) {
        std::fs::copy(&pair[0], &pair[1]).expect("a copy");
    }
}
END
    rustc -O -o "$cache/fs_copy" "$cache/fs_copy.rs"
    mkdir -p -- "$cache/hello/src"
    printf '[package]\nname = "hello"\nversion = "0.1.0"\nedition = "2021"\n[workspace]\n' >"$cache/hello/Cargo.toml"
    echo 'fn main() { println!("hello") }' >"$cache/hello/src/main.rs"
}

# unpack_newest_python ROOT: with all that it depends on, below ROOT. Prints the package's name. By the apt that the guests' packages come from,
# whose cache is not ours.
unpack_newest_python() (
    source "$project/tests/zfs/build.bash"
    building=python
    prepare_apt sid || { echo "$reason" >&2; exit 1; }
    name=$(apt-cache "${apt[@]}" pkgnames | grep -x 'python3\.[0-9]*' | sort -V | tail -n 1)
    unpack "$1" "$name" || { echo "$reason" >&2; exit 1; }
    echo "$name"
)

declare -A packages_of_go=([go]=golang-go)

prepare_go() {
    install_tools packages_of_go
    printf 'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("hello") }\n' >"$cache/hello.go"
    cat >"$cache/io_copy.go" <<'END'
package main

import (
	"io"
	"os"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	for i := 1; i < len(os.Args); i += 2 {
		source, err := os.Open(os.Args[i])
		must(err)
		target, err := os.Create(os.Args[i+1])
		must(err)
		_, err = io.Copy(target, source)
		must(err)
		must(target.Close())
	}
}
END
    HOME=$work GOCACHE=$cache/go-cache CGO_ENABLED=0 go build -o "$cache/io_copy" "$cache/io_copy.go"
}

# A Python of Debian's newest suite, with its own C library, beside the system's.
prepare_newest_python() {
    local root=$cache/python
    if [[ ! -e $root.name ]]; then
        unpack_newest_python "$root" >"$root.part" || give_up "the newest Python cannot be fetched"
        mv -- "$root.part" "$root.name"
    fi
    printf '#!/bin/sh\nPYTHONHOME=%s exec %s --library-path %s %s "$@"\n' "$root/usr" "$root"/lib64/ld-linux-x86-64.so.2 \
        "$root/usr/lib/x86_64-linux-gnu" "$root/usr/bin/$(cat "$root.name")" >"$work/newest_python"
    chmod +x -- "$work/newest_python"
    PATH=$PATH:$work
    echo "the newest Python: $("$work/newest_python" --version)"
}

declare -A packages_of_portage=([/usr/bin/python3]=python3 [/usr/lib/python3/dist-packages/pip]=python3-pip)

prepare_portage() {
    [[ ! -e $cache/portage/whole ]] || return 0
    /usr/bin/python3 -c 'import ensurepip, venv' 2>/dev/null || install_packages python3-venv || give_up "needs python3-venv"
    # In its place from the beginning: its programs begin with the path of its python.
    rm -rf -- "$cache/portage"
    /usr/bin/python3 -m venv "$cache/portage"
    "$cache/portage/bin/python" -m pip install --quiet portage==3.0.83 >&2 || give_up "Portage cannot be fetched"
    touch -- "$cache/portage/whole"
}
