//! What a peer says: any bytes as a stream, and any bytes as the heads of frames that are sound. What is read is bounded, says the
//! same when it is written again, and no name in it leads out of a directory unless it is an operand's.

use super::input::Input;
use safecp::remote::frame::{self, BODY_MAX, Frame, HEAD_MAX};
use safecp::remote::message::{Message, is_component};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

pub(crate) fn check(bytes: &[u8]) {
    let mut stream = bytes;
    while let Ok(frame) = frame::read(&mut stream) {
        assert!(frame.head.len() <= HEAD_MAX && frame.body.len() <= BODY_MAX);
        understand(frame);
    }
    let mut input = Input::new(bytes);
    let kind = input.byte() % 16;
    let body = if input.byte() % 4 == 0 { vec![input.byte()] } else { Vec::new() };
    let head: Vec<u8> = std::iter::from_fn(|| (!input.is_empty()).then(|| input.byte())).collect();
    let mut framed = Vec::new();
    frame::write(&mut framed, kind, &head, &body).expect("a frame of few bytes");
    let frame = frame::read(&mut &framed[..]).expect("what was written");
    assert_eq!((frame.kind, &frame.head, &frame.body), (kind, &head, &body));
    understand(frame);
    let is_plain = |name: &[u8]| !name.contains(&b'/') && !name.contains(&0) && name != b".." && name != b".";
    assert!(!is_component(OsStr::from_bytes(&head)) || is_plain(&head) && !head.is_empty());
}

fn understand(frame: Frame) {
    let Ok(message) = Message::read(frame.clone()) else { return };
    let (kind, head, body) = message.write();
    assert_eq!((kind, head, body), (frame.kind, frame.head, &frame.body[..]), "{message:?}");
}
