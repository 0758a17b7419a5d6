//! Files that replace others are written out many at once, and only then do the old ones lose their names.

mod common;
use common::World;

/// How many files a tree has.
const FILES: usize = 5;

/// A directory of new files, and one of old files of the same names.
fn old_and_new(world: &World) -> &World {
    world.dir("new").dir("old");
    for number in 0..FILES {
        world.file(format!("new/f{number}"), format!("new {number}")).file(format!("old/f{number}"), "old");
    }
    world
}

fn contents(world: &World) -> Vec<String> {
    (0..FILES).map(|number| world.read(format!("old/f{number}"))).collect()
}

fn all_new() -> Vec<String> {
    (0..FILES).map(|number| format!("new {number}")).collect()
}

/// Where a call stands in a trace, and how often.
fn lines(calls: &str, piece: &str) -> Vec<usize> {
    calls.lines().enumerate().filter(|(_, line)| line.contains(piece)).map(|(at, _)| at).collect()
}

#[test]
fn all_are_written_out_before_any_old_file_loses_its_name() {
    let world = World::new();
    let calls = "fsync,syncfs,rename,renameat,renameat2";
    let Some(traced) = old_and_new(&world).cp_traced(calls, &[], "--jobs=1 -rT new old") else { return };
    traced.output.succeeds();
    assert_eq!(contents(&world), all_new());
    let (synced, renamed) = (lines(&traced.calls, "syncfs("), lines(&traced.calls, "rename"));
    let renamed: Vec<usize> = renamed
        .into_iter()
        .filter(|at| traced.calls.lines().nth(*at).is_some_and(|line| line.contains("\"f")))
        .collect();
    assert_eq!((synced.len(), renamed.len()), (1, FILES), "{}", traced.calls);
    assert!(synced[0] < renamed[0], "{}", traced.calls);
}

#[test]
fn operands_of_one_command_line_are_one_group() {
    let world = World::new();
    let words = "--jobs=1 new/f0 new/f1 new/f2 new/f3 new/f4 old";
    let Some(traced) = old_and_new(&world).cp_traced("fsync,syncfs", &[], words) else { return };
    traced.output.succeeds();
    assert_eq!(
        (contents(&world), traced.count("syncfs"), traced.count("fsync")),
        (all_new(), 1, 0),
        "{}",
        traced.calls
    );
}

#[test]
fn one_file_is_written_out_by_itself() {
    let world = World::new();
    let Some(traced) = old_and_new(&world).cp_traced("fsync,syncfs", &[], "new/f0 old/f0") else { return };
    traced.output.succeeds();
    assert_eq!((traced.count("fsync"), traced.count("syncfs")), (1, 0), "{}", traced.calls);
}

#[test]
fn what_could_not_be_written_out_fails_under_its_own_name() {
    let world = World::new();
    let faults = ["syncfs:error=EIO", "fsync:error=EIO:when=3"];
    let Some(failed) = old_and_new(&world).cp_traced("fsync,syncfs", &faults, "--jobs=1 -vrT new old") else { return };
    assert_eq!(failed.output.code(), Some(1), "{}", failed.output);
    let lost: Vec<usize> = (0..FILES).filter(|number| world.read(format!("old/f{number}")) == "old").collect();
    let [lost] = lost[..] else { panic!("one file keeps its old content, not {lost:?}: {}", failed.output) };
    let said = format!("safecp: cannot fsync 'old/f{lost}': Input/output error\n");
    assert_eq!(failed.output.stderr, said);
    assert_eq!(failed.output.stdout.lines().count(), FILES - 1, "{}", failed.output);
    assert!(world.temporaries().is_empty());
}

/// A filter that knows no syncing and no links leaves files with names that wait.
#[test]
fn what_could_not_be_written_out_leaves_no_temporary_name() {
    let world = World::new();
    old_and_new(&world).file("fresh", "1");
    let faults = ["linkat:error=EPERM", "syncfs:error=EPERM", "fsync:error=EPERM"];
    let words = "--jobs=1 fresh new/f0 new/f1 new/f2 new/f3 new/f4 old";
    let Some(failed) = world.cp_traced("linkat,fsync,syncfs", &faults, words) else { return };
    assert_eq!(failed.output.code(), Some(1), "{}", failed.output);
    let said: String =
        (0..FILES).map(|number| format!("safecp: cannot fsync 'old/f{number}': Operation not permitted\n")).collect();
    assert_eq!((failed.output.stderr.as_str(), world.read("old/fresh")), (said.as_str(), "1".to_owned()));
    assert_eq!((contents(&world), world.temporaries().len()), (vec!["old".to_owned(); FILES], 0));
}

#[test]
fn lines_come_in_the_order_of_names_though_some_names_wait() {
    let world = World::new();
    old_and_new(&world).file("new/g", "is not there");
    let said = world.cp("-vrT new old").succeeds().stdout.clone();
    let names = |text: &str| -> Vec<String> {
        text.lines()
            .filter_map(|line| line.split(" -> ").nth(1))
            .map(|name| name.trim_matches('\'').to_owned())
            .collect()
    };
    // The order of the walk, which is what a copy into nothing tells.
    let walked = names(&world.cp("-vrT new fresh").succeeds().stdout);
    let walked: Vec<String> = walked.iter().skip(1).map(|name| name.replace("fresh", "old")).collect();
    assert_eq!(names(&said), walked, "{said}");
}

#[test]
fn a_tree_is_replaced_where_there_is_room_for_a_part_of_it_at_once() {
    let Some(world) = World::with_mounts("a small filesystem") else { return };
    world.dir("new");
    for number in 0..8 {
        world.random(&format!("new/f{number}"), 1 << 20, number + 1);
    }
    let script = "mkdir m; mount -t tmpfs -o size=11m none m; mkdir m/old
        for n in 0 1 2 3 4 5 6 7; do head -c 1M /dev/zero >m/old/f$n; done
        $safecp --jobs=1 -rT new m/old; echo $?; diff -r new m/old && echo same; ls -A m";
    let output = world.shell_with_mounts(script);
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("0\nsame\nold\n", ""), "{output}");
}

#[test]
fn killed_at_any_rename_every_name_is_old_or_new() {
    if !common::has_tool("strace") {
        return;
    }
    for position in 1..=FILES {
        let world = World::new();
        old_and_new(&world);
        let command = format!(
            "strace -f -qq -o log -e trace=renameat -e inject=renameat:signal=KILL:when={position} {} --jobs=1 -rT new old",
            common::asked::program().display()
        );
        let status = world.tool("bash", ["-c", &format!("{command} >said 2>&1; echo $?")]);
        assert_ne!(status.trim(), "0");
        let sound = |(number, content): (usize, &String)| content == "old" || *content == format!("new {number}");
        assert!(contents(&world).iter().enumerate().all(sound), "{:?}", contents(&world));
        // The same command again finishes, and removes what the dead one left.
        let left: Vec<_> = world.temporaries();
        world.tool("bash", ["-c", &command.replace(&format!("-e inject=renameat:signal=KILL:when={position}"), "")]);
        assert_eq!(contents(&world), all_new());
        assert!(world.temporaries().is_empty(), "{left:?}");
    }
}

#[test]
fn without_syncing_nothing_is_written_out() {
    let world = World::new();
    let calls = "fsync,fdatasync,syncfs,sync_file_range";
    let words = "--sync=never --jobs=1 -rT new old";
    let Some(traced) = old_and_new(&world).cp_traced(calls, &[], words) else { return };
    traced.output.succeeds();
    let counts = ["fsync", "fdatasync", "syncfs", "sync_file_range"].map(|call| traced.count(call));
    assert_eq!((contents(&world), counts), (all_new(), [0; 4]), "{}", traced.calls);
    world
        .cp("--sync=never --durable new/f0 old/f0")
        .fails("safecp: --sync=never cannot be durable\nTry 'safecp --help' for more information.\n");
}

#[test]
fn a_durable_tree_is_written_out_in_groups() {
    let world = World::new();
    let Some(traced) = old_and_new(&world).cp_traced("fsync,syncfs", &[], "--durable --jobs=1 -aT new fresh") else {
        return;
    };
    // tmpfs keeps nothing.
    if traced.output.stderr.contains("keeps it in memory") {
        return common::left_out("needs temporary files on a disk");
    }
    traced.output.succeeds();
    world.assert_same_tree("new", "fresh");
    assert_eq!(traced.count("syncfs"), 1, "{}", traced.calls);
    assert!(traced.count("fsync") < FILES, "directories alone:\n{}", traced.calls);
}

/// A power loss takes all of it.
#[test]
fn nothing_is_written_out_that_is_kept_in_memory() {
    let Some(world) = World::on("tmpfs") else { return };
    let Some(traced) = old_and_new(&world).cp_traced("fsync,syncfs", &[], "-rT new old") else { return };
    traced.output.succeeds();
    assert_eq!((contents(&world), traced.calls.as_str()), (all_new(), ""));
}
