//! The sources that are named before anything is sent: in as many messages as that takes.

use super::Sender;
use crate::kernel::Kernel;
use crate::remote::connection::{Feature, send, strange};
use crate::remote::frame::HEAD_MAX;
use crate::remote::message::Message;
use std::io::Result;
use std::path::PathBuf;

/// What the length of a string or of a list takes in a message.
const LENGTH: usize = 4;

impl<K: Kernel> Sender<'_, K> {
    /// Names the sources: in as many messages as that takes, where the receiver knows that there may be several.
    pub(super) fn say_operands(&mut self, operands: &[PathBuf]) -> Result<()> {
        let groups = grouped(operands);
        if groups.len() > 1 && !self.features.has(Feature::Operands) {
            let text = "the safecp there is too old for so many sources: name less at once";
            return Err(std::io::Error::new(std::io::ErrorKind::Unsupported, text));
        }
        let (last, first) = groups.split_last().ok_or_else(strange)?;
        // No receiver tells that it has taken them: they are no part of what may be on its way.
        for group in first {
            send(&mut self.output, &Message::MoreOperands(group.to_vec()))?;
        }
        send(&mut self.output, &Message::Operands(last.to_vec())).map(drop)
    }
}

/// Paths in groups, each of which a message holds; one of none.
fn grouped(paths: &[PathBuf]) -> Vec<&[PathBuf]> {
    let (mut groups, mut begin, mut size) = (Vec::new(), 0, 0);
    for (number, path) in paths.iter().enumerate() {
        size += path.as_os_str().len() + LENGTH;
        if size > HEAD_MAX - LENGTH {
            groups.push(&paths[begin..number]);
            (begin, size) = (number, path.as_os_str().len() + LENGTH);
        }
    }
    groups.push(&paths[begin..]);
    groups
}
