# rpm, on a machine of its own. To be sourced by tests/packages/run.

try_rpm() {
    local machine version
    machine=$(make_machine rpm) || { check "a machine for rpm" false; return; }
    make_contents "$work/memory/rpm"
    rm -rf -- "$machine"/var/lib/rpm/*
    check "rpm has a database" inside rpm --initdb
    for version in 1 2; do
        check "package $version is built" make_rpm "$version" :
    done
    check "package 3 is built" make_rpm 3 "$damage"
    check "package 4 is built" make_rpm 4 "rm /opt/victim/dense"
    check "the verifying package is built" make_verifier
    check "rpm without it, a damaged file: status 0" inside rpm -U --nodeps /tmp/victim-3.rpm
    check "nobody says so" silent
    check "rpm removes it" inside rpm -e victim
    check "rpm installs the verifying package" inside rpm -U --nodeps /tmp/verify.rpm
    check "rpm installs: status 0" inside rpm -U --nodeps /tmp/victim-1.rpm
    check "it found nothing" nothing_found
    check "what it installed is right" holds "$work/memory/rpm"
    echo mine >"$machine/etc/victim.conf"
    check "rpm upgrades, with a changed file of the user's" inside rpm -U --nodeps /tmp/victim-2.rpm
    check "it found nothing" nothing_found
    check "a damaged file: rpm warns" rpm_warns 3
    check "the file is named" names_damage
    check "/var/lib/safecp/damaged has the package" grep -qx victim "$machine/var/lib/safecp/damaged"
    check "a missing file: rpm warns" rpm_warns 4
    check "that file is named" says "missing: '/opt/victim/dense'"
    check "rpm repairs it" inside rpm -U --oldpackage --nodeps /tmp/victim-2.rpm
    check "nothing is damaged any more" nothing_found
    look_alikes rpm
    check "rpm removes" inside rpm -e victim safecp-verify
    check "nothing is left" test ! -e "$machine/opt/victim/dense"
}

silent() { ! grep -q "victim\|scriptlet" "$work/log"; }
nothing_found() { [[ ! -e $machine/var/lib/safecp/damaged ]] && fails says "scriptlet failed" >/dev/null || { cat -- "$work/log"; return 1; }; }

# With exit status 0, which is rpm's own.
rpm_warns() { inside rpm -U --nodeps "/tmp/victim-$1.rpm"; says "scriptlet failed"; }

# make_rpm VERSION SCRIPT. rpm has its own mind about names in specifications, so the directory stands there.
make_rpm() {
    cat >"$machine/tmp/victim.spec" <<END
%define __os_install_post %{nil}
%define _binary_payload w0.gzdio
Name: victim
Version: $1
Release: 1
Summary: to be damaged
License: none
AutoReqProv: no
%description
to be damaged
%install
mkdir -p %{buildroot}
cp -a /tmp/contents/. %{buildroot}
%files
%defattr(-,root,root)
/opt/victim
/usr/share/doc/victim
%config(noreplace) /etc/victim.conf
%post
$2
END
    [[ -e $machine/tmp/contents ]] || cp -a -- "$work/memory/rpm" "$machine/tmp/contents"
    inside rpmbuild --define '_topdir /tmp/rpmbuild' --nodeps -bb /tmp/victim.spec &&
        mv -- "$machine"/tmp/rpmbuild/RPMS/*/victim-"$1"-1.*.rpm "$machine/tmp/victim-$1.rpm"
}

# rpm_has NAME SCRIPT: a package with one small file, installed.
rpm_has() {
    cat >"$machine/tmp/small.spec" <<END
%define __os_install_post %{nil}
Name: $1
Version: 1
Release: 1
Summary: small
License: none
BuildArch: noarch
AutoReqProv: no
%description
small
%install
mkdir -p %{buildroot}/opt/small
echo $1 >%{buildroot}/opt/small/$1
%files
/opt/small/$1
%post
$2
END
    inside rpmbuild --define '_topdir /tmp/rpmbuild' --nodeps -bb /tmp/small.spec &&
        inside rpm -U --nodeps --replacepkgs "/tmp/rpmbuild/RPMS/noarch/$1-1-1.noarch.rpm"
}

make_verifier() {
    inside rpmbuild --define '_topdir /tmp/rpmbuild' --nodeps -bb /usr/share/safecp/rpm/safecp-verify.spec &&
        mv -- "$machine"/tmp/rpmbuild/RPMS/noarch/safecp-verify-*.rpm "$machine/tmp/verify.rpm"
}
