//! An inode number is not a file: it is given away again, its file is rewritten between two names, and some filesystems
//! have one number for several files. A name becomes a link to an earlier copy where that is a copy of it.

mod common;
use common::{World, has_tool};
use std::fs::OpenOptions;
use std::io::Write;

/// Copies `before gate after` into `dst` and does something once the first is done; the fifo holds the copy up.
fn between(world: &World, options: &str, [before, after]: [&str; 2], change: impl FnOnce()) {
    world.dir("dst").fifo("gate");
    let running = world.start(&format!("{options} --copy-contents {before} gate {after} dst"));
    let mut gate = OpenOptions::new().write(true).open(world.path("gate")).expect("the copy waits for the fifo");
    change();
    gate.write_all(b"go on").expect("the copy reads");
    drop(gate);
    running.finish().succeeds();
}

#[test]
fn a_file_that_is_rewritten_between_its_names_is_read_again() {
    for options in ["-a", "-a --require-stable"] {
        let world = World::new();
        world.file("f1", "old").link("f1", "f2");
        between(&world, options, ["f1", "f2"], || _ = world.file("f1", "new content"));
        assert_eq!([world.read("dst/f1"), world.read("dst/f2")], ["old", "new content"], "{options}");
    }
}

/// As long as before, and with the time it had before.
#[test]
fn a_rewritten_file_is_read_again_though_its_time_was_set_back() {
    let world = World::new();
    world.file("f1", "old").times("f1", (5, 0), (5, 0)).link("f1", "f2");
    between(&world, "-a", ["f1", "f2"], || _ = world.file("f1", "new").times("f1", (5, 0), (5, 0)));
    assert_eq!([world.read("dst/f1"), world.read("dst/f2")], ["old", "new"]);
}

/// XFS gives the number of a file that was removed to one of the next; ext4 waits a minute before it does.
#[test]
fn a_file_that_got_the_number_of_another_is_no_name_of_it() {
    for (options, has_two) in [("-a", true), ("-aL", false)] {
        let Some(world) = World::on("xfs") else { return };
        world.file("a", "first");
        if has_two {
            world.link("a", "a2");
        }
        let number = world.inode("a");
        between(&world, options, ["a", "b"], || {
            world.tool("rm", ["-f", "a", "a2"]);
            let made =
                (0..10_000).map(|n| format!("new{n}")).find(|name| world.file(name, "other").inode(name) == number);
            world.tool("mv", [made.expect("the number is given away again").as_str(), "b"]);
            if has_two {
                world.link("b", "b2");
            }
        });
        assert_eq!([world.read("dst/a"), world.read("dst/b")], ["first", "other"], "{options}");
    }
}

/// Links that another run makes or removes meanwhile change nothing that is copied.
#[test]
fn a_further_name_elsewhere_parts_no_links() {
    let world = World::new();
    world.file("f1", "content").link("f1", "f2");
    between(&world, "-a", ["f1", "f2"], || _ = world.link("f1", "f3"));
    assert_eq!(world.inode("dst/f1"), world.inode("dst/f2"));
}

/// With -u an older copy stays; what it holds is not what the other name holds.
#[test]
fn a_name_is_no_link_to_a_newer_target_that_was_left_alone() {
    let world = World::new();
    world.dir("s").file("s/f1", "source").link("s/f1", "s/f2").times("s/f1", (5, 0), (5, 0));
    world.dir("d").file("d/f1", "edited").cp("-auv s/. d").succeeds().says("'s/./f2' -> 'd/./f2'\n");
    assert_eq!([world.read("d/f1"), world.read("d/f2")], ["edited", "source"]);
}

#[test]
fn a_name_is_a_link_to_a_newer_target_that_holds_the_same() {
    let world = World::new();
    world.dir("s").file("s/f1", "source").link("s/f1", "s/f2").times("s/f1", (5, 0), (5, 0));
    world.dir("d").file("d/f1", "source").cp("-au s/. d").succeeds();
    assert_eq!(world.inode("d/f1"), world.inode("d/f2"));
}

/// GNU's cp makes one file of all four names.
#[test]
fn names_that_come_up_twice_stay_together() {
    let world = World::new();
    world.dir("d").file("d/f1", "content").link("d/f1", "d/f2").dir("dst").cp("-a d/f1 d/f2 d dst").succeeds();
    let inode = world.inode("dst/f1");
    assert_eq!(["dst/f2", "dst/d/f1", "dst/d/f2"].map(|name| world.inode(name)), [inode; 3]);
}

/// On a filesystem whose numbers prove nothing, and where times cannot tell, the copy is read to compare it.
#[test]
fn a_comparison_leaves_the_copys_time_of_access() {
    let world = World::new();
    world.file("f1", "content").link("f1", "f2").dir("dst");
    world.times("f1", (1_000_000_000, 0), (1_000_000_000, 0));
    world.cp("-a --backup=numbered f1 f1 f2 dst").succeeds();
    assert_eq!(world.tool("stat", ["-c", "%X", "dst/f1"]).trim(), "1000000000");
}

/// Parallel builds install one file twice. The second run's rename comes between that of the first and its look at the name.
#[test]
fn what_another_run_puts_in_its_place_counts_where_it_is_the_same() {
    if !has_tool("strace") {
        return;
    }
    for (words, second, status) in [
        ("", "$safecp new d/target", 0),
        ("-p", "$safecp -p new d/target", 0),
        ("", "$safecp other d/target", 1),
        ("", "$safecp new d/own; chmod 600 d/own; mv d/own d/target", 1),
        ("", "ln -sf ../new d/target", 1),
        ("-p", "touch later; $safecp new d/own; touch -r later d/own; mv d/own d/target", 1),
    ] {
        let world = World::new();
        world.file("new", "new content").file("other", "not of that").times("new", (5, 0), (5, 0));
        world.dir("d").file("d/target", "old");
        let run = world.shell(&format!(
            "strace -f -qq -o calls -e trace=renameat,renameat2 -e inject=renameat,renameat2:delay_exit=2000000 \
                $safecp {words} new d/target & run=$!
            until cmp -s new d/target; do sleep 0.02; done
            {second}; wait $run"
        ));
        assert_eq!(run.code(), Some(status), "{words}, {second}: {run}");
        let is_told = run.stderr.contains("'d/target' is not the file that was verified: it was replaced meanwhile\n");
        assert_eq!(is_told, status == 1, "{words}, {second}: {run}");
    }
}
