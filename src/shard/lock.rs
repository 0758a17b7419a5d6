//! Which runs may work on the records at the same time: each share once, and an end by itself.
//!
//! A share has its log locked, and the plan together with all others; an end has the plan for itself, so that it holds one file
//! and not one for each share. Death unlocks.

use super::Number;
use super::state::State;
use crate::error::{Action, Error, reason};
use crate::kernel::{Errno, Kernel};
use crate::quote::quoted;
use crate::report::{Event, Listener};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often what somebody else has locked is tried.
const AGAIN: Duration = Duration::from_millis(500);

/// What an answer of the kernel means: whether the file is locked now, or somebody else has it. `shown` is its name in messages.
pub(super) fn is_locked(answer: crate::kernel::Result<()>, shown: &Path) -> Result<bool, Error> {
    match answer {
        Ok(()) => Ok(true),
        Err(Errno::AGAIN) => Ok(false),
        // Without locks two runs of one share would take each other's files for old ones.
        Err(errno) => {
            let (shown, reason) = (quoted(shown), reason(errno));
            let way = "keep records on another filesystem by --state=DIR";
            Err(Error::Refused(format!("cannot lock {shown}: {reason}; {way}")))
        }
    }
}

/// Opens a share's log and the plan, and locks them. Waits as long as another run of the share, or an end, goes on. Both stay
/// locked until they are closed.
pub(super) fn begin_share<K: Kernel>(
    state: &State<'_, K>,
    Number { number, count }: Number,
    stop: &AtomicBool,
    listener: &dyn Listener,
) -> Result<(K::File, K::File), Error> {
    let (kernel, shown, name) = (state.kernel, state.shown_log(number), number.to_string());
    let removed = || Error::Refused(format!("{} was removed: the copy is finished", quoted(&shown)));
    let (mut log, mut told) = (state.lines(&name)?, None);
    loop {
        let why = if is_locked(kernel.lock(&log), &shown)? {
            if kernel.stat(&log).map_err(|errno| Error::call(Action::Read, &shown, errno))?.nlink == 0 {
                return Err(removed());
            }
            if let Some(plan) = share_plan(state)? {
                return Ok((log, plan));
            }
            "the copy is being finished; waiting for the end of that".to_owned()
        } else {
            format!("shard {number} of {count} is at work already; waiting for its end")
        };
        // An end that finds it locked would say that the share is at work.
        drop(log);
        if told.as_ref() != Some(&why) {
            listener.hear(&Event::Noted(&why));
            told = Some(why);
        }
        if stop.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        kernel.pause(AGAIN);
        log = state.more_lines(&name)?.ok_or_else(removed)?;
    }
}

/// The plan, locked together with shares; `None` while an end is at work.
pub(super) fn share_plan<K: Kernel>(state: &State<'_, K>) -> Result<Option<K::File>, Error> {
    let (plan, shown) = state.plan_file()?;
    Ok(is_locked(state.kernel.lock_shared(&plan), &shown)?.then_some(plan))
}

/// The plan, locked for an end; `None` while anybody else is at work. Fails if another end has come to its own, or has died on
/// the way, since the state was opened.
pub(super) fn take_plan<K: Kernel>(state: &State<'_, K>) -> Result<Option<K::File>, Error> {
    let (plan, shown) = state.plan_file()?;
    if !is_locked(state.kernel.lock(&plan), &shown)? {
        return Ok(None);
    }
    state.plan_file()?;
    state.check_place()?;
    Ok(Some(plan))
}
