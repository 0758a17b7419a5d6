//! While a copy runs, somebody else swaps names in its trees for links to what lies outside, pipes, devices and other
//! files: whatever is hit, the rules in `hostile/rules.rs` hold.
//!
//! An attempt is one swap, there and back, while a copy was running. SAFECP_HOSTILE_ATTEMPTS and SAFECP_HOSTILE_SEED
//! make a campaign longer or another one; SAFECP_HOSTILE_TRIAL=<seed> plays one trial again, which may go otherwise.
//! SAFECP_TEST_BINARY names any cp to test: what is broken by one that is not safecp is counted and is no failure.
//! SAFECP_TEST_FILESYSTEMS says where. SAFECP_HOSTILE_DEVICES=1, for root where nothing else can be reached, plants
//! devices too.

mod common;

#[path = "hostile/campaign.rs"]
mod campaign;
#[path = "hostile/content.rs"]
mod content;
#[path = "hostile/intruder.rs"]
mod intruder;
#[path = "hostile/orders.rs"]
mod orders;
#[path = "sim/random.rs"]
#[allow(dead_code, unreachable_pub, reason = "the simulator's; this program uses a part")]
mod random;
#[path = "hostile/rules.rs"]
mod rules;
#[path = "hostile/snapshot.rs"]
mod snapshot;
#[path = "hostile/stage.rs"]
mod stage;
#[path = "hostile/stranger.rs"]
mod stranger;
#[path = "hostile/trial.rs"]
mod trial;

use campaign::{Summary, campaign};
use common::{has_tool, is_root, left_out};
use orders::Order;
use rustix::process::{Resource, Rlimit};
use std::path::PathBuf;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};
use trial::{Bench, Scene};

/// No file of a stage is nearly as large: who copies from a device without end is stopped by this.
const FILE_SIZE_MAX: u64 = 64 << 20;

/// Attempts of an ordinary `cargo test`.
const ATTEMPTS: u64 = 3_000;

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// No swap makes a copy break a rule.
#[test]
fn no_swap_breaks_a_rule() {
    let program = variable("SAFECP_TEST_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_safecp").to_owned());
    let (name, is_ours) = introduced(&program);
    let bench = bench(PathBuf::from(program), is_ours);
    let base = variable("SAFECP_HOSTILE_SEED").map_or_else(fresh_seed, |seed| seed.parse().expect("a number"));
    println!("{name}; SAFECP_HOSTILE_SEED={base}");
    let attempts = variable("SAFECP_HOSTILE_ATTEMPTS").map_or(ATTEMPTS, |count| count.parse().expect("a number"));
    let summary = match variable("SAFECP_HOSTILE_TRIAL") {
        Some(seed) => again(seed.parse().expect("a number"), &bench),
        None => campaign(&bench, base, attempts),
    };
    summary.print(base);
    assert!(summary.runs_broken == 0 || !is_ours, "rules were broken, see above");
}

/// What a program calls itself, and whether that is safecp.
fn introduced(program: &str) -> (String, bool) {
    let output = Command::new(program).arg("--version").output().unwrap_or_else(|error| panic!("{program}: {error}"));
    let name = String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned();
    let is_ours = name.starts_with("safecp");
    (name, is_ours)
}

fn bench(program: PathBuf, is_ours: bool) -> Bench {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    let limit = Rlimit { current: Some(FILE_SIZE_MAX), maximum: Some(FILE_SIZE_MAX) };
    rustix::process::setrlimit(Resource::Fsize, limit).expect("setrlimit");
    let devices = is_root() && variable("SAFECP_HOSTILE_DEVICES").is_some();
    if !is_root() {
        left_out("intruders and strangers of their own, and owners: needs root");
    } else if !devices {
        left_out("devices: needs SAFECP_HOSTILE_DEVICES, where nothing else can be reached");
    }
    let places = common::filesystems().into_iter().map(|filesystem| filesystem.path).collect();
    Bench { program, places, orders: Order::all(is_ours), has_strace: has_tool("strace"), devices }
}

fn fresh_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    now.as_secs() ^ u64::from(now.subsec_nanos()) << 32
}

/// The same trial, many times: what the intruder does is the same, when it falls is not.
fn again(seed: u64, bench: &Bench) -> Summary {
    let scene = Scene::draw(seed, bench);
    let mut summary = Summary::default();
    (0..200).for_each(|_| summary.count(&scene, &scene.play(bench)));
    summary
}
