//! Copies over SFTP alone, against Debian's own sftp-server by pipes: what arrives, what is verified, what is left.
//!
//! What stands at the far end is looked at by diff, find, stat and cmp.

mod common;

#[path = "sftp/far.rs"]
mod far;

use common::{World, left_out};
use far::{Far, Way, copy, server, wishes};
use safecp::sftp::{Attributes, Proof, Tree, Verify, Wishes, Writing};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// A world with a server; `None`, which is said, where there is none.
fn world() -> Option<World> {
    if server().is_none() {
        left_out("needs openssh-sftp-server");
        return None;
    }
    let world = World::new();
    for dir in ["here", "there"] {
        fs::create_dir(world.path(dir)).expect("mkdir");
    }
    Some(world)
}

/// Files of many sizes around what one request carries, odd names, an empty directory.
fn tree(at: &Path) {
    for dir in ["tree/a/b/c", "tree/empty", "tree/ -x $(y)"] {
        fs::create_dir_all(at.join(dir)).expect("mkdir");
    }
    for (number, size) in [0usize, 1, 4095, 4096, 32768, 32769, 261_120, 261_121, 700_000].into_iter().enumerate() {
        let content: Vec<u8> = (0..size).map(|at| (at * 31 + at / 251 + number) as u8).collect();
        fs::write(at.join(format!("tree/a/b/{size}")), content).expect("a file");
    }
    for number in 0..300 {
        fs::write(at.join(format!("tree/a/{number}")), format!("{number}\n").repeat(number)).expect("a file");
    }
    for name in ["new\nline", "back\\slash", "-dash", "b*\"'`", "\u{fc}", "\u{1b}[31m"] {
        fs::write(at.join("tree/ -x $(y)").join(name), name).expect("a file");
    }
}

fn no_temporaries(world: &World) {
    assert_eq!(world.tool("find", [".", "-name", ".safecp-*"]), "");
}

#[test]
fn a_tree_arrives_whole_and_every_file_is_verified_by_a_digest() {
    let Some(world) = world() else { return };
    tree(&world.path("here"));
    let heard = copy(Way::Push, &Far::plain(), &[world.path("here/tree")], &world.path("there"), &wishes());
    assert!(heard.is_success(), "{heard:?}");
    world.tool("diff", ["-r", "here/tree", "there/tree"]);
    let files = world.tool("find", ["here/tree", "-type", "f", "-printf", "x"]).len();
    assert_eq!(heard.copied.len(), files);
    let by_digest = heard.copied.iter().filter(|(.., proof)| matches!(proof, Proof::Digest(_))).count();
    // All but the names that programs write otherwise; the temporary's directory is what counts, which is plain.
    assert_eq!(by_digest, files, "{heard:?}");
    no_temporaries(&world);
}

#[test]
fn an_account_without_a_shell_is_read_back() {
    let Some(world) = world() else { return };
    tree(&world.path("here"));
    for shell in [None, Some("exec false"), Some("echo welcome; exec cat"), Some("exec $server")] {
        let far = Far::plain().shell(shell);
        let target = world.path("there/one");
        let heard = copy(Way::Push, &far, &[world.path("here/tree")], &target, &wishes());
        assert!(heard.is_success(), "{shell:?}: {heard:?}");
        assert!(heard.copied.iter().all(|(.., proof)| *proof == Proof::ReadBack), "{shell:?}: {heard:?}");
        world.tool("diff", ["-r", "here/tree", "there/one"]);
        fs::remove_dir_all(target).expect("rm");
    }
    no_temporaries(&world);
}
