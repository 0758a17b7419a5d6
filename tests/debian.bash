# What the tests take from Debian: tools to install, and sources to build. To be sourced; install_tools needs a function give_up.

keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# look_for_tools TABLE: sets missing to what of it is not there, and wanted to the packages that have that. TABLE is the name
# of an associative array from commands, or paths of headers, to packages.
look_for_tools() {
    local -n table=$1
    local tool
    missing=() wanted=()
    for tool in "${!table[@]}"; do
        [[ $tool == /* && -e $tool ]] || command -v "$tool" >/dev/null ||
            { missing+=("$tool") && wanted+=(${table[$tool]}); }
    done
}

# install_tools TABLE: installs what is missing of it, or gives up.
install_tools() {
    local missing wanted
    look_for_tools "$1"
    ((${#wanted[@]})) || return 0
    can_install || give_up "needs ${wanted[*]}, which root could install"
    echo "installing ${wanted[*]}" >&2
    install_packages "${wanted[@]}" || give_up "needs ${wanted[*]}, which could not be installed"
}

can_install() {
    [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null
}

# install_packages PACKAGE...: reads apt's lists anew if it fails without.
install_packages() {
    local install=(apt-get -qq -y --no-install-recommends install "$@")
    export DEBIAN_FRONTEND=noninteractive
    "${install[@]}" || { apt-get -q update && "${install[@]}"; }
} </dev/null >&2

# apt_apart DIRECTORY KIND SUITE [LINE...]: an apt that sees SUITE alone, with its lists and configuration in DIRECTORY, so that nothing
# of the system's changes; lines go into its configuration. KIND is deb or deb-src. Use it with APT_CONFIG=DIRECTORY/apt.conf.
#
# The archive's address is the one that apt here is configured with, and apt checks Debian's signatures.
apt_apart() {
    local place=$1 kind=$2 suite=$3 address
    shift 3
    address=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' | grep -v -- -security |
        head -n 1)
    [[ -n $address ]] || { echo "apt knows no archive of Debian"; return 1; }
    mkdir -p -- "$place/lists/partial" "$place/cache/archives/partial"
    echo "$kind [signed-by=$keyring] $address $suite main" >"$place/sources.list"
    cat >"$place/apt.conf" <<END
Dir::Etc::SourceList "$place/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::State::Lists "$place/lists";
Dir::Cache "$place/cache";
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
APT::Sandbox::User "";
END
    (($# == 0)) || printf '%s\n' "$@" >>"$place/apt.conf"
}

# fetch_sources DIRECTORY SUITE [OPTION...] PACKAGE...: source packages of SUITE. Nothing is installed, and root is not needed.
fetch_sources() {
    local place=$1 suite=$2
    shift 2
    apt_apart "$place" deb-src "$suite" || return 1
    (
        cd -- "$place"
        export APT_CONFIG=$place/apt.conf
        apt-get -q update && apt-get -q source --download-only "$@"
    )
}

# unpack_newest DIRECTORY SUITE PATTERN ROOT: the package of SUITE with the highest version in its name, which matches PATTERN whole, and
# all that it depends on, as files below ROOT. Prints its name. No script of a package runs.
unpack_newest() {
    local place=$1 suite=$2 pattern=$3 root=$4 name deb directory APT_CONFIG
    mkdir -p -- "$place" "$root"
    : >"$place/status"
    apt_apart "$place" deb "$suite" "Dir::State::Status \"$place/status\";" 'APT::Install-Recommends "false";' || return 1
    export APT_CONFIG=$place/apt.conf
    apt-get -q update >"$place/log" 2>&1 || return 1
    name=$(apt-cache pkgnames | grep -x -- "$pattern" | sort -V | tail -n 1)
    [[ -n $name ]] && apt-get -q -y --download-only install "$name" >>"$place/log" 2>&1 </dev/null || return 1
    for directory in bin sbin lib lib64; do
        mkdir -p -- "$root/usr/$directory"
        ln -sfn "usr/$directory" "$root/$directory"
    done
    for deb in "$place"/cache/archives/*.deb; do
        dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink -C "$root" || return 1
    done
    echo "$name"
}
