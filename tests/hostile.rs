//! While a copy runs, somebody else swaps names in its trees for links to what lies outside, pipes, devices and other
//! files: whatever is hit, the rules in `hostile/rules.rs` hold. The same for install, and for mv, which renames, or copies
//! where it cannot.
//!
//! An attempt is one swap, there and back, while a copy was running. SAFECP_HOSTILE_ATTEMPTS and SAFECP_HOSTILE_SEED
//! make a campaign longer or another one; SAFECP_HOSTILE_TRIAL=<seed> plays one trial again, which may go otherwise.
//! SAFECP_TEST_BINARY names any cp to test, with `ginstall` and `mv` beside it: what is broken by one that is not safecp is
//! counted and is no failure.
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
#[path = "hostile/stage.rs"]
mod stage;
#[path = "hostile/stranger.rs"]
mod stranger;
#[path = "hostile/trial.rs"]
mod trial;

use campaign::{Summary, campaign};
use common::asked::{fresh_seed, introduced, number, program, variable};
use common::{has_tool, is_root, left_out, open_to_all};
use orders::Order;
use rustix::process::{Resource, Rlimit};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use trial::{Bench, Scene};

/// No file of a stage is nearly as large: who copies from a device without end is stopped by this.
const FILE_SIZE_MAX: u64 = 64 << 20;

/// Attempts of an ordinary `cargo test`, as cp, and as install and mv.
const ATTEMPTS: u64 = 3_000;
const ATTEMPTS_OF_STAND_INS: u64 = 1_500;

/// No swap makes a copy break a rule.
#[test]
fn no_swap_breaks_a_rule() {
    play(Order::all, ATTEMPTS);
}

/// Nor what safecp does as install and as mv.
#[test]
fn no_swap_breaks_a_rule_of_install_or_mv() {
    play(Order::stand_ins, ATTEMPTS_OF_STAND_INS);
}

fn play(orders: impl Fn(bool) -> Vec<Order>, attempts: u64) {
    let program = program();
    let name = introduced(&program);
    let is_ours = name.starts_with("safecp");
    let mut orders = orders(is_ours);
    orders.retain(|order| order.called(&program, is_ours).0.exists());
    if orders.is_empty() {
        return left_out("needs GNU's install and mv beside its cp");
    }
    let open = tempfile::Builder::new().prefix("hostile-program-").tempdir().expect("a directory for the program");
    fs::set_permissions(open.path(), fs::Permissions::from_mode(0o755)).expect("chmod");
    let program = if is_ours { open_to_all(&program, open.path()) } else { program };
    let bench = bench(program, is_ours, orders);
    let base = number("SAFECP_HOSTILE_SEED").unwrap_or_else(fresh_seed);
    println!("{name}; SAFECP_HOSTILE_SEED={base}");
    let attempts = number("SAFECP_HOSTILE_ATTEMPTS").unwrap_or(attempts);
    let summary = match number("SAFECP_HOSTILE_TRIAL") {
        Some(seed) => again(seed, &bench),
        None => campaign(&bench, base, attempts),
    };
    summary.print(base);
    assert!(summary.runs_broken == 0 || !is_ours, "rules were broken, see above");
}

fn bench(program: PathBuf, is_ours: bool, orders: Vec<Order>) -> Bench {
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
    let may_mount = is_root() && can_mount();
    if !may_mount && orders.iter().any(Order::moves) {
        left_out("moves that have to copy: need root and mounts");
    }
    Bench { program, is_ours, places, orders, has_strace: has_tool("strace"), may_mount, devices }
}

fn can_mount() -> bool {
    let mut trial = Command::new("unshare");
    trial.args(["--mount", "--", "mount", "--bind", "/tmp", "/tmp"]);
    trial.output().is_ok_and(|output| output.status.success())
}

/// The same trial, many times: what the intruder does is the same, when it falls is not.
fn again(seed: u64, bench: &Bench) -> Summary {
    let scene = Scene::draw(seed, bench);
    let mut summary = Summary::default();
    (0..200).for_each(|_| summary.count(&scene, &scene.play(bench)));
    summary
}
