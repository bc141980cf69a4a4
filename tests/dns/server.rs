//! A name server on UDP port 53 of the test's own network: a table of names, lifetimes of zero, aliases followed as a resolver does.

use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr, UdpSocket};

const A: u16 = 1;
const CNAME: u16 = 5;
const AAAA: u16 = 28;

#[derive(Clone, Copy)]
pub enum Record {
    V4(&'static str),
    V6(&'static str),
    Alias(&'static str),
}

#[derive(Default)]
pub struct Zone {
    /// For each name its answers, one after the other; the last one stays. And how often its A record was asked for.
    names: HashMap<String, (Vec<Vec<Record>>, usize)>,
}

impl Zone {
    pub fn name(&mut self, name: &str, records: &[Record]) {
        self.name_changing(name, &[records]);
    }

    pub fn name_changing(&mut self, name: &str, answers: &[&[Record]]) {
        let answers = answers.iter().map(|records| records.to_vec()).collect();
        self.names.insert(name.to_owned(), (answers, 0));
    }

    /// The records for a name as a recursive resolver gives them: aliases first, then what they lead to. `None`: no such name.
    fn look_up(&mut self, name: &str, kind: u16) -> Option<Vec<(String, Record)>> {
        let (answers, asked) = self.names.get_mut(name)?;
        let records = answers[(*asked).min(answers.len() - 1)].clone();
        *asked += usize::from(kind == A);
        let mut found = Vec::new();
        for record in records {
            match (record, kind) {
                (Record::Alias(to), _) => {
                    found.push((name.to_owned(), record));
                    found.extend(self.look_up(to, kind)?);
                }
                (Record::V4(_), A) | (Record::V6(_), AAAA) => found.push((name.to_owned(), record)),
                _ => {}
            }
        }
        Some(found)
    }
}

pub fn start(mut zone: Zone) {
    let socket = UdpSocket::bind("127.0.0.1:53").expect("port 53 of the test's own network");
    std::thread::spawn(move || {
        let mut packet = [0; 512];
        loop {
            let (length, peer) = socket.recv_from(&mut packet).unwrap();
            socket
                .send_to(&reply(&packet[..length], &mut zone), peer)
                .unwrap();
        }
    });
}

/// Header, the question as it came, then the answers (RFC 1035 §4.1).
fn reply(query: &[u8], zone: &mut Zone) -> Vec<u8> {
    let mut labels = Vec::new();
    let mut at = 12;
    while query[at] != 0 {
        let end = at + 1 + usize::from(query[at]);
        labels.push(String::from_utf8_lossy(&query[at + 1..end]).to_lowercase());
        at = end;
    }
    let question = &query[12..at + 5];
    let kind = u16::from_be_bytes([query[at + 1], query[at + 2]]);
    let found = zone.look_up(&labels.join("."), kind);
    let no_such_name = u8::from(found.is_none()) * 3;
    let found = found.unwrap_or_default();
    let mut packet = query[..2].to_vec();
    packet.extend([
        0x81,
        0x80 | no_such_name,
        0,
        1,
        0,
        found.len().try_into().unwrap(),
        0,
        0,
        0,
        0,
    ]);
    packet.extend(question);
    for (name, record) in found {
        write_record(&mut packet, &name, record);
    }
    packet
}

fn write_record(packet: &mut Vec<u8>, name: &str, record: Record) {
    let (kind, data) = match record {
        Record::V4(text) => (A, text.parse::<Ipv4Addr>().unwrap().octets().to_vec()),
        Record::V6(text) => (AAAA, text.parse::<Ipv6Addr>().unwrap().octets().to_vec()),
        Record::Alias(to) => (CNAME, wire_name(to)),
    };
    packet.extend(wire_name(name));
    packet.extend(kind.to_be_bytes());
    // Class IN, lifetime zero.
    packet.extend([0, 1, 0, 0, 0, 0]);
    packet.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
    packet.extend(data);
}

fn wire_name(name: &str) -> Vec<u8> {
    let mut wire = Vec::new();
    for label in name.split('.') {
        wire.push(label.len().try_into().unwrap());
        wire.extend(label.as_bytes());
    }
    wire.push(0);
    wire
}
