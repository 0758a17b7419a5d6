//! Who may do what with a copy: access control lists, modes and owners that cannot be kept, and that at no moment anybody
//! may do more than with the source.

mod common;
#[path = "cp_acl/held.rs"]
mod held;

use common::{World, has_tool, left_out};
use held::Held;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

const LIST: &str = "system.posix_acl_access";
const NFS_LIST: &str = "system.nfs4_acl";

/// A file that 1234 may read, and its group may not, whatever its mode seems to say.
fn listed(world: &World, name: &str) {
    world.file(name, "secret").chmod(name, 0o600);
    world.tool("setfacl", ["-m", "u:1234:rw,g::-", name]);
}

/// A world with FUSE, for whoever may mount it.
fn world_with_fuse() -> Option<World> {
    let world = World::as_root("a FUSE filesystem")?;
    if std::fs::OpenOptions::new().read(true).write(true).open("/dev/fuse").is_err() {
        left_out("needs /dev/fuse");
        return None;
    }
    has_tool("setfacl").then_some(world)
}

/// A directory that gives what is made in it a list.
fn handing_down(world: &World, name: &str) {
    world.dir(name).tool("setfacl", ["-d", "-m", "u:1234:rwx", name]);
}

// ---- what the source has ----

#[test]
fn a_list_that_its_filesystem_does_not_name_is_asked_for() {
    let Some(world) = world_with_fuse() else { return };
    listed(&world, "model");
    let attributes = [(LIST, world.xattr("model", LIST).expect("a list"))].into();
    let held = Held { mode: 0o660, attributes, hidden: vec![LIST], ..Held::default() };
    world.dir("hiding").dir("silent");
    let hiding = held.clone().mount(&world.path("hiding"));
    let silent = Held { has_no_listing: true, ..held }.mount(&world.path("silent"));
    world.cp("-a hiding/f a").succeeds();
    world.cp("-p silent/f p").succeeds();
    world.file("b", "old").cp("-p hiding/f b").succeeds();
    for mounted in [hiding, silent] {
        mounted.umount_and_join().expect("umount");
    }
    for copy in ["a", "p", "b"] {
        assert_eq!(world.acl(copy), world.acl("model"), "{copy}");
    }
}

#[test]
fn a_list_that_cannot_be_asked_for_lets_nobody_in() {
    let Some(world) = world_with_fuse() else { return };
    let held = Held { mode: 0o664, hidden: vec![LIST], broken: vec![LIST], ..Held::default() };
    let mounted = held.mount(&world.dir("m").path("m"));
    let output = world.cp("-a m/f copy");
    mounted.umount_and_join().expect("umount");
    output.fails_with(&["preserving permissions for 'copy': Input/output error"]);
    assert_eq!(world.mode("copy"), 0o600);
}

#[test]
fn a_listing_that_is_refused_loses_no_list() {
    if !has_tool("setfacl") {
        return;
    }
    for errno in ["EOPNOTSUPP", "ENOSYS"] {
        let world = World::new();
        listed(&world, "a");
        let Some(traced) = world.cp_traced("flistxattr", &[&format!("flistxattr:error={errno}")], "-a a b") else {
            return;
        };
        traced.output.succeeds();
        assert!(traced.injected() > 0);
        assert_eq!(world.acl("b"), world.acl("a"), "{errno}");
    }
}

#[test]
fn a_call_that_is_not_there_is_no_answer_about_attributes() {
    let world = World::new();
    world.file("a", "1").set_xattr("a", "user.one", b"1");
    let calls = "flistxattr,listxattr";
    let Some(traced) = world.cp_traced(calls, &["flistxattr,listxattr:error=ENOSYS"], "-a a b") else { return };
    traced.output.fails_with(&["listing attributes of 'a': Function not implemented"]);
    let Some(traced) = world.cp_traced(calls, &["flistxattr:error=ENOSYS"], "-a a c") else { return };
    traced.output.succeeds();
    assert_eq!(world.xattr("c", "user.one"), Some(b"1".to_vec()));
}

// ---- what the target's directory gives ----

#[test]
fn a_list_that_is_handed_down_since_the_directory_was_entered_stays_on_no_copy() {
    let Some(world) = World::as_root("a directory of another owner") else { return };
    if !has_tool("setfacl") {
        return;
    }
    world.dir("s").dir("t").tool("chown", ["1234", "t"]);
    for number in 0..30 {
        world.file(format!("s/{number}"), "secret").chmod(&format!("s/{number}"), 0o640);
    }
    world.node("s/fifo", rustix::fs::FileType::Fifo, 0);
    let Some(mut running) = world.start_slowly("-aT --jobs=1 s t") else { return };
    while world.names("t").is_empty() && running.runs() {
        std::thread::sleep(Duration::from_millis(1));
    }
    world.tool("setfacl", ["-d", "-m", "u:1234:rwx", "t"]);
    let before = world.names("t").len();
    running.finish().succeeds();
    assert!(before < 25, "the list came too late for this test");
    for name in world.names("s") {
        let name = name.to_string_lossy().into_owned();
        assert_eq!(world.acl(&format!("t/{name}")), world.acl(&format!("s/{name}")), "{name}");
    }
}

/// What a default list takes from others stays taken, whatever is made and whatever else is preserved.
#[test]
fn a_list_that_is_handed_down_keeps_others_out() {
    if !has_tool("setfacl") {
        return;
    }
    for options in ["", "--preserve=timestamps", "--preserve=xattr", "--preserve=links,timestamps"] {
        let world = World::new();
        world.dir("s").file("s/file", "1").dir("s/dir").node("s/fifo", rustix::fs::FileType::Fifo, 0);
        world.chmod("s/file", 0o644).chmod("s/dir", 0o755).chmod("s/fifo", 0o644);
        world.dir("t").tool("setfacl", ["-d", "-m", "u::rwx,g::rx,o::-", "t"]);
        world.cp(&format!("-R {options} s/file s/dir s/fifo t")).succeeds();
        for name in ["file", "dir", "fifo"] {
            assert_eq!(world.mode(&format!("t/{name}")) & 0o7, 0, "{name} {options}");
        }
    }
}

#[test]
fn a_directory_that_cannot_be_asked_is_taken_for_one_that_hands_down() {
    if !has_tool("setfacl") {
        return;
    }
    let world = World::new();
    handing_down(&world, "d");
    world.file("a", "secret").chmod("a", 0o640);
    // The directory is asked by its name under /proc.
    let Some(traced) = world.cp_traced("getxattr", &["getxattr:error=EIO"], "-a a d") else { return };
    traced.output.succeeds();
    assert!(traced.injected() > 0);
    assert_eq!(world.acl("d/a"), world.acl("a"));
}

#[test]
fn a_list_that_cannot_be_removed_lets_nobody_in() {
    if !has_tool("setfacl") {
        return;
    }
    for errno in ["ENOSYS", "EPERM", "EOPNOTSUPP"] {
        let world = World::new();
        handing_down(&world, "d");
        world.file("a", "secret").chmod("a", 0o644);
        let fault = format!("fremovexattr,removexattr:error={errno}");
        let Some(traced) = world.cp_traced("fremovexattr,removexattr", &[&fault], "-a a d") else { return };
        traced.output.fails_with(&["preserving permissions for 'd/a'"]);
        assert_eq!(world.mode("d/a") & 0o077, 0, "{errno}");
    }
}

#[test]
fn a_file_without_a_list_needs_no_removal() {
    let Some(world) = World::as_root("a directory of another owner") else { return };
    world.dir("d").tool("chown", ["1234", "d"]);
    world.file("a", "1").chmod("a", 0o644);
    let fault = "fremovexattr,removexattr:error=ENOSYS";
    let Some(traced) = world.cp_traced("fremovexattr,removexattr", &[fault], "-a a d") else { return };
    traced.output.succeeds();
    assert_eq!(world.mode("d/a"), 0o644);
}

// ---- lists of NFSv4's kind ----

/// An NFSv4 list of one entry, which allows: RFC 7530, section 6.2.1.
fn nfs_list(who: &str) -> Vec<u8> {
    let mut value: Vec<u8> = [1, 0, 0, 0x1f, who.len() as u32].into_iter().flat_map(u32::to_be_bytes).collect();
    value.extend(who.as_bytes());
    value.resize(value.len().next_multiple_of(4), 0);
    value
}

#[test]
fn a_list_of_nfs_is_a_mode_and_no_attribute() {
    let Some(world) = world_with_fuse() else { return };
    let held = |who| Held { mode: 0o664, attributes: [(NFS_LIST, nfs_list(who))].into(), ..Held::default() };
    world.dir("bobs").dir("plain");
    let mounted = [held("bob@example").mount(&world.path("bobs")), held("EVERYONE@").mount(&world.path("plain"))];
    let kept = world.cp("-p bobs/f p");
    let attributes = world.cp("--preserve=xattr,mode --no-preserve=mode bobs/f x");
    let plain = world.cp("-a plain/f a");
    mounted.into_iter().for_each(|mounted| mounted.umount_and_join().expect("umount"));
    kept.fails_with(&["preserving permissions for 'p': Operation not supported"]);
    attributes.succeeds();
    plain.succeeds();
    assert_eq!((world.mode("p"), world.mode("x"), world.mode("a")), (0o600, 0o644, 0o664));
}

// ---- owners ----

#[test]
fn group_and_others_get_nothing_where_the_owner_cannot_be_kept() {
    let Some(world) = World::as_root("files of another owner") else { return };
    world.dir("s").file("s/f", "secret").chmod("s/f", 0o4644).node("s/p", rustix::fs::FileType::Fifo, 0);
    world.tool("chown", ["-R", "1234:5678", "s"]);
    world.dir("t").tool("chown", [":4321", "t"]);
    world.chmod("t", 0o2755).chmod("s/f", 0o4644);
    let output = world.shell("setpriv --bounding-set -chown --inh-caps -chown $safecp -a s t");
    output.fails_with(&["failed to preserve ownership for 't/s/f': Operation not permitted"]);
    assert_eq!(["t/s", "t/s/f", "t/s/p"].map(|name| world.mode(name) & 0o4777), [0o700, 0o600, 0o600]);
}

#[test]
fn a_set_id_bit_does_not_stay_without_its_owner() {
    let Some(world) = World::as_root("a program of another owner") else { return };
    world.file("a", "1").tool("chown", ["1234:5678", "a"]);
    world.file("ours", "1").chmod("ours", 0o4755).chmod("a", 0o6755);
    let output = world.cp("--preserve=mode a b");
    let bits = "set-user-ID and set-group-ID bits of 'b', which has another owner and group";
    output.succeeds_saying(&format!("safecp: warning: not preserving the {bits}\n"));
    assert_eq!(world.mode("b"), 0o755);
    let kept = world.cp("--preserve=mode ours c");
    kept.succeeds();
    assert_eq!((kept.stderr.as_str(), world.mode("c")), ("", 0o4755));
    world.cp("-p a d").succeeds();
    assert_eq!(world.mode("d"), 0o6755);
}

// ---- moments ----

#[test]
fn an_old_target_is_narrowed_before_it_is_given_away() {
    let Some(world) = World::as_root("files of other owners") else { return };
    world.file("a", "secret").chmod("a", 0o640).tool("chown", ["1234:5678", "a"]);
    world.file("b", "old").chmod("b", 0o666);
    let Some(traced) = world.cp_traced("fchmod,fchown", &[], "-p --in-place a b") else { return };
    traced.output.succeeds();
    assert_eq!((traced.position("fchmod", ", 0600)"), traced.position("fchmod", ", 0640)")), (Some(1), Some(2)));
    assert!(traced.calls.find("fchmod(") < traced.calls.find("fchown("), "{}", traced.calls);
    assert_eq!((world.mode("b"), world.stat("b").uid()), (0o640, 1234));
}

/// Without its list a file's mode has the list's mask where the group's own rights were.
#[test]
fn an_old_targets_list_does_not_leave_its_mask_to_the_group() {
    if !has_tool("setfacl") {
        return;
    }
    let world = World::new();
    world.file("a", "secret").chmod("a", 0o600);
    listed(&world, "b");
    let calls = "fchmod,fremovexattr,flistxattr,fgetxattr";
    let Some(traced) = world.cp_traced(calls, &[], "-p --in-place a b") else { return };
    traced.output.succeeds();
    assert!(traced.calls.find("fchmod(") < traced.calls.find("fremovexattr("), "{}", traced.calls);
    assert_eq!((world.acl("b"), world.mode("b")), (world.acl("a"), 0o600));
}

#[test]
fn what_replaces_a_strangers_file_is_never_the_strangers() {
    let Some(world) = World::as_root("a file of another owner") else { return };
    world.file("a", "secret").chmod("a", 0o600).file("b", "old").tool("chown", ["1234:5678", "b"]);
    let Some(traced) = world.cp_traced("fchown,fchownat,chown", &[], "-p a b") else { return };
    traced.output.succeeds();
    assert!(!traced.calls.contains("1234"), "{}", traced.calls);
    assert_eq!((world.stat("b").uid(), world.mode("b"), world.read("b").as_str()), (0, 0o600, "secret"));
}
