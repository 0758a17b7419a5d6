//! What the engine takes for granted of a kernel, as small tests that run on Linux and on the Sim.
//!
//! A claim is a function over any `Kernel` and a fresh directory. Linux runs each of them in the
//! temporary directory and on every filesystem named in SAFECP_TEST_FILESYSTEMS ("ext4=/mnt/a,
//! btrfs=/mnt/b"); the Sim runs them on an honest filesystem and on ZFS. Where the two differ, the Sim
//! is wrong until shown otherwise.

mod sim;

use rustix::io::Errno;
use safecp::kernel::linux::Linux;
use safecp::kernel::{Kernel, Kind, Mode, OFlags, QuotaOf, RenameFlags, ResolveFlags, Seek, Stat, Timestamp};
use sim::kernel::Sim;
use sim::system::{BTRFS_MAGIC, EXT4_MAGIC, System, Zfs};
use sim::world::World;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// A kernel and an empty directory to try it in.
struct Ground<'a, K: Kernel> {
    kernel: &'a K,
    dir: K::File,
    /// What the filesystem under it can do; where it cannot, a claim says which refusal it expects.
    reflink: bool,
    /// O_TMPFILE makes files.
    tmpfile: bool,
    /// user.* attributes are stored.
    xattr: bool,
}

/// The largest unit in which a tested filesystem allocates or maps.
const BLOCK: usize = 4096;

impl<K: Kernel> Ground<'_, K> {
    fn open(&self, name: &str, flags: OFlags) -> Result<K::File, Errno> {
        self.kernel.open(Some(&self.dir), Path::new(name), flags, Mode::from_raw_mode(0o644), ResolveFlags::empty())
    }

    fn beneath(&self, name: &str, flags: OFlags, more: ResolveFlags) -> Result<K::File, Errno> {
        self.kernel.open(Some(&self.dir), Path::new(name), flags, Mode::empty(), ResolveFlags::BENEATH | more)
    }

    /// A new file, open for reading and writing, that holds `content`.
    fn file(&self, name: &str, content: &[u8]) -> K::File {
        let file = self.open(name, OFlags::RDWR | OFlags::CREATE | OFlags::EXCL).expect("a new file");
        assert_eq!(self.kernel.pwrite(&file, content, 0), Ok(content.len()));
        file
    }

    fn content(&self, file: &K::File) -> Vec<u8> {
        let mut bytes = vec![0xee; 5 * BLOCK];
        let count = self.kernel.pread(file, &mut bytes, 0).expect("a readable file");
        bytes.truncate(count);
        bytes
    }

    fn stat(&self, file: &K::File) -> Stat {
        self.kernel.stat(file).expect("fstat of an open file")
    }

    fn symlink(&self, name: &str, content: &str) {
        self.kernel.symlink(OsStr::new(content), &self.dir, Path::new(name)).expect("a new symbolic link");
    }

    fn mkdir(&self, name: &str) {
        self.kernel.mkdir(&self.dir, Path::new(name), Mode::from_raw_mode(0o755)).expect("a new directory");
    }
}

const FILE: OFlags = OFlags::RDWR;

/// A claim about every kernel.
trait Claim {
    fn holds<K: Kernel>(&self, on: &Ground<'_, K>);
}

/// Writes a unit struct and a test for each claim, so that a failure bears the claim's name.
macro_rules! claims {
    ($($(#[doc = $doc:literal])+ fn $name:ident($on:ident) $body:block)*) => {
        $(
            $(#[doc = $doc])+
            #[test]
            fn $name() {
                #[allow(non_camel_case_types, reason = "the claim bears its test's name")]
                struct $name;
                impl Claim for $name {
                    fn holds<K: Kernel>(&self, $on: &Ground<'_, K>) $body
                }
                on_every_ground(&$name);
            }
        )*
    };
}

claims! {
    /// pread gives what pwrite took, a short count at the end and 0 behind it.
    fn what_is_written_is_read(on) {
        let file = on.file("f", b"hello");
        let mut bytes = [0; 8];
        assert_eq!(on.kernel.pread(&file, &mut bytes, 1), Ok(4));
        assert_eq!(&bytes[..4], b"ello");
        assert_eq!(on.kernel.pread(&file, &mut bytes, 5), Ok(0));
        assert_eq!(on.kernel.pread(&file, &mut bytes, 1 << 40), Ok(0));
    }

    /// read and write move the handle's own position, pread and pwrite do not.
    fn only_read_and_write_move_the_position(on) {
        let file = on.open("f", FILE | OFlags::CREATE).expect("a new file");
        assert_eq!(on.kernel.write(&file, b"abc"), Ok(3));
        assert_eq!(on.kernel.pwrite(&file, b"X", 0), Ok(1));
        assert_eq!(on.kernel.write(&file, b"def"), Ok(3));
        assert_eq!(on.content(&file), b"Xbcdef");
        let again = on.open("f", OFlags::RDONLY).expect("the file");
        let mut bytes = [0; 4];
        assert_eq!((on.kernel.read(&again, &mut bytes), bytes), (Ok(4), *b"Xbcd"));
        assert_eq!(on.kernel.read(&again, &mut bytes), Ok(2));
        assert_eq!(on.kernel.read(&again, &mut bytes), Ok(0));
    }

    /// A file's birth is the same by name and by handle, whatever is written or linked later; not every filesystem keeps it.
    fn birth_stays(on) {
        let file = on.file("f", b"old");
        let born = on.kernel.birth(Some(&on.dir), Path::new("f"), false).expect("the new file");
        assert_eq!(on.kernel.pwrite(&file, b"newer", 0), Ok(5));
        assert_eq!(on.kernel.link(&file, &on.dir, Path::new("second")), Ok(()));
        assert_eq!(on.kernel.birth(Some(&file), Path::new(""), false), Ok(born));
        assert_eq!(on.kernel.birth(Some(&on.dir), Path::new("second"), true), Ok(born));
        assert_eq!(on.kernel.birth(Some(&on.dir), Path::new("none"), true), Err(Errno::NOENT));
        assert!(born.is_none_or(|born| born <= on.stat(&file).ctime));
    }

    /// A write of nothing is 0 and changes nothing.
    fn nothing_written_is_nothing(on) {
        let file = on.file("f", b"");
        assert_eq!(on.kernel.pwrite(&file, b"", 10), Ok(0));
        assert_eq!(on.stat(&file).size, 0);
    }

    /// O_APPEND writes at the end, wherever the position is.
    fn append_writes_at_the_end(on) {
        drop(on.file("f", b"one"));
        let file = on.open("f", OFlags::WRONLY | OFlags::APPEND).expect("the file");
        assert_eq!(on.kernel.write(&file, b"two"), Ok(3));
        assert_eq!(on.content(&on.open("f", OFlags::RDONLY).expect("the file")), b"onetwo");
    }

    /// A handle reads and writes only what it was opened for, and O_PATH neither.
    fn a_handle_does_what_it_was_opened_for(on) {
        drop(on.file("f", b"data"));
        let reader = on.open("f", OFlags::RDONLY).expect("the file");
        let writer = on.open("f", OFlags::WRONLY).expect("the file");
        let path = on.open("f", OFlags::PATH).expect("the file");
        assert_eq!(on.kernel.pwrite(&reader, b"x", 0), Err(Errno::BADF));
        assert_eq!(on.kernel.truncate(&reader, 0), Err(Errno::INVAL));
        assert_eq!(on.kernel.pread(&writer, &mut [0], 0), Err(Errno::BADF));
        assert_eq!(on.kernel.pread(&path, &mut [0], 0), Err(Errno::BADF));
        assert_eq!(on.kernel.pwrite(&path, b"x", 0), Err(Errno::BADF));
        assert_eq!(on.kernel.fsync(&path), Err(Errno::BADF));
        assert_eq!(on.stat(&path).size, 4);
    }

    /// A directory is not read as a file, nor opened for writing.
    fn a_directory_is_no_file(on) {
        on.mkdir("d");
        let dir = on.open("d", OFlags::RDONLY).expect("the directory");
        assert_eq!(on.kernel.pread(&dir, &mut [0], 0), Err(Errno::ISDIR));
        assert_eq!(on.open("d", OFlags::WRONLY).err(), Some(Errno::ISDIR));
        assert_eq!(on.open("d", OFlags::RDONLY | OFlags::CREATE).err(), Some(Errno::ISDIR));
        assert_eq!(on.stat(&dir).kind, Kind::Directory);
    }

    /// ftruncate cuts off, and grows by zeros, also over bytes that were there before.
    fn truncate_cuts_and_grows_by_zeros(on) {
        let file = on.file("f", &[7; 100]);
        assert_eq!(on.kernel.truncate(&file, 10), Ok(()));
        assert_eq!(on.kernel.truncate(&file, 300), Ok(()));
        let mut expected = vec![7; 10];
        expected.resize(300, 0);
        assert_eq!(on.content(&file), expected);
    }

    /// A write behind the end leaves zeros between.
    fn a_gap_reads_as_zeros(on) {
        let file = on.file("f", b"a");
        assert_eq!(on.kernel.pwrite(&file, b"z", 9000), Ok(1));
        let content = on.content(&file);
        assert_eq!((content.len(), content[0], content[9000]), (9001, b'a', b'z'));
        assert!(content[1..9000].iter().all(|byte| *byte == 0));
    }

    /// O_TRUNC empties an existing file.
    fn o_trunc_empties(on) {
        drop(on.file("f", b"old"));
        assert_eq!(on.stat(&on.open("f", OFlags::WRONLY | OFlags::TRUNC).expect("the file")).size, 0);
    }

    /// Every byte that is no zero lies in a range that the seeks call data, on a file that was synced.
    fn holes_hold_zeros(on) {
        let file = on.file("f", &[1; BLOCK]);
        assert_eq!(on.kernel.truncate(&file, 3 * BLOCK as u64), Ok(()));
        assert_eq!(on.kernel.pwrite(&file, &[2; 100], 3 * BLOCK as u64), Ok(100));
        assert_eq!(on.kernel.fsync(&file), Ok(()));
        let (content, mut data, mut at) = (on.content(&file), vec![false; 3 * BLOCK + 100], 0);
        while let Some(start) = on.kernel.seek(&file, Seek::Data, at).expect("SEEK_DATA") {
            assert!(start >= at && start < content.len() as u64);
            at = on.kernel.seek(&file, Seek::Hole, start).expect("SEEK_HOLE").expect("the end is a hole");
            assert!(at > start && at <= content.len() as u64);
            data[start as usize..at as usize].fill(true);
        }
        assert!(content.iter().zip(&data).all(|(byte, data)| *byte == 0 || *data));
    }

    /// Behind the end there is neither data nor hole; at the end of an all-data file is a hole.
    fn seeks_end_with_the_file(on) {
        let file = on.file("f", &[1; 100]);
        assert_eq!(on.kernel.seek(&file, Seek::Data, 0), Ok(Some(0)));
        assert_eq!(on.kernel.seek(&file, Seek::Hole, 0), Ok(Some(100)));
        for what in [Seek::Data, Seek::Hole] {
            assert_eq!(on.kernel.seek(&file, what, 100), Ok(None), "{what:?}");
            assert_eq!(on.kernel.seek(&file, what, 1000), Ok(None), "{what:?}");
        }
        let sparse = on.file("sparse", b"");
        assert_eq!(on.kernel.truncate(&sparse, 2 * BLOCK as u64), Ok(()));
        assert_eq!(on.kernel.seek(&sparse, Seek::Data, 0), Ok(None));
        assert_eq!(on.kernel.seek(&sparse, Seek::Hole, 0), Ok(Some(0)));
    }

    /// FICLONE makes the target equal, or says that it cannot.
    fn a_clone_is_equal_or_refused(on) {
        let source = on.file("source", &[5; 2 * BLOCK]);
        assert_eq!(on.kernel.fsync(&source), Ok(()));
        assert!(on.kernel.seek(&source, Seek::Hole, 0).is_ok());
        let target = on.file("target", b"");
        match on.kernel.ficlone(&target, &source) {
            Ok(()) => {
                assert!(on.reflink);
                assert_eq!(on.content(&target), [5; 2 * BLOCK]);
            }
            Err(errno) => {
                assert!(!on.reflink, "{errno:?}");
                assert!(matches!(errno, Errno::OPNOTSUPP | Errno::INVAL | Errno::NOTTY), "{errno:?}");
                assert_eq!(on.stat(&target).size, 0);
            }
        }
    }

    /// copy_file_range moves what it claims, 0 behind the end, and nothing into a read-only handle.
    fn an_offload_moves_what_it_claims(on) {
        let content: Vec<u8> = (0..3000_u32).map(|number| (number % 251) as u8).collect();
        let (source, target) = (on.file("source", &content), on.file("target", b""));
        let count = on.kernel.copy_file_range(&source, &target, 1000..9000).expect("one filesystem");
        assert!(count > 0 && count <= 2000);
        assert_eq!(on.content(&target)[1000..], content[1000..1000 + count as usize]);
        assert_eq!(on.kernel.copy_file_range(&source, &target, 3000..4000), Ok(0));
        let reader = on.open("target", OFlags::RDONLY).expect("the target");
        assert_eq!(on.kernel.copy_file_range(&source, &reader, 0..10), Err(Errno::BADF));
    }

    /// O_EXCL makes a name once.
    fn o_excl_makes_a_name_once(on) {
        let new = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        assert!(on.open("f", new).is_ok());
        assert_eq!(on.open("f", new).err(), Some(Errno::EXIST));
        on.symlink("dangling", "nowhere");
        assert_eq!(on.open("dangling", new).err(), Some(Errno::EXIST));
    }

    /// The umask takes its bits from a new file's mode.
    fn the_umask_applies(on) {
        let (flags, mode) = (FILE | OFlags::CREATE, Mode::from_raw_mode(0o666));
        let file = on.kernel.open(Some(&on.dir), Path::new("f"), flags, mode, ResolveFlags::empty());
        assert_eq!(on.stat(&file.expect("a new file")).mode, 0o644);
    }

    /// A file of O_TMPFILE has no name until it is linked, and then all its content; or it is refused.
    fn an_unnamed_file_is_linked_whole(on) {
        let file = match on.open(".", OFlags::TMPFILE | OFlags::RDWR) {
            // Overlayfs before Linux 6.6 and network filesystems cannot.
            Err(Errno::OPNOTSUPP) => return assert!(!on.tmpfile),
            made => made.expect("an unnamed file"),
        };
        assert_eq!(on.stat(&file).nlink, 0);
        assert_eq!(on.kernel.pwrite(&file, b"whole", 0), Ok(5));
        assert_eq!(on.kernel.link(&file, &on.dir, Path::new("f")), Ok(()));
        assert_eq!(on.kernel.link(&file, &on.dir, Path::new("f")), Err(Errno::EXIST));
        assert_eq!(on.content(&on.open("f", OFlags::RDONLY).expect("the name")), b"whole");
        assert_eq!(on.stat(&file).nlink, 1);
    }

    /// linkat by handle makes a second name of the same inode.
    fn a_link_is_the_same_file(on) {
        let file = on.file("one", b"1");
        assert_eq!(on.kernel.link(&file, &on.dir, Path::new("two")), Ok(()));
        let two = on.kernel.stat_at(Some(&on.dir), Path::new("two"), false).expect("the second name");
        assert!(two.is_same_file(&on.stat(&file)));
        assert_eq!(two.nlink, 2);
    }

    /// renameat2: NOREPLACE refuses a taken name, without it the name changes hands.
    fn rename_replaces_unless_told_not_to(on) {
        let new = on.file("new", b"new");
        drop(on.file("old", b"old"));
        let rename = |flags| on.kernel.rename(&on.dir, Path::new("new"), &on.dir, Path::new("old"), flags);
        assert_eq!(rename(RenameFlags::NOREPLACE), Err(Errno::EXIST));
        assert_eq!(on.content(&on.open("old", OFlags::RDONLY).expect("the old name")), b"old");
        assert_eq!(rename(RenameFlags::empty()), Ok(()));
        assert_eq!(on.open("new", OFlags::RDONLY).err(), Some(Errno::NOENT));
        let now = on.kernel.stat_at(Some(&on.dir), Path::new("old"), false).expect("the old name");
        assert!(now.is_same_file(&on.stat(&new)));
        assert_eq!(rename(RenameFlags::empty()), Err(Errno::NOENT));
    }

    /// A file does not take a directory's name, nor the other way.
    fn rename_keeps_directories_and_files_apart(on) {
        drop(on.file("f", b""));
        on.mkdir("d");
        let flags = RenameFlags::empty();
        let rename = |from, to| on.kernel.rename(&on.dir, Path::new(from), &on.dir, Path::new(to), flags);
        assert_eq!(rename("f", "d"), Err(Errno::ISDIR));
        assert_eq!(rename("d", "f"), Err(Errno::NOTDIR));
    }

    /// A rename of one name of a file onto another of its names does nothing.
    fn rename_onto_itself_does_nothing(on) {
        let file = on.file("one", b"");
        assert_eq!(on.kernel.link(&file, &on.dir, Path::new("two")), Ok(()));
        let renamed = on.kernel.rename(&on.dir, Path::new("one"), &on.dir, Path::new("two"), RenameFlags::empty());
        assert_eq!(renamed, Ok(()));
        assert_eq!(on.stat(&file).nlink, 2);
    }

    /// rmdir of what is no directory says so, and changes nothing.
    fn rmdir_takes_no_file(on) {
        drop(on.file("f", b"kept"));
        assert_eq!(on.kernel.rmdir(&on.dir, Path::new("f")), Err(Errno::NOTDIR));
        assert_eq!(on.kernel.rmdir(&on.dir, Path::new("none")), Err(Errno::NOENT));
        assert_eq!(on.content(&on.open("f", OFlags::RDONLY).expect("the file")), b"kept");
    }

    /// Flags that chattr sets stay until others are set; a filesystem without any says so.
    fn flags_are_kept(on) {
        const NO_DUMP: u32 = 0x40;
        let file = on.file("f", b"");
        let flags = match on.kernel.inode_flags(&file) {
            Ok(flags) => flags,
            Err(errno) => return assert!(matches!(errno, Errno::NOTTY | Errno::OPNOTSUPP | Errno::NOSYS), "{errno}"),
        };
        assert_eq!(flags & NO_DUMP, 0);
        assert_eq!(on.kernel.set_inode_flags(&file, flags | NO_DUMP), Ok(()));
        assert_eq!(on.kernel.inode_flags(&file), Ok(flags | NO_DUMP));
    }

    /// unlinkat takes the name, an open handle keeps the file; a directory is not unlinked.
    fn unlink_takes_the_name_only(on) {
        let file = on.file("f", b"kept");
        assert_eq!(on.kernel.unlink(&on.dir, Path::new("f")), Ok(()));
        assert_eq!(on.kernel.unlink(&on.dir, Path::new("f")), Err(Errno::NOENT));
        assert_eq!(on.content(&file), b"kept");
        assert_eq!(on.stat(&file).nlink, 0);
        on.mkdir("d");
        assert_eq!(on.kernel.unlink(&on.dir, Path::new("d")), Err(Errno::ISDIR));
    }

    /// A symbolic link is opened by O_PATH|O_NOFOLLOW only, and read through that handle.
    fn a_symbolic_link_is_read_by_handle(on) {
        drop(on.file("f", b"there"));
        on.symlink("link", "f");
        assert_eq!(on.open("link", OFlags::RDONLY | OFlags::NOFOLLOW).err(), Some(Errno::LOOP));
        let link = on.open("link", OFlags::PATH | OFlags::NOFOLLOW).expect("the link");
        assert_eq!(on.stat(&link).kind, Kind::Symlink);
        assert_eq!(on.kernel.readlink(&link), Ok("f".into()));
        assert_eq!(on.content(&on.open("link", OFlags::RDONLY).expect("through the link")), b"there");
        let looked = |follow| on.kernel.stat_at(Some(&on.dir), Path::new("link"), follow).expect("the link").kind;
        assert_eq!((looked(false), looked(true)), (Kind::Symlink, Kind::File));
    }

    /// O_CREAT goes through a dangling link, as cp's target does.
    fn o_creat_follows_a_dangling_link(on) {
        on.symlink("link", "made");
        assert!(on.open("link", OFlags::WRONLY | OFlags::CREATE).is_ok());
        assert!(on.open("made", OFlags::RDONLY).is_ok());
    }

    /// Links that lead in a circle end in ELOOP.
    fn circles_of_links_end(on) {
        on.symlink("a", "b");
        on.symlink("b", "a");
        assert_eq!(on.open("a", OFlags::RDONLY).err(), Some(Errno::LOOP));
    }

    /// NO_SYMLINKS refuses a link anywhere in the path, BENEATH any way out.
    fn openat2_stays_beneath(on) {
        on.mkdir("d");
        on.symlink("in", "d");
        on.symlink("out", "/");
        on.symlink("up", "../..");
        drop(on.file("d/f", b""));
        let none = ResolveFlags::empty();
        assert!(on.beneath("d/f", OFlags::RDONLY, ResolveFlags::NO_SYMLINKS).is_ok());
        assert!(on.beneath("in/f", OFlags::RDONLY, none).is_ok());
        assert_eq!(on.beneath("in/f", OFlags::RDONLY, ResolveFlags::NO_SYMLINKS).err(), Some(Errno::LOOP));
        assert_eq!(on.beneath("..", OFlags::RDONLY, none).err(), Some(Errno::XDEV));
        assert_eq!(on.beneath("d/../..", OFlags::RDONLY, none).err(), Some(Errno::XDEV));
        assert!(on.beneath("d/../d/f", OFlags::RDONLY, none).is_ok());
        assert_eq!(on.beneath("/", OFlags::RDONLY, none).err(), Some(Errno::XDEV));
        assert_eq!(on.beneath("out", OFlags::RDONLY, none).err(), Some(Errno::XDEV));
        assert_eq!(on.beneath("up", OFlags::RDONLY, none).err(), Some(Errno::XDEV));
    }

    /// ENOENT, ENOTDIR and ENAMETOOLONG come from where they should.
    fn bad_names_have_their_errors(on) {
        drop(on.file("f", b""));
        on.mkdir("d");
        let open = |name: &str| on.open(name, OFlags::RDONLY).err();
        assert_eq!(open("none"), Some(Errno::NOENT));
        assert_eq!(open("none/f"), Some(Errno::NOENT));
        assert_eq!(open(""), Some(Errno::NOENT));
        assert_eq!(open("f/x"), Some(Errno::NOTDIR));
        assert_eq!(open("f/"), Some(Errno::NOTDIR));
        assert_eq!(open("d/"), None);
        assert_eq!(open(&"n".repeat(256)), Some(Errno::NAMETOOLONG));
        assert_eq!(on.open("f", OFlags::RDONLY | OFlags::DIRECTORY).err(), Some(Errno::NOTDIR));
        assert_eq!(on.kernel.stat_at(Some(&on.dir), Path::new("none"), true).err(), Some(Errno::NOENT));
    }

    /// A directory is made once.
    fn mkdir_makes_a_name_once(on) {
        on.mkdir("d");
        assert_eq!(on.kernel.mkdir(&on.dir, Path::new("d"), Mode::empty()), Err(Errno::EXIST));
        let stat = on.kernel.stat_at(Some(&on.dir), Path::new("d"), false).expect("the directory");
        assert_eq!((stat.kind, stat.mode & 0o777), (Kind::Directory, 0o755));
    }

    /// A fifo is made, and opened for writing without a reader only to be refused.
    fn a_fifo_without_a_reader_refuses_a_writer(on) {
        assert_eq!(on.kernel.mknod(&on.dir, Path::new("p"), Kind::Fifo, Mode::from_raw_mode(0o600), 0), Ok(()));
        assert_eq!(on.open("p", OFlags::WRONLY | OFlags::NONBLOCK).err(), Some(Errno::NXIO));
        let fifo = on.open("p", OFlags::RDONLY | OFlags::NONBLOCK).expect("a reader need not wait");
        assert_eq!(on.stat(&fifo).kind, Kind::Fifo);
        assert_eq!(on.kernel.read(&fifo, &mut [0]), Ok(0));
    }

    /// fchmod sets all twelve bits, also through O_PATH.
    fn chmod_sets_the_mode(on) {
        let file = on.file("f", b"");
        assert_eq!(on.kernel.chmod(&file, 0o4751), Ok(()));
        assert_eq!(on.stat(&file).mode, 0o4751);
        let path = on.open("f", OFlags::PATH).expect("the file");
        assert_eq!(on.kernel.chmod(&path, 0o600), Ok(()));
        assert_eq!(on.stat(&file).mode, 0o600);
    }

    /// fchown to the owner that is there succeeds, and takes set-user-ID away from a file.
    fn chown_drops_set_user_id(on) {
        let file = on.file("f", b"");
        let stat = on.stat(&file);
        assert_eq!(on.kernel.chmod(&file, 0o4755), Ok(()));
        assert_eq!(on.kernel.chown(&file, Some(stat.uid), Some(stat.gid)), Ok(()));
        assert_eq!(on.stat(&file).mode, 0o755);
        assert_eq!(on.kernel.chown(&file, None, None), Ok(()));
    }

    /// utimensat sets both times to the nanosecond; ctime is the kernel's.
    fn times_are_kept(on) {
        let file = on.file("f", b"");
        let atime = Timestamp { seconds: 1_000_000, nanos: 123_456_789 };
        let mtime = Timestamp { seconds: -5, nanos: 999_999_999 };
        assert_eq!(on.kernel.set_times(&file, atime, mtime), Ok(()));
        let stat = on.stat(&file);
        assert_eq!((stat.atime, stat.mtime), (atime, mtime));
        assert!(stat.ctime > mtime);
        on.symlink("link", "nowhere");
        let link = on.open("link", OFlags::PATH | OFlags::NOFOLLOW).expect("the link");
        assert_eq!(on.kernel.set_times(&link, atime, atime), Ok(()));
        assert_eq!(on.stat(&link).mtime, atime);
    }

    /// utimensat with UTIME_NOW gives the time of the content's last change, by the kernel's clock, and leaves that of the last access.
    fn now_is_by_the_clock_of_writes(on) {
        let file = on.file("f", b"one");
        let long_ago = Timestamp { seconds: 1_000_000, nanos: 5 };
        assert_eq!(on.kernel.set_times(&file, long_ago, long_ago), Ok(()));
        assert_eq!(on.kernel.touch(&file), Ok(()));
        let touched = on.stat(&file);
        assert_eq!(touched.atime, long_ago);
        assert!(touched.mtime > long_ago);
        assert_eq!(touched.mtime, touched.ctime);
        let next = on.stat(&on.file("g", b""));
        assert!(next.mtime >= touched.mtime, "a file that is made next is not older");
    }

    /// A write gives the file a later change time.
    fn a_write_shows_in_the_times(on) {
        let file = on.file("f", b"one");
        let before = on.stat(&file);
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert_eq!(on.kernel.pwrite(&file, b"two", 0), Ok(3));
        let after = on.stat(&file);
        assert!(after.mtime > before.mtime && after.ctime > before.ctime);
    }

    /// Extended attributes are set, replaced, listed and removed.
    fn extended_attributes_come_and_go(on) {
        let file = on.file("f", b"");
        let name = OsStr::new("user.safecp.test");
        if !on.xattr {
            return assert_eq!(on.kernel.set_xattr(&file, name, b"1"), Err(Errno::OPNOTSUPP));
        }
        assert_eq!(on.kernel.get_xattr(&file, name), Err(Errno::NODATA));
        assert_eq!(on.kernel.set_xattr(&file, name, b"1"), Ok(()));
        assert_eq!(on.kernel.set_xattr(&file, name, &[2; 300]), Ok(()));
        assert_eq!(on.kernel.get_xattr(&file, name), Ok(vec![2; 300]));
        let path = on.open("f", OFlags::PATH).expect("the file");
        assert_eq!(on.kernel.get_xattr(&path, name).map(|value| value.len()), Ok(300));
        assert!(on.kernel.list_xattr(&file).expect("a list").iter().any(|there| there == name));
        assert_eq!(on.kernel.remove_xattr(&file, name), Ok(()));
        assert_eq!(on.kernel.remove_xattr(&file, name), Err(Errno::NODATA));
        assert_eq!(on.kernel.set_xattr(&file, OsStr::new("nonsense"), b""), Err(Errno::OPNOTSUPP));
    }

    /// A symbolic link has no user attributes.
    fn links_have_no_user_attributes(on) {
        on.symlink("link", "nowhere");
        let link = on.open("link", OFlags::PATH | OFlags::NOFOLLOW).expect("the link");
        let refused = on.kernel.set_xattr(&link, OsStr::new("user.safecp.test"), b"");
        assert!(matches!(refused, Err(Errno::PERM | Errno::OPNOTSUPP)), "{refused:?}");
    }

    /// cachestat, where the kernel has it, and mincore agree that an untouched file has no pages, and
    /// never count more pages than a file has.
    fn residency_is_told(on) {
        let file = on.file("f", &[1; 2 * BLOCK]);
        let empty = on.file("empty", b"");
        assert_eq!(on.kernel.mincore(&empty, 0..0), Ok(0));
        let pages_max = 2 * BLOCK as u64 / sim::content::PAGE as u64;
        assert!(on.kernel.mincore(&file, 0..2 * BLOCK as u64).is_ok_and(|pages| pages <= pages_max));
        match on.kernel.cachestat(&empty) {
            Ok(pages) => assert_eq!(pages.cached + pages.dirty + pages.writeback, 0),
            Err(errno) => assert_eq!(errno, Errno::NOSYS),
        }
        let writer = on.open("f", OFlags::WRONLY).expect("the file");
        assert_eq!(on.kernel.mincore(&writer, 0..1), Err(Errno::ACCESS));
    }

    /// fsync, msync and fadvise of a regular file succeed and change no byte; so does fsync of a directory.
    fn syncing_changes_nothing(on) {
        let file = on.file("f", &[3; 1000]);
        assert_eq!(on.kernel.fsync(&file), Ok(()));
        assert_eq!(on.kernel.msync(&file, 1000), Ok(()));
        assert_eq!(on.kernel.msync(&file, 0), Ok(()));
        assert_eq!(on.kernel.drop_cache(&file), Ok(()));
        assert_eq!(on.content(&file), [3; 1000]);
        assert_eq!(on.kernel.fsync(&on.open(".", OFlags::RDONLY).expect("the directory")), Ok(()));
        let reader = on.open("f", OFlags::RDONLY).expect("the file");
        assert_eq!(on.kernel.fsync(&reader), Ok(()));
        assert_eq!(on.kernel.close(file), Ok(()));
    }

    /// A directory's handle gives each of its names once, with what it is, and then no more.
    fn a_directory_gives_each_name_once(on) {
        on.symlink("link", "nowhere");
        assert_eq!(on.kernel.mkdir(&on.dir, Path::new("sub"), Mode::from_raw_mode(0o755)), Ok(()));
        (0..500).for_each(|number| drop(on.file(&format!("a name of some length {number}"), b"")));
        let listed = on.open(".", OFlags::RDONLY | OFlags::DIRECTORY).expect("the directory");
        let mut found = Vec::new();
        loop {
            let names = on.kernel.next_names(&listed).expect("names");
            if names.is_empty() {
                break;
            }
            found.extend(names);
        }
        assert_eq!(on.kernel.next_names(&listed), Ok(Vec::new()));
        assert_eq!(on.kernel.rewind(&listed), Ok(()));
        assert!(on.kernel.next_names(&listed).is_ok_and(|names| !names.is_empty()), "it begins again");
        found.sort_by(|a, b| a.name.cmp(&b.name));
        found.dedup();
        assert_eq!(found.len(), 502);
        let kind = |name: &str| found.iter().find(|listed| listed.name == name).and_then(|listed| listed.kind);
        assert!(matches!(kind("link"), None | Some(Kind::Symlink)));
        assert!(matches!(kind("sub"), None | Some(Kind::Directory)));
        let path = on.open(".", OFlags::PATH).expect("the directory");
        assert_eq!(on.kernel.next_names(&path), Err(Errno::BADF));
    }

    /// No more is left to users than to root, of bytes and of inodes; a quota is told, or there is none.
    fn what_is_left_is_told(on) {
        let path = on.open(".", OFlags::PATH).expect("the directory");
        for handle in [&on.dir, &path] {
            let room = on.kernel.room(handle).expect("room");
            assert!(room.block > 0 && room.free_to_users <= room.free && room.files_free <= room.files, "{room:?}");
            match on.kernel.quota(handle, QuotaOf::User(0)) {
                Ok(quota) => assert!(quota.limit == 0 || quota.soft_limit <= quota.limit, "{quota:?}"),
                Err(errno) => assert!(
                    [Errno::SRCH, Errno::NOSYS, Errno::OPNOTSUPP, Errno::INVAL].contains(&errno),
                    "{errno}"
                ),
            }
        }
    }

    /// Two handles of one file say so; their filesystem has a magic number.
    fn identity_is_device_and_inode(on) {
        let one = on.file("f", b"");
        let two = on.open("f", OFlags::RDONLY).expect("the file");
        assert!(on.stat(&one).is_same_file(&on.stat(&two)));
        assert!(!on.stat(&one).is_same_file(&on.stat(&on.file("other", b""))));
        assert_eq!(on.kernel.filesystem(&one), on.kernel.filesystem(&on.dir));
        assert!(on.kernel.filesystem(&one).is_ok_and(|magic| magic != 0));
    }
}

fn on_every_ground(claim: &impl Claim) {
    rustix::process::umask(Mode::from_raw_mode(0o022));
    let here = tempfile::tempdir().expect("a temporary directory");
    on_linux(claim, here.path());
    for (name, path) in filesystems() {
        eprintln!("on {name}");
        on_linux(claim, tempfile::tempdir_in(path).expect("a writable test filesystem").path());
    }
    on_sim(claim, System::honest(EXT4_MAGIC, false));
    on_sim(claim, System::honest(BTRFS_MAGIC, true));
    on_sim(claim, System::zfs(Zfs { version: (2, 1, 16), next_sync: true, cloning: false, wait_dirty: false }));
    on_sim(claim, System::zfs(Zfs { version: (2, 4, 4), next_sync: true, cloning: true, wait_dirty: true }));
}

/// What SAFECP_TEST_FILESYSTEMS names.
fn filesystems() -> Vec<(String, PathBuf)> {
    let named = std::env::var("SAFECP_TEST_FILESYSTEMS").unwrap_or_default();
    let pairs = named.split(',').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').expect("name=/path"))
        .map(|(name, path)| (name.to_owned(), path.into()))
        .collect()
}

fn on_linux(claim: &impl Claim, path: &Path) {
    let kernel = Linux::new();
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    let dir = kernel.open(None, path, flags, Mode::empty(), ResolveFlags::empty()).expect("the test directory");
    let (reflink, xattr, tmpfile) =
        (can_reflink(&kernel, &dir), can_xattr(&kernel, &dir), unnamed(&kernel, &dir).is_ok());
    claim.holds(&Ground { kernel: &kernel, dir, reflink, tmpfile, xattr });
}

fn unnamed(kernel: &Linux, dir: &<Linux as Kernel>::File) -> Result<<Linux as Kernel>::File, Errno> {
    let (flags, mode) = (OFlags::TMPFILE | OFlags::RDWR, Mode::from_raw_mode(0o600));
    kernel.open(Some(dir), Path::new("."), flags, mode, ResolveFlags::empty())
}

/// Whether the filesystem of a directory shares blocks. XFS does or does not as it was made, so the
/// kernel itself is asked, with files apart.
fn can_reflink(kernel: &Linux, dir: &<Linux as Kernel>::File) -> bool {
    match (unnamed(kernel, dir), unnamed(kernel, dir)) {
        (Ok(source), Ok(target)) => {
            kernel.pwrite(&source, b"x", 0).and_then(|_| kernel.ficlone(&target, &source)).is_ok()
        }
        _ => false,
    }
}

/// Whether the filesystem of a directory stores attributes of users (tmpfs does since Linux 6.6).
fn can_xattr(kernel: &Linux, dir: &<Linux as Kernel>::File) -> bool {
    let name = OsStr::new("user.safecp.probe");
    kernel.set_xattr(dir, name, b"").and_then(|()| kernel.remove_xattr(dir, name)).is_ok()
}

fn on_sim(claim: &impl Claim, system: System) {
    let kernel = Sim::new(World::new(1, vec![system]));
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    let open = |path: &str| kernel.open(None, Path::new(path), flags, Mode::empty(), ResolveFlags::empty());
    kernel
        .mkdir(&open("/").expect("the root"), Path::new("test"), Mode::from_raw_mode(0o755))
        .expect("a new directory");
    let dir = open("test").expect("the test directory");
    claim.holds(&Ground { kernel: &kernel, dir, reflink: system.reflink, tmpfile: system.tmpfile, xattr: true });
}
