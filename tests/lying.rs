//! safecp over a filesystem that lies: what it calls right is right, whatever it was told.
//!
//! A FUSE filesystem in memory lies about holes, sizes, sectors, bytes read and bytes written, by a seed; the source lies
//! on it, or the target, or both. After each run the store is asked directly what it holds, and `lying/oracle.rs` says what
//! that is worth. Needs /dev/fuse and unshare(1), as root or with user namespaces.
//!
//! SAFECP_LYING_CASES and SAFECP_LYING_SEED (a number) make a campaign longer or another one; SAFECP_LYING_CASE=<seed> runs
//! one case and shows all of it. SAFECP_TEST_BINARY names another program: with GNU's cp, broken rules are counted only.

#[path = "lying/answers.rs"]
mod answers;
#[path = "common/asked.rs"]
#[allow(dead_code, reason = "this program uses a part")]
mod asked;
#[path = "lying/campaign.rs"]
mod campaign;
#[path = "lying/case.rs"]
mod case;
#[path = "lying/filesystem.rs"]
mod filesystem;
#[path = "lying/found.rs"]
mod found;
#[path = "lying/lies.rs"]
mod lies;
#[path = "lying/mount.rs"]
mod mount;
#[path = "lying/oracle.rs"]
mod oracle;
#[path = "sim/random.rs"]
#[allow(dead_code, unreachable_pub, reason = "the simulator's; this program uses a part")]
mod random;
#[path = "lying/store.rs"]
mod store;
#[path = "lying/trial.rs"]
mod trial;
#[path = "lying/watch.rs"]
mod watch;

use asked::{fresh_seed, introduced, number, program};
use campaign::{campaign, described};
use case::generate;
use mount::{Aside, Mounts, aside};
use oracle::Class;
use std::io::Write;
use std::path::Path;
use std::time::Duration;
use trial::Bench;
use watch::Watch;

/// Cases of an ordinary `cargo test`, or as many of them as fit into the time.
const CASES: u64 = 3000;
const TIME: Duration = Duration::from_secs(10);

/// From so many cases on, every lie has to have been told.
const CASES_FOR_EVERY_LIE: u64 = 2000;

/// Whatever the filesystem says, exit 0 is said of the right bytes, and a failure is said and leaves the old target.
#[test]
fn nothing_wrong_is_called_right() {
    match aside("nothing_wrong_is_called_right") {
        Aside::Here => on_bench(judge),
        Aside::Ran(said, passed) => {
            println!("{said}");
            assert!(passed, "see above; SAFECP_LYING_CASE=<seed> shows a case again");
        }
        Aside::Impossible(why) => left_out(&why),
    }
}

/// What safecp knows a filesystem by is the kernel's own word: statfs(2) of a FUSE filesystem never has the magic number of
/// one that is believed, whatever its server answers.
#[test]
fn a_liar_cannot_call_itself_honest() {
    match aside("a_liar_cannot_call_itself_honest") {
        Aside::Impossible(why) => left_out(&why),
        Aside::Ran(said, passed) => assert!(passed, "{said}"),
        Aside::Here => on_bench(|bench| {
            for mount in [&bench.mounts.through, &bench.mounts.back] {
                assert_eq!(rustix::fs::statfs(mount).expect("statfs").f_type, 0x6573_5546);
            }
        }),
    }
}

/// The same seed makes the same case, and another seed another.
#[test]
fn cases_repeat_themselves() {
    let text = |seed| format!("{:?}", generate(seed, false));
    for seed in 0..50 {
        assert_eq!(text(seed), text(seed), "seed {seed}");
        assert_ne!(text(seed), text(seed + 1), "seed {seed}");
    }
}

/// Says that there is no lying filesystem here. Goes around the runner's capture, so that it is always seen.
fn left_out(why: &str) {
    writeln!(std::io::stderr(), "left out: a lying filesystem: {why}").expect("standard error");
}

/// Mounts the filesystem, does the work, and takes it away again.
fn on_bench(work: impl FnOnce(&Bench<'_>)) {
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let directory = tempfile::Builder::new().prefix("safecp-lying").tempdir_in(place).expect("a directory");
    let mounts = Mounts::new(directory.path()).expect("a mount");
    let program = program();
    let watch = Watch::default();
    let bench = Bench { mounts: &mounts, watch: &watch, program: &program, is_gnu: is_gnu(&program) };
    // A panic in here must leave neither the watch standing nor the mounts in the directory's way.
    let result = std::thread::scope(|scope| {
        scope.spawn(|| watch.stand());
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(&bench)));
        watch.end();
        result
    });
    mounts.end().expect("an unmount");
    drop(directory);
    result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

fn judge(bench: &Bench<'_>) {
    if let Some(seed) = number("SAFECP_LYING_CASE") {
        let case = generate(seed, bench.is_gnu);
        let (ended, verdict) = bench.judge(&case, if bench.is_gnu { &[] } else { &["--debug"] });
        println!("{}\n{}", described(&case, &ended, &verdict), ended.stdout);
        assert!(!matches!(verdict.class, Class::Broken(_)), "a rule is broken, see above");
        return;
    }
    let base = number("SAFECP_LYING_SEED").unwrap_or_else(fresh_seed);
    let (cases, time) = number("SAFECP_LYING_CASES").map_or((CASES, TIME), |cases| (cases, Duration::MAX));
    let summary = campaign(bench, base, cases, time);
    for broken in summary.broken.iter().take(if bench.is_gnu { 3 } else { usize::MAX }) {
        println!("{broken}");
    }
    summary.print(base);
    if bench.is_gnu {
        return println!("{} is GNU's: counted only", bench.program.display());
    }
    assert!(summary.broken.is_empty(), "rules are broken, see above");
    let never = summary.never_told(lies::OF_RANGES);
    assert!(summary.cases < CASES_FOR_EVERY_LIE || never.is_empty(), "never told: {never:?}");
}

fn is_gnu(program: &Path) -> bool {
    introduced(program).starts_with("cp (GNU coreutils)")
}
