//! The audit log: who had a code sent or checked, what was decided and why, in lines that each hold the hash of the one before, so that
//! none can be changed or taken out unseen. No code, no text and no number stands in it; a person is a keyed hash.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::id::{AccountId, VerificationId};
use super::time::UnixMs;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A code was asked for.
    Start,
    /// A code that did not arrive goes on by its next step, or does not.
    Fallback,
    /// A text of the account's own was asked for.
    Text,
    /// What was heard of its sending.
    Sent,
    /// A code was given back.
    Check,
    /// Its time was over.
    Expire,
    /// Its owner took it back.
    Cancel,
    /// Somebody lifted a block.
    Unblock,
}

/// What is written down of one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub at: UnixMs,
    pub account: AccountId,
    /// The name of the key that was used; empty where nobody asked for it.
    pub actor: String,
    pub action: Action,
    pub verification: Option<VerificationId>,
    /// A keyed hash of whom it is about.
    pub person: String,
    pub ip: Option<String>,
    pub verdict: String,
    pub reasons: Vec<String>,
}

/// Where the chain ends: how many lines there are, and the hash of the last.
#[derive(Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Head {
    pub count: u64,
    pub hash: [u8; 32],
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.count, hex(&self.hash))
    }
}

#[derive(Serialize)]
struct Line<'a> {
    seq: u64,
    at: String,
    account: &'a str,
    actor: &'a str,
    action: Action,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification: Option<String>,
    person: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip: Option<&'a str>,
    verdict: &'a str,
    reasons: &'a [String],
    prev: String,
}

/// What stands between a line's text and its own hash.
const HASH_MEMBER: &str = ",\"hash\":\"";
/// The member, 64 digits, a quotation mark and a bracket.
const TAIL_BYTES: usize = HASH_MEMBER.len() + 64 + 2;

impl Head {
    /// The last line's hash, as it stands in it.
    pub fn hash(&self) -> String {
        hex(&self.hash)
    }

    /// What `hash` shows, read back.
    pub fn parse(count: u64, hash: &str) -> Option<Self> {
        let digits = hash.as_bytes().chunks(2);
        let bytes: Option<Vec<u8>> = digits
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        let hash = bytes?.try_into().ok()?;
        Some(Self { count, hash })
    }

    /// One line more: its text, and where the chain ends then.
    pub fn appended(self, entry: &Entry) -> (String, Self) {
        let line = Line {
            seq: self.count + 1,
            at: entry.at.to_string(),
            account: entry.account.as_str(),
            actor: &entry.actor,
            action: entry.action,
            verification: entry.verification.map(|id| id.to_string()),
            person: &entry.person,
            ip: entry.ip.as_deref(),
            verdict: &entry.verdict,
            reasons: &entry.reasons,
            prev: hex(&self.hash),
        };
        let text = serde_json::to_string(&line).expect("texts and a number under text keys are always JSON");
        let hash: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        let body = text.strip_suffix('}').unwrap_or(&text);
        let next = Self {
            count: self.count + 1,
            hash,
        };
        (format!("{body}{HASH_MEMBER}{}\"}}", hex(&hash)), next)
    }
}

/// Where a chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("line {0} is no line of an audit log")]
    Form(u64),
    #[error("line {0} was changed: its hash is another")]
    Changed(u64),
    #[error("between line {0} and the one before it something was taken out or put in")]
    Cut(u64),
    #[error("the log ends with line {is}, and the store knows of {should}: the end is missing")]
    End { is: u64, should: u64 },
}

#[derive(Deserialize)]
struct Read {
    seq: u64,
    prev: String,
}

/// Goes through lines one by one. The first may be any: what is older is dropped after its time.
#[derive(Debug, Default)]
pub struct Check {
    lines: u64,
    head: Option<Head>,
}

impl Check {
    pub fn line(&mut self, line: &str) -> Result<(), Broken> {
        self.lines += 1;
        let form = Broken::Form(self.lines);
        let at = line
            .len()
            .checked_sub(TAIL_BYTES)
            .filter(|at| line.is_char_boundary(*at))
            .ok_or(form.clone())?;
        let (body, tail) = line.split_at(at);
        let told = tail
            .strip_prefix(HASH_MEMBER)
            .and_then(|tail| tail.strip_suffix("\"}"))
            .ok_or(form.clone())?;
        let text = format!("{body}}}");
        let read: Read = serde_json::from_str(&text).map_err(|_| form)?;
        let hash: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        if hex(&hash) != told {
            return Err(Broken::Changed(read.seq));
        }
        if let Some(head) = self.head
            && (read.seq != head.count + 1 || read.prev != hex(&head.hash))
        {
            return Err(Broken::Cut(read.seq));
        }
        self.head = Some(Head {
            count: read.seq,
            hash,
        });
        Ok(())
    }

    /// How many lines there were, if they end where the chain does; `None`: nobody knows where that is.
    pub fn end(&self, head: Option<Head>) -> Result<u64, Broken> {
        let is = self.head.unwrap_or_default();
        match head {
            Some(head) if is != head && (self.lines > 0 || head.count > 0) => Err(Broken::End {
                is: is.count,
                should: head.count,
            }),
            _ => Ok(self.lines),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(verdict: &str) -> Entry {
        Entry {
            at: UnixMs(1_793_534_400_000),
            account: AccountId::parse("acme").unwrap(),
            actor: "rb_live_0123".into(),
            action: Action::Check,
            verification: Some(VerificationId([0xab; 16])),
            person: "0123".into(),
            ip: None,
            verdict: verdict.into(),
            reasons: vec!["person_rate".into()],
        }
    }

    fn chain(count: usize) -> (Vec<String>, Head) {
        let (mut lines, mut head) = (Vec::new(), Head::default());
        for nth in 0..count {
            let (line, next) = head.appended(&entry(&format!("wrong {nth} \"}}")));
            lines.push(line);
            head = next;
        }
        (lines, head)
    }

    fn check(lines: &[String], head: Head) -> Result<u64, Broken> {
        let mut check = Check::default();
        lines.iter().try_for_each(|line| check.line(line))?;
        check.end(Some(head))
    }

    #[test]
    fn a_line_has_these_bytes() {
        let (line, head) = Head::default().appended(&entry("approved"));
        let expected = format!(
            r#"{{"seq":1,"at":"2026-11-01T12:00:00.000Z","account":"acme","actor":"rb_live_0123","action":"check","verification":"ver_{}","person":"0123","verdict":"approved","reasons":["person_rate"],"prev":"{}","hash":"{}"}}"#,
            "ab".repeat(16),
            "00".repeat(32),
            hex(&head.hash)
        );
        assert_eq!(line, expected);
    }

    #[test]
    fn a_whole_chain_holds_and_may_begin_anywhere() {
        let (lines, head) = chain(5);
        assert_eq!((check(&lines, head), check(&lines[3..], head)), (Ok(5), Ok(2)));
        assert_eq!(check(&[], Head::default()), Ok(0));
        assert_eq!(Head::parse(5, &head.hash()), Some(head));
        assert_eq!((Head::parse(5, "00"), Head::parse(5, "zz")), (None, None));
    }

    #[test]
    fn what_was_changed_taken_out_put_in_or_cut_off_is_named() {
        let (lines, head) = chain(5);
        let mut changed = lines.clone();
        changed[2] = changed[2].replace("wrong 2", "right 2");
        assert_eq!(check(&changed, head), Err(Broken::Changed(3)));
        let without = [&lines[..2], &lines[3..]].concat();
        assert_eq!(check(&without, head), Err(Broken::Cut(4)));
        let (forged, _) = Head {
            count: 2,
            hash: [9; 32],
        }
        .appended(&entry("approved"));
        let forged = [&lines[..2], &[forged], &lines[3..]].concat();
        assert_eq!(check(&forged, head), Err(Broken::Cut(3)));
        assert_eq!(check(&lines[..4], head), Err(Broken::End { is: 4, should: 5 }));
        assert_eq!(check(&[], head), Err(Broken::End { is: 0, should: 5 }));
        assert_eq!(check(&["{}".into()], head), Err(Broken::Form(1)));
    }

    proptest! {
        #[test]
        fn any_changed_byte_is_seen(line in 0usize..3, at: prop::sample::Index, to in 0x20u8..0x7f) {
            let (mut lines, head) = chain(3);
            let at = at.index(lines[line].len());
            let mut bytes = lines[line].clone().into_bytes();
            prop_assume!(bytes[at] != to);
            bytes[at] = to;
            lines[line] = String::from_utf8(bytes).unwrap();
            prop_assert!(check(&lines, head).is_err());
        }

        #[test]
        fn reading_anything_never_panics(line in ".{0,200}") {
            prop_assert!(Check::default().line(&line).is_err());
        }
    }
}
