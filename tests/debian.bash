# What the tests take from Debian: tools to install, and sources to build. To be sourced; needs a function give_up.

keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# install_tools TABLE: what is missing of it; says so where it cannot be installed. TABLE is the name of an associative array
# from commands, or paths of headers, to packages.
install_tools() {
    local -n table=$1
    local tool wanted=()
    for tool in "${!table[@]}"; do
        [[ $tool == /* && -e $tool ]] || command -v "$tool" >/dev/null || wanted+=(${table[$tool]})
    done
    ((${#wanted[@]})) || return 0
    if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
        give_up "needs ${wanted[*]}, which root could install"
    fi
    echo "installing ${wanted[*]}" >&2
    export DEBIAN_FRONTEND=noninteractive
    install_packages "${wanted[@]}" || { apt-get -q update && install_packages "${wanted[@]}"; } ||
        give_up "needs ${wanted[*]}, which could not be installed"
}

install_packages() {
    apt-get -qq -y --no-install-recommends install "$@" </dev/null
} >&2

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
