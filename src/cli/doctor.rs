//! `ringback doctor`: looks at the configuration, the data folder and the gateway that runs on it, changes nothing, and says what to do next.

mod running;

use std::io::{IsTerminal, Write, stderr};
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::Failure;
use super::call::Gateway;
use super::operate::AdminAt;
use crate::app::{self, Examined, Folder};
use crate::config::Config;

/// How long the admin listener may take for an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
const BEGIN: &str = "name the right folder with --data; a new one is made by `ringback serve --config FILE`, and `ringback dev` is there to try things";
const AGAIN: &str = "mend that and run this again, as the user that the gateway runs as";

#[derive(Args)]
pub struct Arguments {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: AdminAt,
}

#[derive(Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Ok,
    Warn,
    Bad,
}

#[derive(Serialize)]
struct Finding {
    verdict: Verdict,
    /// What was looked at.
    of: String,
    found: String,
    /// What to do about it; nothing where it is well.
    next: Option<String>,
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn ok(&mut self, of: &str, found: impl ToString) {
        self.add(Verdict::Ok, (of, found.to_string()), None);
    }

    fn warn(&mut self, of: &str, found: impl ToString, next: &str) {
        self.add(Verdict::Warn, (of, found.to_string()), Some(next));
    }

    fn bad(&mut self, of: &str, found: impl ToString, next: &str) {
        self.add(Verdict::Bad, (of, found.to_string()), Some(next));
    }

    fn add(&mut self, verdict: Verdict, (of, found): (&str, String), next: Option<&str>) {
        self.0.push(Finding {
            verdict,
            of: one_line(of),
            found: one_line(&found),
            next: next.map(str::to_owned),
        });
    }

    fn tell(&self, json: bool) -> Result<(), Failure> {
        let bad = self.0.iter().filter(|f| f.verdict == Verdict::Bad).count();
        if json {
            println!("{}", json!({ "bad": bad, "findings": self.0 }));
        } else {
            self.0.iter().for_each(|finding| println!("{}", shown(finding)));
        }
        match bad {
            0 => Ok(()),
            _ => Err(Failure::failed(format!(
                "{bad} of {} findings are bad",
                self.0.len()
            ))),
        }
    }
}

fn shown(finding: &Finding) -> String {
    let verdict = match finding.verdict {
        Verdict::Ok => "ok  ",
        Verdict::Warn => "warn",
        Verdict::Bad => "bad ",
    };
    let next = finding.next.as_ref();
    let next = next.map_or_else(String::new, |next| format!(". Next: {next}"));
    format!("{verdict}  {}: {}{next}", finding.of, finding.found)
}

/// Without the lines in which a parser quotes the file: a secret may stand there.
fn one_line(text: &str) -> String {
    let is_quoted = |line: &&str| {
        line.split_once('|')
            .is_some_and(|(margin, _)| margin.chars().all(|c| c.is_ascii_digit() || c == ' '))
    };
    let lines: Vec<&str> = text.lines().filter(|line| !is_quoted(line)).collect();
    lines.join(": ").chars().filter(|c| !c.is_control()).collect()
}

pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    let mut findings = Findings::default();
    look(&arguments.at, &mut findings).await?;
    findings.tell(arguments.json)
}

async fn look(at: &AdminAt, findings: &mut Findings) -> Result<(), Failure> {
    let Some(config) = configuration(at, findings) else {
        return Ok(());
    };
    let folder = data_folder(&config, findings);
    let url = at.url(&config);
    let token = std::fs::read_to_string(config.store.folder.join("admin.token")).unwrap_or_default();
    let gateway = Gateway::new(&url, token.trim())?;
    let begun = running::Answered::of(&gateway).await;
    match (folder, begun) {
        (Some(Folder::Held), Some(answered)) => running::look(&gateway, &answered, findings).await,
        (Some(Folder::Held), None) => findings.bad(
            "gateway",
            format!("one holds the folder, but none answers at {url}"),
            "name its admin listener with --admin-url; if it is that, read its log and restart it",
        ),
        (_, Some(_)) => findings.warn(
            "gateway",
            format!("the one at {url} does not run on this folder"),
            "name its folder with --data, or another gateway with --admin-url",
        ),
        (_, None) => findings.warn(
            "gateway",
            "none runs on this folder",
            "start it: `ringback serve --config FILE`",
        ),
    }
    if folder == Some(Folder::Closed) {
        records(&config, findings);
    }
    Ok(())
}

/// As `check-config` does; nothing where it cannot even be read.
fn configuration(at: &AdminAt, findings: &mut Findings) -> Option<Config> {
    let of = "configuration";
    let config = match at.config() {
        Ok(config) => config,
        Err(failure) => {
            findings.bad(of, failure, "mend it and run this again: all else depends on it");
            return None;
        }
    };
    match app::check(&config) {
        Ok(()) => findings.ok(
            of,
            format!(
                "{} sources, {} services, {} numbers",
                config.source.len(),
                config.service.len(),
                config.number.len()
            ),
        ),
        Err(error) => findings.bad(of, error, "mend it: a gateway does not start with it"),
    }
    if config.source.is_empty() {
        findings.warn(
            of,
            "no [[source]] is configured, so no carrier can post here",
            "add one for each carrier",
        );
    }
    Some(config)
}

/// What stands in the data folder; nothing where that cannot be told.
fn data_folder(config: &Config, findings: &mut Findings) -> Option<Folder> {
    let (of, path) = ("data folder", &config.store.folder);
    let shown = path.display();
    let Ok(about) = std::fs::metadata(path) else {
        findings.bad(of, format!("{shown} is not there"), BEGIN);
        return None;
    };
    if about.permissions().readonly() {
        findings.bad(of, format!("{shown} cannot be written to"), AGAIN);
    }
    let found = app::data_folder(config);
    match &found {
        Ok(Folder::Empty) => findings.bad(of, format!("{shown} holds no store"), BEGIN),
        Ok(Folder::Held | Folder::Closed) => findings.ok(
            of,
            format!("{shown} is of this version's format, and a master key is there"),
        ),
        Err(error) => findings.bad(of, error, AGAIN),
    }
    if let Some(free) = app::free_bytes(path) {
        disk(free, config.store.disk_reserve_bytes, findings);
    }
    found.ok()
}

fn disk(free: u64, reserve: u64, findings: &mut Findings) {
    let found = format!("{free} bytes are free, store.disk_reserve_bytes is {reserve}");
    if free < reserve {
        findings.bad(
            "disk",
            found,
            "free space: new messages and rentals are refused until then",
        );
    } else {
        findings.ok("disk", found);
    }
}

/// Reads a store that no gateway runs on.
fn records(config: &Config, findings: &mut Findings) {
    let is_seen = stderr().is_terminal();
    let examined = app::examine(config, &mut |read| {
        if is_seen {
            // Where the terminal is gone, nobody looks.
            let _ = write!(stderr(), "\r\x1b[2K{read} records read");
            let _ = stderr().flush();
        }
    });
    if is_seen {
        let _ = write!(stderr(), "\r\x1b[2K");
    }
    match examined {
        Ok(examined) => judge(&examined, findings),
        Err(error) => findings.bad("store", error, AGAIN),
    }
}

fn judge(examined: &Examined, findings: &mut Findings) {
    let Examined {
        records,
        hurt,
        unread,
    } = examined;
    if hurt.is_empty() && unread.is_empty() {
        findings.ok("records", format!("all {records} pass their check"));
    }
    if !hurt.is_empty() {
        let each: Vec<String> = hurt.iter().map(|(tree, n)| format!("{n} in {tree}")).collect();
        let found = format!(
            "{} of {records} are hurt: {}",
            hurt.values().sum::<u64>(),
            each.join(", ")
        );
        let next = if hurt.contains_key("state") {
            "check the disk and restore a copy of the folder: with a hurt record in state a gateway may not start"
        } else {
            "check the disk; all else goes on, and what is hurt is an error until its log is dropped or a copy of the folder restored"
        };
        findings.bad("records", found, next);
    }
    for (tree, error) in unread {
        findings.bad(
            "records",
            format!("{tree} is not readable to its end: {error}"),
            "check the disk and restore a copy of the folder",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parsers_quotation_is_left_out() {
        let told = "a.toml: TOML parse error at line 2, column 8\n  |\n2 | key = \"secret\n  |       ^\ninvalid basic string\n";
        assert_eq!(
            one_line(told),
            "a.toml: TOML parse error at line 2, column 8: invalid basic string"
        );
        assert_eq!(one_line("a \u{1b}[2J | b"), "a [2J | b");
    }

    #[test]
    fn space_below_the_reserve_is_bad() {
        let mut findings = Findings::default();
        disk(10, 10, &mut findings);
        disk(9, 10, &mut findings);
        let lines: Vec<String> = findings.0.iter().map(shown).collect();
        assert_eq!(
            lines[0],
            "ok    disk: 10 bytes are free, store.disk_reserve_bytes is 10"
        );
        assert!(lines[1].starts_with("bad   disk: 9 bytes are free"), "{lines:?}");
    }

    #[test]
    fn what_is_hurt_and_what_is_unread_are_told_apart() {
        let mut findings = Findings::default();
        let examined = Examined {
            records: 9,
            hurt: [("log-1".to_owned(), 2), ("state".to_owned(), 1)].into(),
            unread: [("log-2".to_owned(), "no".to_owned())].into(),
        };
        judge(&examined, &mut findings);
        let lines: Vec<String> = findings.0.iter().map(shown).collect();
        assert!(
            lines[0].starts_with("bad   records: 3 of 9 are hurt: 2 in log-1, 1 in state. Next: "),
            "{lines:?}"
        );
        assert!(
            lines[0].contains("may not start") && lines[1].contains("log-2 is not readable"),
            "{lines:?}"
        );
    }
}
