//! What a copy has besides its content: mode, owner, times, access control lists, attributes, capabilities, and what of
//! it is carried over when.

mod common;
use common::{World, has_tool, left_out};
use std::fs::OpenOptions;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

const LONG_AGO: (i64, i64) = (999_999_999, 987_654_321);
const BEFORE: (i64, i64) = (1_111_111_111, 123_456_789);

#[test]
fn a_new_file_has_the_sources_mode_less_the_umask() {
    let world = World::new();
    world.file("a", "1").chmod("a", 0o777).shell("umask 027; $safecp a b").succeeds();
    world.chmod("a", 0o642).shell("umask 0; $safecp a c").succeeds();
    world.chmod("a", 0o666).shell("umask 077; $safecp a d").succeeds();
    assert_eq!([world.mode("b"), world.mode("c"), world.mode("d")], [0o750, 0o642, 0o600]);
}

#[test]
fn a_file_at_the_end_of_a_link_has_the_sources_mode_less_the_umask() {
    let world = World::new();
    world.file("a", "1").chmod("a", 0o444).symlink("b", "link").symlink("c", "other");
    let script = "export POSIXLY_CORRECT=1; umask 027; $safecp a link && umask 0277 && $safecp -p a other";
    world.shell_as_nobody(script).succeeds();
    assert_eq!(
        ["b", "c"].map(|name| (world.mode(name), world.read(name))),
        [0o440, 0o444].map(|mode| (mode, "1".into()))
    );
}

#[test]
fn a_new_file_is_not_setuid() {
    let world = World::new();
    world.file("a", "1").chmod("a", 0o6755).cp("a b").succeeds();
    assert_eq!(world.mode("b"), 0o755);
}

#[test]
fn a_new_directory_has_the_sources_mode_less_the_umask() {
    let world = World::new();
    world.dir("s/sub").chmod("s/sub", 0o777).chmod("s", 0o1777).shell("umask 027; $safecp -R s t").succeeds();
    assert_eq!((world.mode("t") & 0o777, world.mode("t/sub")), (0o750, 0o750));
}

#[test]
fn p_preserves_mode_and_times() {
    let world = World::new();
    world.file("a", "1").chmod("a", 0o2751).times("a", BEFORE, LONG_AGO).shell("umask 077; $safecp -p a b").succeeds();
    let copy = world.stat("b");
    assert_eq!(copy.mode() & 0o7777, 0o2751);
    assert_eq!((copy.mtime(), copy.mtime_nsec()), LONG_AGO);
    assert_eq!((copy.atime(), copy.atime_nsec()), BEFORE);
}

#[test]
fn times_before_1970_are_preserved() {
    let world = World::new();
    world.file("a", "1").times("a", (-5, 1), (-1_000_000, 999_999_999)).cp("-p a b").succeeds();
    assert_eq!((world.stat("b").mtime(), world.stat("b").mtime_nsec()), (-1_000_000, 999_999_999));
}

#[test]
fn p_preserves_no_attributes_and_a_does() {
    let world = World::new();
    world.file("a", "1").set_xattr("a", "user.one", b"\0\xffbytes").cp("-p a p").succeeds();
    world.cp("-a a b").succeeds();
    world.cp("--preserve=xattr a c").succeeds();
    assert_eq!(world.xattr("p", "user.one"), None);
    assert_eq!(world.xattr("b", "user.one"), Some(b"\0\xffbytes".to_vec()));
    assert_eq!(world.xattr("c", "user.one"), Some(b"\0\xffbytes".to_vec()));
}

#[test]
fn each_attribute_is_preserved_by_its_name() {
    let world = World::new();
    world.file("a", "1").chmod("a", 0o666).times("a", BEFORE, LONG_AGO);
    world.cp("--preserve=mode a mode").succeeds();
    world.cp("--preserve=timestamps a times").succeeds();
    world.cp("--preserve=mode,timestamps a both").succeeds();
    let seen = ["mode", "times", "both"].map(|name| (world.mode(name), world.stat(name).mtime() == LONG_AGO.0));
    assert_eq!(seen, [(0o666, false), (0o644, true), (0o666, true)]);
}

#[test]
fn each_attribute_is_left_by_its_name() {
    let world = World::new();
    world.file("a", "1").chmod("a", 0o751).times("a", BEFORE, LONG_AGO).set_xattr("a", "user.one", b"1");
    world.cp("-a --no-preserve=mode a mode").succeeds();
    world.cp("-a --no-preserve=timestamps a times").succeeds();
    world.cp("-a --no-preserve=xattr a xattr").succeeds();
    assert_eq!((world.mode("mode"), world.stat("mode").mtime()), (0o644, LONG_AGO.0));
    assert!(world.stat("times").mtime() > BEFORE.0);
    assert_eq!((world.mode("xattr"), world.xattr("xattr", "user.one")), (0o751, None));
}

#[test]
fn a_new_directory_has_the_default_mode_where_none_is_preserved() {
    let world = World::new();
    world.dir("s").file("s/x", "1").chmod("s/x", 0o700).chmod("s", 0o700);
    world.cp("-a --no-preserve=mode s t").succeeds();
    assert_eq!((world.mode("t"), world.mode("t/x")), (0o755, 0o644));
}

#[test]
fn owner_and_group_are_preserved() {
    let Some(world) = World::as_root("files of other owners") else { return };
    world.dir("s").file("s/x", "1").symlink("x", "s/link").tool("chown", ["-hR", "1234:5678", "s"]);
    world.chmod("s/x", 0o6755).cp("-a s t").succeeds();
    for name in ["t", "t/x", "t/link"] {
        assert_eq!((world.stat(name).uid(), world.stat(name).gid()), (1234, 5678), "{name}");
    }
    assert_eq!(world.mode("t/x"), 0o6755);
}

#[test]
fn setuid_goes_where_the_owner_cannot_be_preserved() {
    let Some(world) = World::as_root("a file of another owner") else { return };
    world.file("a", "1");
    let script = "chown -R 65534 . && chown 1234:5678 a && chmod 6755 a && cp $safecp ./cp && \
                  setpriv --reuid 65534 --regid 65534 --clear-groups ./cp -p a b";
    let output = world.shell(script);
    output.succeeds();
    assert_eq!((world.stat("b").uid(), world.mode("b")), (65534, 0o755));
}

/// GNU's cp ends with the first attribute that is refused.
#[test]
fn what_belongs_to_another_user_is_told_of_once() {
    let Some(world) = World::as_root("files of another user") else { return };
    world
        .dir("s")
        .dir("d")
        .file("s/f", "new")
        .file("d/f", "old")
        .chmod("d", 0o777)
        .chmod("d/f", 0o666)
        .chmod(".", 0o777);
    let script = "cp $safecp ./cp && setpriv --reuid 65534 --regid 65534 --clear-groups ./cp -a s/. d";
    world.shell(script).fails(
        "cp: preserving times for 'd/./f': Operation not permitted\n\
         cp: preserving times for 'd/.': Operation not permitted\n",
    );
    assert_eq!((world.read("d/f"), world.mode("d"), world.mode("d/f")), ("new".to_owned(), 0o777, 0o666));
}

#[test]
fn an_ordinary_user_gets_files_of_his_own() {
    let Some(world) = World::as_root("files of other owners") else { return };
    world.dir("s").file("s/x", "1").cp_as_nobody("-a s t").succeeds();
    world.tool("chown", ["-R", "1234:5678", "s"]);
    let script = "cp $safecp ./cp && setpriv --reuid 65534 --regid 65534 --clear-groups ./cp -a s u";
    world.shell(script).succeeds();
    assert_eq!((world.stat("u/x").uid(), world.read("u/x")), (65534, "1".to_owned()));
}

/// As with GNU's cp: -a makes what is lost of extended attributes neither a failure nor worth a word, unless they are demanded by name.
#[test]
fn attributes_that_are_demanded_stay_so_beside_archive() {
    let Some(world) = World::as_root("attributes for root alone") else { return };
    world.file("a", "1").tool("setfattr", ["-n", "security.x", "-v", "1", "a"]);
    let run = |words| {
        world.shell(&format!(
            "setpriv --bounding-set -sys_admin --inh-caps -sys_admin $safecp {words} a b; s=$?; rm b; exit $s"
        ))
    };
    for words in
        ["--preserve=xattr -a", "-a --preserve=xattr", "--preserve=xattr --preserve=all", "-a --preserve=mode,xattr"]
    {
        run(words).fails("safecp: setting attributes for 'b': Operation not permitted\n");
    }
    for words in ["-a", "-a --preserve=all", "--preserve=all -a", "--preserve=xattr --no-preserve=xattr -a"] {
        run(words).succeeds();
    }
    let said = run("--preserve=all");
    assert!(said.code() == Some(0) && said.stderr.contains("setting attribute"), "{said}");
}

#[test]
fn capabilities_are_preserved() {
    let Some(world) = World::as_root("capabilities") else { return };
    if !has_tool("setcap") {
        return;
    }
    world.file("a", "1").tool("setcap", ["cap_net_raw+ep", "a"]);
    world.tool("chown", ["1234:5678", "a"]);
    world.tool("setcap", ["cap_net_raw+ep", "a"]);
    world.cp("-a a b").succeeds();
    assert!(world.tool("getcap", ["b"]).contains("cap_net_raw=ep"));
    world.cp("-p a c").succeeds();
    assert_eq!(world.tool("getcap", ["c"]), "");
}

#[test]
fn trusted_attributes_are_preserved() {
    let Some(world) = World::as_root("trusted attributes") else { return };
    world.dir("s").symlink("x", "s/link").set_xattr("s", "trusted.d", b"d").set_xattr("s/link", "trusted.l", b"l");
    world.cp("-a s t").succeeds();
    assert_eq!(world.xattr("t", "trusted.d"), Some(b"d".to_vec()));
    assert_eq!(world.xattr("t/link", "trusted.l"), Some(b"l".to_vec()));
}

#[test]
fn access_control_lists_are_preserved() {
    if !has_tool("setfacl") {
        return;
    }
    for option in ["-Rp", "-a", "-R --preserve=mode"] {
        let world = World::new();
        world.dir("s").file("s/x", "1");
        world.tool("setfacl", ["-m", "u:1234:rwx,g:5678:r", "s/x"]);
        world.tool("setfacl", ["-m", "u:1234:rx,d:u:4321:rwx", "s"]);
        world.cp(&format!("{option} s t")).succeeds();
        assert!(world.acl("s/x").contains("user:1234:rwx") && world.acl("s").contains("default:user:4321:rwx"));
        assert_eq!((world.acl("t"), world.acl("t/x")), (world.acl("s"), world.acl("s/x")), "{option}");
    }
}

#[test]
fn a_default_access_control_list_is_inherited() {
    if !has_tool("setfacl") {
        return;
    }
    let world = World::new();
    world.dir("d").tool("setfacl", ["-m", "d:u:1234:rw,d:g::rx,d:o::-", "d"]);
    world.file("a", "1").chmod("a", 0o664).cp("a d").succeeds();
    let plain = OpenOptions::new().write(true).create_new(true).mode(0o664).open(world.path("d/plain"));
    plain.expect("a file made without safecp");
    assert!(world.acl("d/plain").contains("user:1234:rw-"));
    assert_eq!(world.acl("d/a"), world.acl("d/plain"));
}

// GNU cp 9.1 gets this right; 9.10 leaves the inherited entries on the copy.
#[test]
fn a_default_access_control_list_does_not_leak_into_what_is_preserved() {
    if !has_tool("setfacl") {
        return;
    }
    let world = World::new();
    world.dir("d").tool("setfacl", ["-m", "d:u:1234:rw", "d"]);
    world.dir("s").file("s/x", "1").chmod("s/x", 0o640).chmod("s", 0o751).cp("-a s d").succeeds();
    assert_eq!((world.acl("d/s"), world.acl("d/s/x")), (world.acl("s"), world.acl("s/x")));
}

#[test]
fn a_set_group_id_directory_gives_its_group() {
    let Some(world) = World::as_root("a directory of another group") else { return };
    world.dir("d").tool("chown", [":5678", "d"]);
    world.chmod("d", 0o2775).file("a", "1").cp("a d").succeeds();
    world.dir("s").cp("-R s d").succeeds();
    assert_eq!((world.stat("d/a").gid(), world.stat("d/s").gid(), world.mode("d/s") & 0o2000), (5678, 5678, 0o2000));
}

#[test]
fn an_unwritable_directory_is_copied_with_what_is_in_it() {
    let world = World::new();
    world.dir("s/closed/deeper").file("s/closed/deeper/x", "x").file("s/closed/y", "y");
    world.chmod("s/closed/deeper", 0o500).chmod("s/closed", 0o555).cp_as_nobody("-a s t").succeeds();
    assert_eq!((world.mode("t/closed"), world.mode("t/closed/deeper")), (0o555, 0o500));
    assert_eq!(world.read("t/closed/deeper/x"), "x");
    world.cp_as_nobody("-R s u").succeeds();
    assert_eq!((world.mode("u/closed"), world.read("u/closed/y")), (0o555, "y".to_owned()));
}

#[test]
fn a_directorys_times_are_set_after_what_is_in_it() {
    let world = World::new();
    world.dir("s/sub").file("s/sub/x", "x").symlink("x", "s/sub/l").times("s/sub", BEFORE, LONG_AGO);
    world.times("s", BEFORE, LONG_AGO).cp("-a s t").succeeds();
    for name in ["t", "t/sub"] {
        assert_eq!((world.stat(name).mtime(), world.stat(name).mtime_nsec()), LONG_AGO, "{name}");
    }
}

#[test]
fn a_links_own_times_are_preserved() {
    let world = World::new();
    world.symlink("x", "link").times("link", BEFORE, LONG_AGO).cp("-a link copy").succeeds();
    assert_eq!((world.stat("copy").mtime(), world.stat("copy").mtime_nsec()), LONG_AGO);
}

#[test]
fn an_existing_directory_takes_the_sources_attributes_where_they_are_preserved() {
    let world = World::new();
    world.dir("s").dir("t/s").chmod("s", 0o701).times("s", BEFORE, LONG_AGO).cp("-a s t").succeeds();
    assert_eq!((world.mode("t/s"), world.stat("t/s").mtime()), (0o701, LONG_AGO.0));
}

#[test]
fn an_existing_directory_keeps_its_mode_where_none_is_preserved() {
    let world = World::new();
    world.dir("s/new").dir("t/s").chmod("s", 0o777).chmod("t/s", 0o711).cp("-R s t").succeeds();
    assert_eq!((world.mode("t/s"), world.mode("t/s/new")), (0o711, 0o755));
}

#[test]
fn a_file_is_never_open_to_others_than_its_copy_will_be() {
    let Some(world) = World::as_root("watching a file of another owner") else { return };
    world.random("a", 64 << 20, 3).chmod("a", 0o600).dir("d");
    let Some(mut running) = world.start_slowly("-a a d/b") else { return };
    running.wait_for_bytes_written(1 << 20);
    while running.runs() {
        for name in world.names("d") {
            let Ok(seen) = std::fs::symlink_metadata(world.path("d").join(&name)) else { continue };
            assert_eq!(seen.mode() & 0o077, 0, "{name:?}");
        }
    }
    running.finish().succeeds();
    assert_eq!(world.mode("d/b"), 0o600);
}

#[test]
fn attributes_that_the_target_cannot_hold_fail_only_where_they_were_asked_for() {
    let Some(world) = World::with_mounts("a filesystem without attributes") else { return };
    world.file("a", "1").set_xattr("a", "user.one", b"1").dir("mnt");
    let script = "mount -t ramfs none mnt
        setfattr -n user.x -v 1 mnt 2>/dev/null && exit 77
        $safecp -a a mnt/b && echo -a succeeds
        $safecp --preserve=xattr a mnt/c || echo --preserve=xattr fails
        cmp a mnt/b";
    let output = world.shell_with_mounts(script);
    if output.code() == Some(77) {
        return left_out("ramfs keeps attributes on this kernel");
    }
    assert_eq!(output.stdout, "-a succeeds\n--preserve=xattr fails\n", "{output}");
    assert!(output.stderr.starts_with("safecp: setting attribute"), "{output}");
}

#[test]
fn a_source_that_cannot_be_written_is_copied_with_its_attributes() {
    let world = World::new();
    world.file("a", "1").set_xattr("a", "user.one", b"1").chmod("a", 0o400).cp_as_nobody("-a a b").succeeds();
    assert_eq!((world.mode("b"), world.xattr("b", "user.one")), (0o400, Some(b"1".to_vec())));
}

#[test]
fn a_directory_that_closes_to_its_owner_gets_its_attributes_first() {
    let world = World::new();
    world.dir("s").set_xattr("s", "user.one", b"1").chmod("s", 0o555).dir("t");
    world.cp_as_nobody("-a s/. t").succeeds();
    assert_eq!((world.mode("t"), world.xattr("t", "user.one")), (0o555, Some(b"1".to_vec())));
}

/// On filesystems where a temporary has a name, others could open it while it had the old file's mode.
#[test]
fn a_temporary_never_has_the_wider_mode_of_the_file_it_replaces() {
    let world = World::new();
    world.file("a", "private").chmod("a", 0o600).file("b", "old").chmod("b", 0o644);
    let Some(traced) = world.cp_traced("fchmod", &[], "-p a b") else { return };
    traced.output.succeeds();
    assert_eq!(traced.count("fchmod"), traced.calls.matches(", 0600)").count(), "{}", traced.calls);
    assert_eq!((world.mode("b"), world.read("b").as_str()), (0o600, "private"));
}

/// One byte more for each call is 18,000 calls for 9,000 bytes (truenas/samba#580).
#[test]
fn a_long_attribute_is_read_in_a_few_calls() {
    let world = World::new();
    world.file("a", "1").set_xattr("a", "user.long", &[b'x'; 3000]);
    let Some(traced) = world.cp_traced("fgetxattr", &[], "-a a b") else { return };
    traced.output.succeeds();
    assert!(traced.count("fgetxattr") <= 5, "{}", traced.calls);
    assert_eq!(world.xattr("b", "user.long"), Some(vec![b'x'; 3000]));
}

#[test]
fn a_long_list_of_attributes_is_read_in_a_few_calls() {
    let world = World::new();
    let names: Vec<_> = (0..60).map(|number| format!("user.{number:02}")).collect();
    world.file("a", "1");
    for name in &names {
        world.set_xattr("a", name, b"1");
    }
    let Some(traced) = world.cp_traced("flistxattr", &[], "-a a b") else { return };
    traced.output.succeeds();
    assert!(traced.count("flistxattr") <= 3, "{}", traced.calls);
    assert!(names.iter().all(|name| world.xattr("b", name).is_some()));
}

#[test]
fn a_lost_attribute_is_said_and_one_that_cannot_be_is_not() {
    let world = World::new();
    world.file("a", "1").set_xattr("a", "user.one", b"1");
    for errno in ["ENOSPC", "EDQUOT", "EIO", "E2BIG"] {
        let fault = format!("fsetxattr:error={errno}");
        let Some(traced) = world.cp_traced("fsetxattr", &[&fault], "-a a b") else { return };
        traced.output.fails_with(&["setting attributes for 'b'"]);
        let Some(traced) = world.cp_traced("fsetxattr", &[&fault], "-r --preserve=all a b") else { return };
        traced.output.fails_with(&["setting attributes for 'b'"]);
    }
    for errno in ["EOPNOTSUPP", "EPERM"] {
        let Some(traced) = world.cp_traced("fsetxattr", &[&format!("fsetxattr:error={errno}")], "-a a c") else {
            return;
        };
        traced.output.succeeds();
    }
}

#[test]
fn the_administrator_says_which_attributes_are_left() {
    let Some(world) = World::with_mounts("an /etc/xattr.conf of its own") else { return };
    world.file("a", "1").file("conf", "user.left skip # x\nuser.right* permissions\n");
    for name in ["user.left", "user.rights", "user.other"] {
        world.set_xattr("a", name, b"1");
    }
    let with_conf = "touch /etc/xattr.conf; mount --bind conf /etc/xattr.conf";
    world
        .shell_with_mounts(&format!("{with_conf}; $safecp -a a all; $safecp -p a p; $safecp --preserve=xattr a x"))
        .succeeds();
    let has = |file: &str| ["user.left", "user.rights", "user.other"].map(|name| world.xattr(file, name).is_some());
    assert_eq!((has("all"), has("p"), has("x")), ([false, true, true], [false, true, false], [false, false, true]));
    world.file("conf", "user.left\n");
    let output = world.shell_with_mounts(&format!("{with_conf}; $safecp -a a wrong; $safecp a plain"));
    output.succeeds_saying("safecp: warning: '/etc/xattr.conf' is not used: Invalid argument\n");
    assert_eq!(has("wrong"), [true; 3]);
}

/// XFS shows root each list a second time, as trusted.SGI_ACL_FILE (gluster#3738, mpifileutils#400).
#[test]
fn a_list_does_not_come_back_by_its_second_name() {
    let Some(world) = World::as_root("XFS's own attributes") else { return };
    let Some(xfs) = World::on("xfs") else { return };
    let (there, back) = (xfs.path("a"), xfs.path("back"));
    xfs.file("a", "secret").chmod("a", 0o660).tool("setfacl", ["-m", "u:1234:rw", "a"]);
    world.cp_args(["-a".as_ref(), there.as_os_str(), "copy".as_ref()]).succeeds();
    assert_eq!(world.xattr("copy", "trusted.SGI_ACL_FILE"), None);
    world.tool("setfacl", ["-b", "copy"]);
    // As an earlier copy by another program may have left it.
    world.set_xattr("copy", "trusted.SGI_ACL_FILE", &xfs.xattr("a", "trusted.SGI_ACL_FILE").expect("a second name"));
    world.cp_args(["-a".as_ref(), "copy".as_ref(), back.as_os_str()]).succeeds();
    xfs.chmod("a", 0o600).file("new", "new").cp("-p new a").succeeds();
    for name in ["back", "a"] {
        assert!(!xfs.acl(name).contains("1234"), "{name}");
    }
}

/// chown(2) takes them, and the set-user-ID bit, even where it changes nothing; GNU's cp does not call it there.
#[test]
fn attributes_alone_leave_capabilities_where_the_owner_is_the_same() {
    let Some(world) = World::as_root("sets capabilities") else { return };
    if !has_tool("setcap") {
        return;
    }
    for words in
        ["--attributes-only -p", "--attributes-only -a", "--attributes-only --preserve=ownership", "--resume -p"]
    {
        world.file("a", "1").file("b", "1").tool("setcap", ["cap_net_raw+ep", "b"]);
        world.cp(&format!("{words} a b")).succeeds();
        let told = world.tool("getcap", ["b"]);
        assert!(told.contains("cap_net_raw"), "{words}: {told}");
    }
}

/// fuse-overlayfs lists attributes in trusted.* to users who may not read them: ENODATA, as of one that was removed.
#[test]
fn an_attribute_that_is_listed_and_has_no_value_is_not_passed_over() {
    let world = World::new();
    world.file("a", "1").set_xattr("a", "user.one", b"1");
    let copy = |words: &str| world.cp_traced("fgetxattr", &["fgetxattr:error=ENODATA"], words);
    let Some(copied) = copy("--preserve=xattr a b") else { return };
    copied.output.fails("safecp: getting attributes of 'a': No data available\n");
    assert_eq!(world.read("b"), "1");
    // As by cp, what -a cannot keep of them is no failure.
    copy("-a a c").expect("strace").output.succeeds();
    let alone = copy("-a --attributes-only a b").expect("strace").output;
    alone.succeeds_saying("safecp: getting attributes of 'a': No data available\n");
}

/// With --attributes-only nothing else is copied, and cp says what it loses of them.
#[test]
fn what_attributes_alone_cannot_keep_is_said() {
    let world = World::new();
    world.file("a", "1").file("b", "2").set_xattr("a", "user.one", b"1");
    for words in ["-a", "--preserve=all"] {
        let words = format!("{words} --attributes-only a b");
        let Some(copied) = world.cp_traced("fsetxattr", &["fsetxattr:error=EOPNOTSUPP"], &words) else { return };
        copied.output.succeeds_saying("safecp: setting attributes for 'b': Operation not supported\n");
    }
}
