//! The measured side in a process of its own, started by the benchmark and ended with it: so that its memory and processor time are
//! told apart from the load's, and so that each side has its own open files.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::Deserialize;
use serde_json::json;
use toml::{Table, Value};

use super::bare::Bare;
use super::measure;
use crate::cli::{Failure, dev};
use crate::clock;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    Gateway,
    /// A gateway whose rentals are over soon.
    Soak,
    /// A gateway whose codes come in to its own numbers, without the limits on them.
    Guesses,
    Bare,
}

#[derive(Args)]
pub struct Arguments {
    kind: Kind,
    /// Numbers to rent out.
    #[arg(long, default_value_t = 0)]
    numbers: usize,
    #[arg(long)]
    data: PathBuf,
}

/// What the child tells of itself.
#[derive(Deserialize)]
struct Facts {
    base_url: String,
    #[serde(default)]
    api_key: String,
    #[serde(default)]
    admin_url: String,
}

impl Facts {
    fn address(&self) -> Result<SocketAddr, Failure> {
        let address = self.base_url.trim_start_matches("http://").parse();
        address.map_err(Failure::failed)
    }
}

/// A server under measurement. Dropping it ends it and removes its data.
pub struct Server {
    pub address: SocketAddr,
    pub base_url: String,
    pub admin_url: String,
    pub api_key: String,
    child: Child,
    folder: PathBuf,
}

impl Server {
    /// Starts one whose data lies in a new folder inside `data`.
    pub async fn start(kind: Kind, numbers: usize, data: &Path) -> Result<Self, Failure> {
        let name = format!(
            "ringback-bench-{}-{:08x}",
            std::process::id(),
            u32::from_be_bytes(clock::random())
        );
        let folder = data.join(name);
        std::fs::create_dir_all(&folder)
            .map_err(|e| Failure::failed(format!("{}: {e}", folder.display())))?;
        let (child, facts) = spawn(kind, numbers, &folder).await?;
        Ok(Self {
            address: facts.address()?,
            base_url: facts.base_url,
            admin_url: facts.admin_url,
            api_key: facts.api_key,
            child,
            folder,
        })
    }

    /// Stops a gateway and starts it again on the same data; answers how long it took until it served.
    pub async fn restart(&mut self, numbers: usize) -> Result<Duration, Failure> {
        self.end();
        let started = clock::monotonic();
        let (child, facts) = spawn(Kind::Gateway, numbers, &self.folder).await?;
        self.child = child;
        self.address = facts.address()?;
        self.base_url = facts.base_url;
        self.admin_url = facts.admin_url;
        self.api_key = facts.api_key;
        Ok(clock::monotonic().duration_since(started))
    }

    /// The end of its input tells it to stop; one that does not is ended when we are.
    fn end(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }

    pub fn cpu_s(&self) -> Result<f64, Failure> {
        measure::cpu_s(self.child.id())
    }

    pub fn rss_bytes(&self) -> Result<u64, Failure> {
        measure::rss_bytes(self.child.id())
    }

    /// The most that it had in memory since its start, or since this was asked last.
    pub fn rss_peak_bytes(&self) -> Result<u64, Failure> {
        measure::rss_peak_bytes(self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Starts the child's side and reads what it tells once it serves.
async fn spawn(kind: Kind, numbers: usize, folder: &Path) -> Result<(Child, Facts), Failure> {
    let kind = match kind {
        Kind::Gateway => "gateway",
        Kind::Soak => "soak",
        Kind::Guesses => "guesses",
        Kind::Bare => "bare",
    };
    let mut command = Command::new(std::env::current_exe().map_err(Failure::failed)?);
    command
        .args([
            "bench",
            "server",
            kind,
            "--numbers",
            &numbers.to_string(),
            "--data",
        ])
        .arg(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(Failure::failed)?;
    let output = child
        .stdout
        .take()
        .ok_or_else(|| Failure::failed("the server has no output"))?;
    let line = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).map(|_| line)
    });
    let line = line.await.map_err(Failure::failed)?.map_err(Failure::failed)?;
    let facts =
        serde_json::from_str(&line).map_err(|_| Failure::unavailable("the measured server did not start"))?;
    Ok((child, facts))
}

/// The child's side: serves until its input ends.
pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.kind {
        Kind::Bare => {
            let bare = Bare::start().await?;
            tell(&json!({ "base_url": format!("http://{}", bare.address) }))?;
            input_ends().await
        }
        kind @ (Kind::Gateway | Kind::Soak | Kind::Guesses) => {
            let mut over = limits(arguments.numbers);
            match kind {
                Kind::Soak => end_soon(&mut over),
                Kind::Guesses => guessed_at(&mut over, arguments.numbers),
                Kind::Gateway | Kind::Bare => {}
            }
            let dev = dev::Arguments {
                data: Some(arguments.data),
                ..dev::Arguments::anywhere()
            };
            let session = dev::start(dev, over).await?;
            tell(&dev::facts(&session))?;
            input_ends().await?;
            session.running.stop().await;
            Ok(())
        }
    }
}

fn tell(facts: &serde_json::Value) -> Result<(), Failure> {
    let mut output = std::io::stdout();
    writeln!(output, "{facts}")
        .and_then(|()| output.flush())
        .map_err(Failure::failed)
}

async fn input_ends() -> Result<(), Failure> {
    let ended =
        tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink()));
    ended
        .await
        .map_err(Failure::failed)?
        .map(drop)
        .map_err(Failure::failed)
}

/// The limits that one benchmark on loopback would meet, and its inventory: numbers of the country code +999, which nobody has.
/// Everything else is as in `serve`.
fn limits(numbers: usize) -> Table {
    let mut over = toml::toml! {
        [server]
        connections_max = 100000
        connections_per_ip_max = 100000
        [accounts]
        waiters_max = 100000
        [poll]
        waiters_max = 100000
        waiters_per_key_max = 100000
        [rental]
        linger_s = 3600
    };
    over.insert("number".into(), inventory(numbers, |at| format!("+999{at:08}")));
    over
}

fn inventory(numbers: usize, number: impl Fn(usize) -> String) -> Value {
    let row = |at| {
        let row = [("number", number(at).into()), ("country", "US".into())];
        Value::Table(
            row.map(|(key, value)| (key.to_owned(), value))
                .into_iter()
                .collect(),
        )
    };
    Value::Array((0..numbers).map(row).collect())
}

/// Guesses at one code, the most there may be.
pub const GUESSES_MAX: usize = 10;

/// Codes to numbers of our own, in a country that gets some, as many as are wished and guessed at as often as may be.
fn guessed_at(over: &mut Table, numbers: usize) {
    let open = toml::toml! {
        [verify]
        loopback = true
        attempts_max = 10
        wrong_locks = false
        block_of_10000_per_10min_max = 0
        block_of_10000_per_hour_max = 0
        block_of_1000_per_10min_max = 0
        account_per_second_max = 0
        prefix_outstanding_max = 0
        country_per_hour_min = 0
        spend_day_max = "0"
    };
    over.extend(open);
    over.insert("number".into(), inventory(numbers, |at| format!("+1202{at:07}")));
}

/// Seconds that a rental of the short service lives: the least there may be.
pub const SHORT_S: u64 = 10;

/// Rentals that end soon, and numbers that come back as soon as they may.
fn end_soon(over: &mut Table) {
    let soon = toml::toml! {
        [rental]
        linger_s = 3
        sweep_ms = 200
        cool_down_s = 900
        same_service_s = 900
        used_before_s = 900
        [quarantine]
        silent_rentals = 0
        [accounts]
        waiters_max = 100000
        rentals_max = 1000000
        requests_per_minute_max = 0
        [[service]]
        name = "google"
        description = "Google"
        price = "0.5000"
        lifetime_s = 1200
        [[service]]
        name = "short"
        description = "Over soon"
        price = "0.5000"
        lifetime_s = 10
    };
    over.extend(soon);
}
