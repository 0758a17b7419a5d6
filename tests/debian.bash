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

# fetch_sources DIRECTORY SUITE [OPTION...] PACKAGE...: source packages of SUITE, checked by apt against Debian's signatures.
#
# The archive's address is the one that apt here is configured with; the suite's list of sources is read into DIRECTORY, so
# that nothing of the system's apt changes. Nothing is installed, and root is not needed.
fetch_sources() {
    local place=$1 suite=$2 address
    shift 2
    address=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' | grep -v -- -security |
        head -n 1)
    [[ -n $address ]] || { echo "apt knows no archive of Debian"; return 1; }
    mkdir -p -- "$place/lists/partial" "$place/cache/archives/partial"
    echo "deb-src [signed-by=$keyring] $address $suite main" >"$place/sources.list"
    cat >"$place/apt.conf" <<END
Dir::Etc::SourceList "$place/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::State::Lists "$place/lists";
Dir::Cache "$place/cache";
Acquire::Check-Valid-Until "false";
APT::Sandbox::User "";
END
    (
        cd -- "$place"
        export APT_CONFIG=$place/apt.conf
        apt-get -q update && apt-get -q source --download-only "$@"
    )
}
