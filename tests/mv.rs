//! mv: within a filesystem a rename, across filesystems a verified copy after which the source goes, and nothing lost on
//! the way.

mod common;

use common::{Output, World, has_tool};

trait Moves {
    fn mv(&self, words: &str) -> Output;
}

impl Moves for World {
    fn mv(&self, words: &str) -> Output {
        self.cp(&format!("--as=mv {words}"))
    }
}

/// Runs a script in which `o` is an empty tmpfs; what it prints is what it found.
fn across(world: &World, script: &str) -> Output {
    world.shell_with_mounts(&format!(
        "mkdir -p o; mount -t tmpfs none o; mv() {{ \"$safecp\" --as=mv \"$@\"; }}\n{script}"
    ))
}

fn mounts(what_for: &str) -> Option<World> {
    World::with_mounts(what_for)
}

#[test]
fn a_name_is_renamed_and_keeps_its_inode() {
    let world = World::new();
    world.file("a", "1").dir("d").file("d/b", "old").dir("e");
    let inode = world.inode("a");
    world.mv("-v a b").succeeds().says("renamed 'a' -> 'b'\n");
    world.mv("-v b d").succeeds().says("renamed 'b' -> 'd/b'\n");
    assert_eq!((world.inode("d/b"), world.exists("b")), (inode, false));
    world.mv("-v d e").succeeds().says("renamed 'd' -> 'e/d'\n");
    world.mv("-t . e/d/b").succeeds();
    assert_eq!(world.inode("b"), inode);
}

/// As after `cd /root; sudo -u somebody mv ...`: whole paths do not need the working directory.
#[test]
fn whole_paths_are_moved_from_a_directory_that_may_not_be_searched() {
    let world = World::new();
    let moved = world.shell_as_nobody(
        "home=$PWD; mkdir closed d; echo 1 >a; cd closed; chmod 0 .
         $safecp --as=mv $home/a $home/b && $safecp --as=mv -t $home/d $home/b && $safecp --as=mv $home/d $home/e; echo $?
         $safecp --as=mv b $home/c; echo $?; chmod 700 $home/closed; cat $home/e/b",
    );
    assert_eq!(moved.stdout, "0\n1\n1\n", "{moved}");
}

/// What GNU's mv needs, and it starts with some 150 calls of its own.
#[test]
fn a_rename_costs_few_calls() {
    if !has_tool("strace") {
        return;
    }
    let world = World::new();
    world.file("a", "1");
    let traced = world.shell(
        "unset LD_LIBRARY_PATH; strace -f -o trace \"$safecp\" --as=mv a b; grep -c . trace; grep -cE '^[0-9 ]*clone3?[(]' trace; grep renameat2 trace",
    );
    let lines: Vec<&str> = traced.stdout.lines().collect();
    let calls: usize = lines[0].parse().expect("a number");
    assert!(calls < 110, "{calls} calls: {}", world.read("trace"));
    assert_eq!(lines[1], "0", "a thread is started for a rename");
    assert!(lines.len() == 3 && lines[2].contains("RENAME_NOREPLACE"), "{traced}");
}

#[test]
fn what_would_lose_something_is_refused_in_gnus_words() {
    let world = World::new();
    world.file("a", "1").link("a", "b").dir("d/d").file("d/d/f", "2").symlink("a", "l").dir("x");
    world.mv("a b").fails("mv: 'a' and 'b' are the same file\n");
    world.mv("a ./a").fails("mv: 'a' and './a' are the same file\n");
    world.mv("d d/x").fails("mv: cannot move 'd' to a subdirectory of itself, 'd/x'\n");
    let said = world.mv("-t x x x");
    said.fails("mv: cannot move 'x' to a subdirectory of itself, 'x/x'\nmv: warning: source directory 'x' specified more than once\n");
    world.mv("-T a d").fails("mv: cannot overwrite directory 'd' with non-directory 'a'\n");
    world.mv("d a").fails("mv: cannot overwrite non-directory 'a' with directory 'd'\n");
    world.dir("e/d").file("e/d/g", "3");
    world.mv("e/d .").fails("mv: cannot overwrite './d': Directory not empty\n");
    world.mv("no x").fails("mv: cannot stat 'no': No such file or directory\n");
    world.mv("a no/x").fails("mv: cannot move 'a' to 'no/x': No such file or directory\n");
    // The link may replace one of two names of what it leads to, as it leads to the other.
    world.mv("l b").succeeds();
    assert_eq!((world.link_text("b"), world.read("b")), ("a".to_owned(), "1".to_owned()));
    world.file("d/a", "x").file("e/a", "y");
    world.mv("d/a e/a x").fails("mv: will not overwrite just-created 'x/a' with 'e/a'\n");
    assert_eq!((world.read("x/a"), world.read("e/a")), ("x".to_owned(), "y".to_owned()));
}

#[test]
fn existing_targets_stay_where_that_is_asked_for() {
    let world = World::new();
    world.file("a", "new").file("b", "old").times("a", (1, 0), (1, 0));
    world.mv("-n a b").succeeds();
    world.mv("--update=none-fail a b").fails("mv: not replacing 'b'\n");
    world.mv("-u a b").succeeds();
    assert_eq!((world.read("a"), world.read("b")), ("new".to_owned(), "old".to_owned()));
    let said = world.cp_answered("--as=mv -i a b", "n\n");
    assert_eq!((said.code(), world.read("b")), (Some(1), "old".to_owned()));
    assert!(said.stderr.ends_with("overwrite 'b'? "), "{said}");
    assert_eq!(world.cp_answered("--as=mv -i a b", "y\n").code(), Some(0));
    assert_eq!((world.read("b"), world.exists("a")), ("new".to_owned(), false));
}

#[test]
fn a_terminal_is_asked_about_what_may_not_be_written() {
    if !has_tool("script") {
        return;
    }
    let world = World::new();
    world.file("a", "new").file("b", "old").chmod("b", 0o444);
    let script = "echo n | script -qec \"$safecp --as=mv a b\" /dev/null; cat b";
    let said = world.shell_as_nobody(script);
    assert!(said.stdout.contains("replace 'b', overriding mode 0444 (r--r--r--)?"), "{said}");
    assert!(said.stdout.ends_with("old"), "{said}");
    world.shell_as_nobody("$safecp --as=mv a b </dev/null").succeeds();
    assert_eq!(world.read("b"), "new");
}

#[test]
fn names_are_exchanged() {
    let world = World::new();
    world.file("a", "1").dir("d").file("d/x", "2");
    world.mv("--exchange -v -T a d").succeeds().says("exchanged 'a' <-> 'd'\n");
    assert_eq!((world.read("d"), world.read("a/x")), ("1".to_owned(), "2".to_owned()));
    world.mv("--exchange a no").fails("mv: cannot exchange 'a' and 'no': No such file or directory\n");
    // GNU's words for EINVAL, which FUSE answers for servers that cannot exchange.
    world.dir("a/b").mv("--exchange -T a a/b").fails("mv: cannot exchange 'a' and 'a/b': Operation not supported\n");
}

#[test]
fn an_old_target_keeps_a_name() {
    let world = World::new();
    world.file("a", "new").file("b", "old").dir("d").dir("e").symlink("a", "l");
    world.link("l", "m");
    world.mv("-vb a b").succeeds().says("renamed 'a' -> 'b' (backup: 'b~')\n");
    assert_eq!((world.read("b"), world.read("b~")), ("new".to_owned(), "old".to_owned()));
    // An empty directory, too, and of two names of one link that which is moved goes.
    world.mv("-bT b d").succeeds();
    assert_eq!((world.read("d"), world.stat("d~").is_dir()), ("new".to_owned(), true));
    world.mv("-b l m").succeeds();
    assert_eq!(
        (world.exists("l"), world.link_text("m"), world.link_text("m~")),
        (false, "a".to_owned(), "a".to_owned())
    );
    world.mv("--backup=t -T e d~").succeeds();
    assert!(world.stat("d~.~1~").is_dir() && !world.exists("e"));
    world.dir("p/q").dir("s").mv("-T --backup=t s p/q/").succeeds();
    assert!(world.stat("p/q.~1~").is_dir() && world.stat("p/q").is_dir());
    world.file("f", "1").file("f~", "2");
    world.mv("--backup=simple f~ f").fails("mv: backing up 'f' might destroy source;  'f~' not moved\n");
}

/// With a slash behind it a link is the directory that it leads to, and that cannot be renamed by this name.
#[test]
fn a_link_with_a_slash_is_not_moved_away() {
    let Some(world) = mounts("a second filesystem") else { return };
    world.dir("e").dir("d").symlink("d", "l").symlink("nowhere", "n");
    for (options, target) in [("-bT", "l/"), ("-T", "l/"), ("-bT", "n/"), ("-b", "n/")] {
        assert_eq!(world.mv(&format!("{options} e {target}")).code(), Some(1), "{options} {target}");
    }
    assert_eq!(world.names("."), ["d", "e", "l", "n"]);
    // GNU's mv looks at it, and asks, before it would be backed up.
    world.file("f", "1").symlink("f", "m").mv("-b e m/").fails("mv: cannot stat 'm/': Not a directory\n");
    let said = world.cp_answered("--as=mv -bTi e l/", "n\n");
    assert!(said.stderr.ends_with("overwrite 'l/'? "), "{said}");
    let script = "mkdir o/d; ln -s d o/l; ln -s nowhere o/n
        for target in l n; do for options in -T -bT; do mv $options e o/$target/ && echo moved; done; done; ls o";
    across(&world, script).says("d\nl\nn\n");
}

/// GNU's manual has slashes removed before anything is done with a source. GNU's program tries a first rename with them, of a name to one that
/// is free, and fails by that.
#[test]
fn slashes_that_are_to_be_removed_have_no_meaning() {
    let world = World::new();
    world.dir("d").symlink("d", "l").file("f", "1").mv("--strip-trailing-slashes l/ new").succeeds();
    assert_eq!(
        (world.link_text("new"), world.names(".")),
        ("d".to_owned(), vec!["d".into(), "f".into(), "new".into()])
    );
    // What GNU's program removes from the last name too: always with -T, else if something has the name.
    world.mv("--strip-trailing-slashes new// f/").succeeds();
    assert_eq!(world.link_text("f"), "d");
    world.mv("--strip-trailing-slashes -T f/ l/").succeeds();
    assert_eq!((world.link_text("l"), world.names(".")), ("d".to_owned(), vec!["d".into(), "l".into()]));
    let said = "mv: cannot move 'l' to 'new': Not a directory\n";
    world.mv("--strip-trailing-slashes l/ new/").fails(said);
}

#[test]
fn across_filesystems_everything_of_a_file_comes_along() {
    let Some(world) = mounts("a second filesystem") else { return };
    world.random("a", 300_000, 1).chmod("a", 0o4751).times("a", (5, 0), (6, 7)).file("o1", "old");
    let sum = world.tool("sha256sum", ["a"]);
    let script = "chown 5:6 a; chmod 4751 a; setfattr -n user.x -v 1 a 2>/dev/null || true; echo old >o/a
        mv -v a o; stat -c '%u:%g %a %Y' o/a; cd o; sha256sum a; [ ! -e ../a ]";
    let said = across(&world, script);
    let expected = format!("copied 'a' -> 'o/a'\nremoved 'a'\n5:6 4751 6\n{sum}");
    said.succeeds().says(&expected);
}

#[test]
fn across_filesystems_a_tree_comes_whole_with_links_between_operands() {
    let Some(world) = mounts("a second filesystem") else { return };
    world.dir("d/e/f").file("d/1", "1").file("x", "x").link("x", "d/e/y").symlink("1", "d/l").fifo("d/p");
    world.chmod("d/e", 0o2750).times("d/e", (1, 0), (2, 0));
    let script =
        "mv x d o; find o -mindepth 1 -printf '%P %y %m %n\\n' | sort; stat -c %Y o/d/e; ls -d x d 2>&1 | wc -l
        [ o/x -ef o/d/e/y ]";
    let expected = "d d 755 3\nd/1 f 644 1\nd/e d 2750 3\nd/e/f d 755 2\nd/e/y f 644 2\nd/l l 777 1\nd/p p 644 1\nx f 644 2\n2\n2\n";
    across(&world, script).succeeds().says(expected);
}

#[test]
fn across_filesystems_directories_take_the_place_of_empty_ones_only() {
    let Some(world) = mounts("a second filesystem") else { return };
    world.dir("d").file("d/1", "1");
    let script = "mkdir o/d; touch o/d/2; mv d o || echo $?; ls o/d d; rm o/d/2; mv d o; ls o/d; [ ! -e d ]
        mkdir d; touch d/3; mv -b d o; ls o o/d";
    let said = across(&world, script);
    let why = "mv: inter-device move failed: 'd' to 'o/d'; unable to remove target: Directory not empty\n";
    assert_eq!((said.code(), said.stderr.as_str()), (Some(0), why), "{said}");
    said.says("1\nd:\n1\n\no/d:\n2\n1\no:\nd\nd~\n\no/d:\n3\n");
}

/// GNU's mv removes the old target first, and on a full disk leaves a part of the new one.
#[test]
fn on_a_full_disk_source_and_old_target_stay() {
    let Some(world) = mounts("a small filesystem") else { return };
    world.random("big", 3 << 20, 1).dir("d").random("d/big", 3 << 20, 2);
    let script = "mount -o remount,size=1M o; echo old >o/big
        for name in big d; do mv $name o && exit 9; done; cat o/big; stat -c %s big d/big; ls -A o o/d";
    let said = across(&world, script);
    assert_eq!(said.code(), Some(0), "{said}");
    said.says("old\n3145728\n3145728\no:\nbig\nd\n\no/d:\n");
}

#[test]
fn of_an_operand_that_failed_nothing_is_removed() {
    let Some(world) = mounts("a second filesystem") else { return };
    world.dir("d").file("d/a", "1").file("d/b", "2").file("c", "3");
    let script = "chmod 0 d/b; chown -R 65534 d c .; chmod 777 o
        setpriv --reuid 65534 --clear-groups \"$safecp\" --as=mv d c o || echo $?; ls d; [ ! -e c ]; cat o/c";
    let said = across(&world, script);
    assert_eq!(said.stderr, "mv: cannot open 'd/b' for reading: Permission denied\n", "{said}");
    said.says("1\na\nb\n3");
}

/// What was copied stays, and so the old one stays under the backup's name.
#[test]
fn an_operand_that_failed_says_where_the_old_one_is() {
    let Some(world) = mounts("a second filesystem") else { return };
    world.dir("d").file("d/a", "1").file("d/b", "2");
    let script = "mkdir o/d; echo old >o/d/c; chmod 0 d/b; chown -R 65534 d o .
        setpriv --reuid 65534 --clear-groups \"$safecp\" --as=mv -b -T d o/d || echo $?; ls d; cat o/d~/c; ls o/d";
    let said = across(&world, script);
    let why =
        "mv: cannot open 'd/b' for reading: Permission denied\nmv: cannot un-backup 'o/d' from 'o/d~': File exists\n";
    assert_eq!(said.stderr, why, "{said}");
    said.says("1\na\nb\nold\na\n");
}

/// GNU's mv removes what was never copied: whatever was put into the source while it was at work.
#[test]
fn what_comes_while_it_is_copied_stays() {
    let Some(world) = mounts("a second filesystem, and a debugger") else { return };
    if !has_tool("strace") {
        return;
    }
    world.dir("d/e").file("d/e/old", "1").file("d/z", "2");
    // Held for a second before it writes out, which is after the copy.
    let script = "(sleep 1.5; echo new >d/e/late; echo more >>d/z) &
        strace -f -o /dev/null -e trace=syncfs -e inject=syncfs:delay_enter=3000000 \"$safecp\" --as=mv d o || echo $?
        wait; find d -type f | sort; cat d/e/late";
    let said = across(&world, script);
    let mut lines: Vec<&str> = said.stderr.lines().collect();
    lines.sort_unstable();
    let stays = |name| format!("mv: not removing '{name}', as it was changed after it was copied");
    assert_eq!(lines, [stays("d/e/late"), stays("d/z")], "{said}");
    said.says("1\nd/e/late\nd/z\nnew\n");
}

/// A database in which a page changes keeps its size, and may have been written to a moment before its copy was made.
#[test]
fn what_is_rewritten_at_once_after_its_copy_stays() {
    let Some(world) = mounts("a second filesystem, and a debugger") else { return };
    if !has_tool("strace") {
        return;
    }
    world.dir("d");
    let script = "(sleep 0.9; printf new | dd of=d/f conv=notrunc status=none) & printf old >d/f; ln d/f d/g; ln d/f outside
        (sleep 0.5; rm outside) & strace -f -o /dev/null -e trace=syncfs -e inject=syncfs:delay_enter=2000000 \"$safecp\" --as=mv d o || echo $?
        wait; cat d/f; cat o/d/f";
    let said = across(&world, script);
    let mut lines: Vec<&str> = said.stderr.lines().collect();
    lines.sort_unstable();
    let stays = |name| format!("mv: not removing '{name}', as it was changed after it was copied");
    assert_eq!(lines, [stays("d/f"), stays("d/g")], "{said}");
    said.says("1\nnewold");
}

/// Its files are as old and as long as those that were copied under their names.
#[test]
fn another_directory_under_the_name_of_one_that_was_copied_stays() {
    let Some(world) = mounts("a second filesystem, and a debugger") else { return };
    if !has_tool("strace") {
        return;
    }
    world.dir("d/sub").file("d/sub/f", "copied").dir("other").file("other/f", "not so");
    let script = "sleep 0.1; (sleep 0.7; mv d/sub away; mv other d/sub) & \
        strace -f -o /dev/null -e trace=syncfs -e inject=syncfs:delay_enter=2000000 \"$safecp\" --as=mv d o || echo $?
        wait; cat d/sub/f o/d/sub/f away/f";
    let said = across(&world, script);
    assert_eq!(said.stderr, "mv: not removing 'd/sub', as it was changed after it was copied\n");
    said.says("1\nnot socopiedcopied");
}

/// Where one name of a file goes, the other shows a change that is none; so it does where times are cut to two seconds.
#[test]
fn hard_links_go_where_times_are_coarse() {
    let Some(world) = mounts("a second filesystem") else { return };
    if !has_tool("mkfs.vfat") {
        return;
    }
    world.dir("d");
    let script = "truncate -s 4M i; mkfs.vfat i >/dev/null; mkdir v; mount -o loop i v || exit 77
        echo 1 >d/f; ln d/f d/g; ln d/f d/h; mv d v; echo $?; [ ! -e d ] && cat v/d/*";
    let said = across(&world, script);
    if said.code() != Some(77) {
        said.says("0\n1\n1\n1\n");
    }
}

/// The copies have a time of their own then, and do not show that of their source.
#[test]
fn hard_links_go_where_no_time_can_be_set() {
    let Some(world) = mounts("a second filesystem, and a debugger") else { return };
    if !has_tool("strace") {
        return;
    }
    world.dir("d/e");
    let script = "echo 1 >d/f; ln d/f d/g; ln d/f d/e/h; ln d/f outside; sleep 0.1
        strace -f -o /dev/null -e trace=utimensat -e inject=utimensat:error=ENOSYS \"$safecp\" --as=mv d o 2>err; echo $?
        [ ! -e d ] && cat o/d/f o/d/e/h outside; stat -c %h o/d/g outside";
    across(&world, script).says("0\n1\n1\n1\n3\n1\n");
}

/// gocryptfs answers link(2) with the size of what it has encrypted, and the kernel believes that for a second.
#[test]
fn hard_links_go_where_a_wrong_size_is_told_of_their_copies() {
    let Some(world) = mounts("a second filesystem") else { return };
    if !has_tool("gocryptfs") {
        return;
    }
    world.dir("d/e");
    let script = "mkdir c p; echo secret >secret
        gocryptfs -q -nosyslog -init -scryptn 10 -passfile secret c && gocryptfs -q -nosyslog -passfile secret c p || exit 77
        echo 1 >d/f; ln d/f d/g; ln d/f d/e/h; sleep 0.1; mv d p; echo $?
        [ ! -e d ] && cat p/d/f p/d/g p/d/e/h; umount p";
    let said = across(&world, script);
    if said.code() != Some(77) {
        said.says("0\n1\n1\n1\n");
    }
}

#[test]
fn the_source_goes_after_the_copy_was_written_out() {
    let Some(world) = mounts("a second filesystem") else { return };
    if !has_tool("strace") {
        return;
    }
    world.file("a", "1").dir("d").file("d/b", "2");
    let script = "strace -f -o t -e trace=fsync,syncfs,unlinkat,linkat,rename,renameat2 \"$safecp\" --as=mv a o
        strace -f -o u -e trace=fsync,syncfs,unlinkat,rmdir \"$safecp\" --as=mv d o
        sed 's/^[0-9]* *//;s/(.*//' t | uniq; sed '/???/d;s/^[0-9]* *//;s/(.*//' u | uniq";
    across(&world, script)
        .succeeds()
        .says("renameat2\nlinkat\nfsync\nunlinkat\n+++ exited with 0 +++\nsyncfs\nunlinkat\n+++ exited with 0 +++\n");
}

/// What a failed fsync leaves is not proved to be on the disk.
#[test]
fn a_copy_that_cannot_be_written_out_keeps_its_source() {
    let Some(world) = mounts("a second filesystem") else { return };
    if !has_tool("strace") {
        return;
    }
    world.file("a", "1").dir("d").file("d/b", "2");
    let script = "for name in a d; do
        strace -f -o /dev/null -e inject=fsync,syncfs:error=EIO \"$safecp\" --as=mv $name o || echo $?; done; cat a d/b";
    let said = across(&world, script);
    assert_eq!(said.stderr, "mv: cannot fsync 'o/a': Input/output error\nmv: cannot fsync 'o/d': Input/output error\n");
    said.says("1\n1\n12");
}

#[test]
fn a_deep_tree_goes_with_few_open_directories() {
    let Some(world) = mounts("a second filesystem") else { return };
    let script = "ulimit -n 300; mkdir d; (cd d; for i in $(seq 1 700); do mkdir x; echo $i >f; cd x; done)
        mv d o; [ ! -e d ]; find o/d -name f | wc -l";
    across(&world, script).succeeds().says("700\n");
}

/// With 64, GNU's mv moves such a tree. What is gone through afterwards holds no more than what was copied did.
#[test]
fn a_deep_tree_goes_with_few_descriptors() {
    let Some(world) = mounts("a second filesystem") else { return };
    let script = "for most in 13 14 20 40 64; do
            mkdir d; (cd d; for i in $(seq 1 100); do mkdir x; echo $i >f; cd x; done)
            (ulimit -n $most; mv d o); [ ! -e d ] && find o/d -name f | wc -l; rm -rf d o/d
        done";
    let moved = across(&world, script);
    assert_eq!((&*moved.stdout, &*moved.stderr), ("100\n100\n100\n100\n100\n", ""), "{moved}");
}

/// The one was copied there, and the other would be renamed over it.
#[test]
fn what_was_just_moved_from_elsewhere_is_not_moved_over() {
    let Some(world) = mounts("a second filesystem") else { return };
    world.file("f", "first");
    let script = "mkdir o/d o/e; echo second >o/e/f; mv f o/e/f o/d || echo $?; cat o/d/f o/e/f";
    let said = across(&world, script);
    assert_eq!(said.stderr, "mv: will not overwrite just-created 'o/d/f' with 'o/e/f'\n");
    said.says("1\nfirstsecond\n");
}

#[test]
fn without_a_copy_it_fails_and_attributes_that_are_lost_are_said() {
    let Some(world) = mounts("a second filesystem") else { return };
    world.file("a", "1");
    let said = across(&world, "mv --no-copy a o || echo $?");
    assert_eq!(said.stderr, "mv: cannot move 'a' to 'o/a': Invalid cross-device link\n");
    if !has_tool("mkfs.vfat") || !has_tool("setfattr") {
        return;
    }
    let script = "truncate -s 4M i; mkfs.vfat i >/dev/null; mkdir v; mount -o loop i v || exit 77
        chown 5:6 a; setfattr -n user.x -v 1 a || exit 77; mv a v; echo $?; [ ! -e a ] && cat v/a";
    let said = across(&world, script);
    if said.code() == Some(77) {
        return;
    }
    assert!(said.stderr.contains("mv: setting attributes for 'v/a': Operation not supported\n"), "{said}");
    assert!(said.stderr.contains("mv: failed to preserve ownership for 'v/a': Operation not permitted\n"), "{said}");
    said.says("0\n1");
}
