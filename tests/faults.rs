//! Whatever fails: nothing wrong is called right, and nothing old is lost.
//!
//! Real runs on the real kernel, in which strace makes system calls fail or lie (`matrix`), in which the program is
//! killed (`kill`), and in which there is no room (`space`). What came out is judged by std and rustix alone.
//! tests/faults/run makes filesystems for it and runs it whole; `cargo test` runs a small sample.
//!
//! SAFECP_TEST_BINARY names another safecp. SAFECP_FAULTS_CASES is the number of cases of each part, or `all`;
//! SAFECP_FAULTS_SEED chooses them (otherwise fresh, and printed); SAFECP_FAULTS_ONLY runs those whose description
//! has these words. SAFECP_FAULTS_TOOLS=name=path,... compares other programs instead.
//! SAFECP_TEST_FILESYSTEMS=name=directory,... is where worlds are made, besides the directory of temporary files.

#[path = "common/asked.rs"]
#[allow(dead_code, reason = "this program uses a part")]
mod asked;
#[path = "faults/campaign.rs"]
mod campaign;
#[path = "faults/comparison.rs"]
mod comparison;
#[path = "faults/fault.rs"]
mod fault;
#[path = "faults/judge.rs"]
mod judge;
#[path = "faults/kill.rs"]
mod kill;
#[path = "faults/list.rs"]
mod list;
#[path = "faults/lives.rs"]
mod lives;
#[path = "faults/look.rs"]
mod look;
#[path = "faults/matrix.rs"]
mod matrix;
#[path = "faults/places.rs"]
mod places;
#[path = "sim/random.rs"]
#[allow(dead_code, unreachable_pub, reason = "the simulator's; this program uses a part")]
mod random;
#[path = "common/reference.rs"]
mod reference;
#[path = "faults/scenario.rs"]
mod scenario;
#[path = "faults/space.rs"]
mod space;
#[path = "faults/tool.rs"]
mod tool;
#[path = "faults/trace.rs"]
mod trace;
#[path = "common/tree.rs"]
#[allow(dead_code, reason = "this program uses a part")]
mod tree;
#[path = "common/xattrs.rs"]
mod xattrs;

use asked::variable;
use campaign::Size;
use places::{places, places_with_parts};
use scenario::{LISTS, PARTS, SCENARIOS};
use std::io::Write;

/// Whether strace is there and may trace; where not, that is said around the runner's capture.
fn can_trace() -> bool {
    let tried = std::process::Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).status();
    let can = tried.is_ok_and(|status| status.success());
    if !can {
        say("left out: faults: there is no strace, or it may not trace");
    }
    can
}

fn say(line: &str) {
    writeln!(std::io::stderr(), "{line}").expect("standard error");
}

/// Every system call of a copy fails or lies.
#[test]
fn matrix() {
    if can_trace() && variable("SAFECP_FAULTS_TOOLS").is_none() {
        matrix::run(&Size::asked(300), SCENARIOS, &places()).conclude("matrix");
    }
}

/// Every system call of a copy that keeps what it has of a long file fails or lies, and the next run goes on.
#[test]
fn parts() {
    if can_trace() && variable("SAFECP_FAULTS_TOOLS").is_none() {
        matrix::run(&Size::of_long_files(6), PARTS, &places_with_parts()).conclude("parts");
    }
}

/// Death of such a copy at every system call, and at any time under load.
#[test]
fn parts_kill() {
    if can_trace() && variable("SAFECP_FAULTS_TOOLS").is_none() {
        kill::run(&Size::of_long_files(4), PARTS, &places_with_parts()).conclude("parts_kill");
    }
}

/// GNU's cp lives through what `lives` asks of safecp.
#[test]
fn gnu_lives() {
    if !can_trace() || variable("SAFECP_FAULTS_TOOLS").is_some() {
        return;
    }
    match reference::reference() {
        Ok(path) => comparison::lives(&tool::Tool { name: "gnu".to_owned(), path }),
        Err(why) => say(&format!("left out: what GNU's cp lives through: {why}")),
    }
}

/// Death at every system call, and at any time under load.
#[test]
fn kill() {
    if can_trace() && variable("SAFECP_FAULTS_TOOLS").is_none() {
        kill::run(&Size::asked(150), SCENARIOS, &places()).conclude("kill");
    }
}

/// Every system call of a manifest, a check, a repair and what goes on after an interruption fails or lies.
#[test]
fn lists() {
    if can_trace() && variable("SAFECP_FAULTS_TOOLS").is_none() {
        matrix::run(&Size::asked(100), LISTS, &places()).conclude("lists");
    }
}

/// Death of these at every system call, and at any time under load.
#[test]
fn lists_kill() {
    if can_trace() && variable("SAFECP_FAULTS_TOOLS").is_none() {
        kill::run(&Size::asked(60), LISTS, &places()).conclude("lists_kill");
    }
}

/// Full disks, quotas, no inodes, limits on the size of a file.
#[test]
fn space() {
    if variable("SAFECP_FAULTS_TOOLS").is_none() {
        space::run(&Size::asked(100)).conclude("space");
    }
}

/// The matrix for other programs; only when asked for.
#[test]
fn compare() {
    if let Some(tools) = variable("SAFECP_FAULTS_TOOLS") {
        assert!(can_trace(), "needs strace");
        comparison::run(&tools, &Size::asked(2000));
    }
}
