//! What an SFTP server sends: any bytes are read or refused, and no more is kept of them than came.

use super::input::Input;
use safecp::sftp::wire::{self, Access, Answer, Attrs, Request};

pub(crate) fn check(bytes: &[u8]) {
    stream(bytes);
    packet(bytes);
    request(bytes);
}

/// Packets one after the other, until there is an error: there is one at the end.
fn stream(bytes: &[u8]) {
    let mut rest = bytes;
    loop {
        let before = rest.len();
        let Ok((kind, body)) = wire::read_packet(&mut rest) else { return };
        assert_eq!(before - rest.len(), body.len() + 5);
        assert!(body.len() < wire::PACKET_MAX);
        // Either is read or refused.
        drop(wire::version(kind, &body));
        drop(wire::answer(kind, body));
    }
}

/// One packet, whose type is chosen so that all are met.
fn packet(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let kind = [2, 101, 102, 103, 104, 105, 201, 7][usize::from(input.byte()) % 8];
    let body = bytes.get(1..).unwrap_or_default();
    if let Ok((_, extensions)) = wire::version(kind, body) {
        assert!(extensions.iter().map(|name| name.len() + 8).sum::<usize>() <= body.len());
    }
    let Ok((id, answer)) = wire::answer(kind, body.to_vec()) else { return };
    assert_eq!(id.to_be_bytes(), body[..4]);
    match answer {
        Answer::Status(_, words) => assert!(kind == 101 && words.len() <= 900),
        Answer::Handle(handle) => assert!(handle.len() <= 256 && body.ends_with(&handle)),
        Answer::Data(data) => assert!(data.len() + 8 == body.len() && body.ends_with(&data)),
        Answer::Names(names) => {
            let least = names.iter().map(|entry| entry.name.len() + 12).sum::<usize>() + 8;
            assert!(least <= body.len());
        }
        Answer::Attrs(attrs) => assert_eq!(attrs == Attrs::default(), body[4] & 0x7f == 0 && body[7] & 15 == 0),
        Answer::Extended(rest) => assert_eq!(rest, body[4..]),
    }
}

/// What we send has the length that it says, and whatever it carries at its end.
fn request(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let (kind, number) = (input.byte(), input.number());
    let path = input.until(0);
    let attrs = Attrs { size: None, owner: None, mode: Some(0o600), times: (kind & 64 != 0).then_some((1, 2)) };
    let request = match kind % 7 {
        0 => Request::Open(path, Access::Create, attrs),
        1 => Request::Write(b"handle", number, path),
        2 => Request::Read(path, number, 7),
        3 => Request::Setstat(path, attrs),
        4 => Request::PosixRename(path, b"to"),
        5 => Request::Fsync(path),
        _ => Request::Lstat(path),
    };
    let packet = [&request.head(9), request.payload()].concat();
    let (kind, body) = wire::read_packet(&mut &packet[..]).expect("a packet");
    assert_eq!(body.len() + 5, packet.len());
    assert!((3..=18).contains(&kind) || kind == 200);
    assert_eq!(body[..4], 9u32.to_be_bytes());
    assert!(path.is_empty() || body.windows(path.len()).any(|window| window == path));
}
