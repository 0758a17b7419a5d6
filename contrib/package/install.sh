#!/bin/sh
# install.sh [--prefix=DIRECTORY] [--uninstall]
#
# Installs what lies beside it, or removes it again: the program, its man pages, and completions for bash, zsh and fish, below
# DIRECTORY (/usr/local without it), within DESTDIR if that is set. The program installs itself, so that all of it is read back.
set -eu

here=$(cd -- "$(dirname -- "$0")" && pwd)
prefix=/usr/local
task=install
for argument; do
    case $argument in
    --prefix=*) prefix=${argument#--prefix=} ;;
    --uninstall) task=uninstall ;;
    *) echo "usage: install.sh [--prefix=DIRECTORY] [--uninstall]" >&2; exit 2 ;;
    esac
done
place=${DESTDIR-}$prefix

cd -- "$here"
find bin share -type f | while IFS= read -r file; do
    case $task,$file in
    install,bin/*) bin/safecp --as=install -D -m 755 -- "$file" "$place/$file" ;;
    install,*) bin/safecp --as=install -D -m 644 -- "$file" "$place/$file" ;;
    uninstall,*) rm -f -- "$place/$file" ;;
    esac || exit 1
done
[ "$task" = install ] || rmdir -- "$place/share/doc/safecp" 2>/dev/null || true
