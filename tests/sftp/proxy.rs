//! Somebody in the middle: an SFTP server of this machine whose packets, in both directions, pass through a function first.
//!
//! What the client starts is a shell with two pipes that have names; at their other ends stand this process and the server.

use super::far::server;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// Which way a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    ToServer,
    ToClient,
}

/// What becomes of a packet, which is its type and what follows; false ends the connection.
pub(crate) type Meddling = Box<dyn FnMut(Direction, &mut Vec<u8>) -> bool + Send>;

/// The middle. Its threads end with the connection.
pub(crate) struct Proxy {
    up: PathBuf,
    down: PathBuf,
    threads: Vec<JoinHandle<()>>,
}

impl Proxy {
    pub(crate) fn start(dir: &Path, meddling: Meddling) -> Self {
        let [up, down] = ["up", "down"].map(|name| dir.join(name));
        for pipe in [&up, &down] {
            rustix::fs::mknodat(rustix::fs::CWD, pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("a pipe");
        }
        let mut child = Command::new(server().expect("a server"))
            .current_dir(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server runs");
        let (to_server, from_server) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
        let meddling = Arc::new(Mutex::new(meddling));
        let (first, second) = (Arc::clone(&meddling), meddling);
        let (from, to) = (up.clone(), down.clone());
        let upward = std::thread::spawn(move || {
            let input = File::open(from).expect("the pipe");
            pass(input, to_server, Direction::ToServer, &first);
        });
        let downward = std::thread::spawn(move || {
            let output = OpenOptions::new().write(true).open(to).expect("the pipe");
            pass(from_server, output, Direction::ToClient, &second);
            child.kill().expect("an end");
            child.wait().expect("an end");
        });
        Self { up, down, threads: vec![upward, downward] }
    }

    /// What the far end's script is to be.
    pub(crate) fn script(&self) -> String {
        // Nobody but the first cat holds the output, so that its end is seen.
        let (down, up) = (self.down.display(), self.up.display());
        format!("exec 3>&1 >/dev/null; cat <{down} >&3 3>&- & exec 3>&-; cat >{up}; wait")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        for thread in self.threads.drain(..) {
            thread.join().expect("the middle does not panic");
        }
    }
}

fn pass(mut input: impl Read, mut output: impl Write, direction: Direction, meddling: &Mutex<Meddling>) {
    let mut length = [0; 4];
    while input.read_exact(&mut length).is_ok() {
        let mut packet = vec![0; u32::from_be_bytes(length) as usize];
        if input.read_exact(&mut packet).is_err() {
            return;
        }
        if !(meddling.lock().expect("no panic"))(direction, &mut packet) {
            return;
        }
        let length = u32::try_from(packet.len()).expect("a packet").to_be_bytes();
        if output.write_all(&length).and_then(|()| output.write_all(&packet)).is_err() {
            return;
        }
    }
}
