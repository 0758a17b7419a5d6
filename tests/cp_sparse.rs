//! Holes: where the target has them, by --sparse, on each filesystem; and that a huge file of little data costs the data.

mod common;
use common::{World, filesystems, left_out, random_bytes};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

const MIB: u64 = 1 << 20;

/// What filesystems may round up to, all pieces together.
const SLACK: u64 = MIB;

/// Does this in a world on each filesystem.
fn on_each(test: impl Fn(&World, &str)) {
    for filesystem in filesystems() {
        test(&World::within(&filesystem.path), &filesystem.name);
    }
}

/// A file of 32 MiB with a MiB of data in the middle.
fn with_an_island(world: &World) {
    world.sparse("a", 32 * MIB, &[(16 * MIB, &random_bytes(MIB as usize, 1))]);
}

#[test]
fn auto_keeps_holes() {
    on_each(|world, name| {
        with_an_island(world);
        for option in ["", "--sparse=auto", "--reflink=never", "-a", "--verify=none"] {
            world.cp(&format!("{option} a b --remove-destination")).succeeds();
            assert!(world.same_bytes("a", "b"), "{name} {option}");
            let allocated = world.allocated("b");
            assert!((MIB..=MIB + SLACK).contains(&allocated), "{name} {option}: {allocated}");
        }
    });
}

#[test]
fn holes_at_the_start_and_the_end_are_kept() {
    on_each(|world, name| {
        world.sparse("start", 8 * MIB, &[(8 * MIB - 5, b"tail!")]).sparse("end", 8 * MIB + 1, &[(0, b"head")]);
        world.dir("d").cp("start end d").succeeds();
        for file in ["start", "end"] {
            assert!(world.same_bytes(file, &format!("d/{file}")), "{name} {file}");
            assert!(world.allocated(&format!("d/{file}")) <= SLACK, "{name} {file}");
        }
    });
}

#[test]
fn a_file_that_is_all_hole_keeps_its_size() {
    on_each(|world, name| {
        world.sparse("a", 1_000_000_007, &[]).cp("a b").succeeds();
        assert_eq!(world.stat("b").len(), 1_000_000_007, "{name}");
        assert!(world.allocated("b") <= SLACK, "{name}");
    });
}

#[test]
fn always_makes_holes_of_zeros() {
    on_each(|world, name| {
        let mut content = vec![0; 16 << 20];
        content[9 << 20..10 << 20].copy_from_slice(&random_bytes(1 << 20, 2));
        world.file("a", &content).cp("--sparse=always --reflink=never a b").succeeds();
        assert!(world.same_bytes("a", "b"), "{name}");
        let allocated = world.allocated("b");
        assert!((MIB..=MIB + SLACK).contains(&allocated), "{name}: {allocated}");
    });
}

#[test]
fn always_makes_a_hole_of_zeros_at_the_end() {
    on_each(|world, name| {
        world
            .file("a", [b"head".to_vec(), vec![0; 5_000_000]].concat())
            .cp("--sparse=always --reflink=never a b")
            .succeeds();
        assert!(world.same_bytes("a", "b"), "{name}");
        assert!(world.allocated("b") <= SLACK, "{name}");
    });
}

#[test]
fn never_fills_holes() {
    on_each(|world, name| {
        with_an_island(world);
        world.cp("--sparse=never a b").succeeds();
        assert!(world.same_bytes("a", "b"), "{name}");
        assert!(world.allocated("b") >= 32 * MIB, "{name}: {}", world.allocated("b"));
    });
}

#[test]
fn auto_makes_no_holes_that_the_source_has_not() {
    on_each(|world, name| {
        world.file("a", vec![0; 4 << 20]).cp("--reflink=never a b").succeeds();
        assert!(world.same_bytes("a", "b"), "{name}");
        assert!(world.allocated("b") >= 4 * MIB, "{name}: {}", world.allocated("b"));
    });
}

#[test]
fn many_small_holes_are_kept() {
    on_each(|world, name| {
        let piece = random_bytes(65536, 3);
        let pieces: Vec<_> = (0..100).map(|index| (index * 4 * 65536 + 65536, piece.as_slice())).collect();
        world.sparse("a", 100 * 4 * 65536, &pieces).cp("--reflink=never a b").succeeds();
        assert!(world.same_bytes("a", "b"), "{name}");
        assert!(world.allocated("b") <= world.allocated("a") + SLACK, "{name}: {}", world.allocated("b"));
    });
}

#[test]
fn overwriting_a_dense_file_in_place_leaves_nothing_of_it() {
    on_each(|world, name| {
        with_an_island(world);
        for option in ["--sparse=auto", "--sparse=always", "--sparse=never", "--reflink=never"] {
            world.random("b", 40 << 20, 4).cp(&format!("--in-place {option} a b")).succeeds();
            assert!(world.same_bytes("a", "b"), "{name} {option}");
        }
    });
}

#[test]
fn unwritten_space_is_copied_as_zeros() {
    on_each(|world, name| {
        let file = world.sparse("a", 0, &[]).path("a");
        let file = File::options().write(true).open(file).expect("open");
        if rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, 8 * MIB).is_err() {
            return left_out(&format!("{name} cannot allocate space beforehand"));
        }
        file.write_all_at(b"island", 3 * MIB).expect("write");
        for option in ["", "--sparse=always", "--sparse=never", "--reflink=never"] {
            world.cp(&format!("{option} a b")).succeeds();
            assert!(world.same_bytes("a", "b"), "{name} {option}");
        }
    });
}

#[test]
fn a_huge_file_of_little_data_costs_its_data() {
    // Where a filesystem's hole map may be believed, the contract says that a hole both sides report is not read.
    for name in ["ext4", "xfs", "btrfs", "tmpfs"] {
        let Some(world) = World::on(name) else { continue };
        let (size, piece) = (1_u64 << 40, random_bytes(16 << 20, 5));
        let pieces = [(0, piece.as_slice()), (1 << 39, piece.as_slice()), (size - (16 << 20), piece.as_slice())];
        world.sparse("a", size, &pieces);
        for option in ["", "--reflink=never"] {
            let started = Instant::now();
            world.cp(&format!("{option} --remove-destination a b")).succeeds();
            assert!(started.elapsed() < Duration::from_secs(30), "{name} {option}: {:?}", started.elapsed());
            assert_eq!(world.stat("b").len(), size, "{name} {option}");
            let allocated = world.allocated("b");
            assert!((48 * MIB..=48 * MIB + 4 * SLACK).contains(&allocated), "{name} {option}: {allocated}");
            let copy = File::open(world.path("b")).expect("open");
            for (offset, piece) in pieces {
                let mut seen = vec![0; piece.len()];
                copy.read_exact_at(&mut seen, offset).expect("read");
                assert!(seen == piece, "{name} {option}: differs at {offset}");
            }
        }
    }
}

#[test]
fn a_search_for_holes_that_cannot_be_had_means_that_all_is_read() {
    for name in ["ext4", "overlay"] {
        for errno in ["EINVAL", "ENOSYS", "EPERM", "EOVERFLOW", "EISDIR"] {
            let Some(world) = World::on(name) else { continue };
            with_an_island(&world);
            let fault = format!("lseek:error={errno}");
            let Some(traced) = world.cp_traced("lseek", &[&fault], "--reflink=never a b") else { return };
            assert!(traced.injected() > 0, "{name} {errno}");
            traced.output.succeeds();
            assert!(world.same_bytes("a", "b"), "{name} {errno}");
            assert!(world.allocated("b") <= MIB + SLACK, "{name} {errno}");
        }
    }
}

/// moby#5419: a container's lastlog.
#[test]
fn holes_on_an_overlay_of_honest_layers_are_not_read() {
    let Some(world) = World::on("overlay") else { return };
    let (list, release) = (std::fs::read_to_string("/proc/filesystems"), rustix::system::uname());
    let kernel = safecp::host::parse_release(&release.release().to_string_lossy());
    if !safecp::known::filesystems::only_honest_ones_tell_extents(&list.unwrap_or_default(), kernel) {
        return left_out("needs a kernel that was examined, and no filesystem that is not known to be honest");
    }
    world.sparse("a", 8 << 30, &[(7_000_000_000, b"island")]);
    for options in ["-a", "--verify=none", "--reflink=never"] {
        let words = format!("--remove-destination {options} a b");
        let Some(traced) = world.cp_traced("pread64", &[], &words) else { return };
        traced.output.succeeds();
        let read: u64 = traced.results("pread64").iter().sum();
        assert!(read < MIB, "{options}: {read} bytes were read");
        assert!(world.allocated("b") <= SLACK, "{options}");
    }
}

#[test]
fn without_hints_no_map_is_asked_and_every_byte_is_read() {
    let world = World::new();
    world.sparse("a", 4 << 20, &[(1 << 20, b"an island"), (3 << 20, b"another")]);
    let Some(traced) = world.cp_traced("lseek,ioctl,copy_file_range,pread64", &[], "--hints=never --jobs=1 a b") else {
        return;
    };
    traced.output.succeeds();
    assert!(world.same_bytes("a", "b"));
    let asks = ["SEEK_HOLE", "SEEK_DATA", "FICLONE", "copy_file_range"];
    assert!(asks.iter().all(|ask| !traced.calls.contains(ask)), "{}", traced.calls);
    // Source and target, from end to end.
    assert!(traced.results("pread64").iter().sum::<u64>() >= 2 * (4 << 20), "{}", traced.calls);
    world.cp("--hints=never --reflink=always a c").fails(
        "safecp: --reflink=always is a hint, which --hints=never does not use\nTry 'safecp --help' for more information.\n",
    );
}
