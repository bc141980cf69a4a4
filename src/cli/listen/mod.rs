//! `ringback listen`: an account's events on the terminal, forwarded to a program on this machine. It holds a cursor: after a lost
//! connection, a sleep or a restart it goes on where it was, says how far behind it is, and fails with what to do.

mod forward;
mod keep;
mod show;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::Deserialize;
use serde_json::value::RawValue;

use self::forward::Forward;
pub use self::keep::CursorFile;
use self::show::Show;
use super::call::{Gateway, GatewayAt};
use super::{Failure, serve};
use crate::clock::{self, Clock};
use crate::core::cursor::Start;

/// How long the gateway is asked to hold a poll.
const WAIT_S: u64 = 20;
/// How much later than that an answer may come: then the connection is dead although nobody said so, as after a sleep.
const PATIENCE: Duration = Duration::from_secs(WAIT_S + 10);
/// Tries to reach the gateway before the first answer.
const CONNECTS_MAX: u32 = 3;
/// Between two tries to reach it again: doubled from the first to the last.
const AGAIN: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

#[derive(Args)]
pub struct Arguments {
    /// Post every event here, signed with the secret: a URL, localhost:3000/path or :3000/path.
    #[arg(long, value_name = "URL")]
    forward_to: Option<String>,
    /// Only these types, parted by commas: exact ones or groups such as verification.*
    #[arg(long, value_delimiter = ',', value_name = "TYPES")]
    events: Vec<String>,
    /// A header to send along, as "Name: value"; may be given several times.
    #[arg(long, value_name = "HEADER")]
    headers: Vec<String>,
    /// Sign with this whsec_ or whsk_ key, or the one that env:NAME or file:PATH holds, instead of this user's own.
    #[arg(long, value_name = "KEY")]
    secret: Option<String>,
    /// Print the secret that is signed with, and nothing else. It stays the same from run to run.
    #[arg(long)]
    print_secret: bool,
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Where to begin: a cursor, oldest, or latest.
    #[arg(long, default_value = "latest", value_name = "CURSOR")]
    after: String,
    /// Keep the cursor in this file and begin there the next time.
    #[arg(long, value_name = "FILE")]
    cursor_file: Option<PathBuf>,
    /// Seconds to try to reach the gateway again before giving up.
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    retry_for: u64,
    #[command(flatten)]
    at: GatewayAt,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
}

/// An answer of the feed; the payload stays as its bytes are.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    events: Vec<Heard>,
    next_cursor: String,
}

/// One event as the feed shows it.
#[derive(Deserialize)]
pub struct Heard {
    pub id: String,
    pub cursor: String,
    pub payload: Box<RawValue>,
}

pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    let secret = keep::secret(arguments.secret.as_deref())?;
    if arguments.print_secret {
        println!("{secret}");
        return Ok(());
    }
    let stop = serve::stop_signal()?;
    let mut listener = Listener::new(arguments, secret)?;
    let ended = tokio::select! {
        ended = listener.listen() => ended,
        () = stop => Ok(()),
    };
    listener.show.summary(&listener.cursor);
    ended?;
    match listener.show.failed() {
        0 => Ok(()),
        failed => Err(Failure::failed(format!(
            "{failed} events were not taken by the target"
        ))),
    }
}

struct Listener {
    gateway: Gateway,
    forward: Option<Forward>,
    show: Show,
    file: CursorFile,
    types: String,
    cursor: String,
    retry_for: Duration,
    secret: String,
}

impl Listener {
    fn new(arguments: Arguments, secret: String) -> Result<Self, Failure> {
        let file = CursorFile::new(arguments.cursor_file);
        let cursor = file.read()?.unwrap_or(arguments.after);
        cursor
            .parse::<Start>()
            .map_err(|e| Failure::usage(format!("--after: {e}")))?;
        let forward = arguments
            .forward_to
            .map(|to| Forward::new(&to, &secret, &arguments.headers))
            .transpose()?;
        let mut types = form_urlencoded::Serializer::new(String::new());
        if !arguments.events.is_empty() {
            types.append_pair("types", &arguments.events.join(","));
        }
        Ok(Self {
            gateway: arguments.at.gateway()?,
            forward,
            show: Show::new(arguments.format),
            file,
            types: types.finish(),
            cursor,
            retry_for: Duration::from_secs(arguments.retry_for),
            secret,
        })
    }

    /// Until something is wrong that trying again does not mend.
    async fn listen(&mut self) -> Result<(), Failure> {
        let first = self.connect().await?;
        self.show.ready(
            &self.secret,
            &self.cursor,
            self.forward.as_ref().map(Forward::url),
        );
        self.take(first).await?;
        loop {
            let page = match self.page(WAIT_S).await {
                Ok(page) => page,
                Err(Lost::ForGood(failure)) => return Err(failure),
                Err(Lost::ForNow(failure)) => self.come_back(&failure).await?,
            };
            self.take(page).await?;
        }
    }

    /// The first page, at once: only after it are we ready.
    async fn connect(&self) -> Result<Page, Failure> {
        let mut pause = AGAIN.0;
        for connects in 1.. {
            match self.page(0).await {
                Ok(page) => return Ok(page),
                Err(Lost::ForNow(_)) if connects < CONNECTS_MAX => tokio::time::sleep(pause).await,
                Err(Lost::ForNow(failure) | Lost::ForGood(failure)) => return Err(failure),
            }
            pause *= 2;
        }
        unreachable!("the loop ends by its count")
    }

    /// Tries again until the gateway answers, the time is over, or trying again does not mend it.
    async fn come_back(&mut self, failure: &Failure) -> Result<Page, Failure> {
        self.show.lost(failure, &self.cursor);
        let (since, mut pause) = (clock::monotonic(), AGAIN.0);
        loop {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(AGAIN.1);
            match self.page(0).await {
                Ok(page) => {
                    self.show.back(clock::since(since), page.events.len());
                    return Ok(page);
                }
                Err(Lost::ForGood(failure)) => return Err(failure),
                Err(Lost::ForNow(failure)) if clock::since(since) >= self.retry_for => {
                    let resume = format!(
                        "{failure}; nothing came back for {} s. Go on with --after {}",
                        self.retry_for.as_secs(),
                        self.cursor
                    );
                    return Err(Failure::unavailable(resume));
                }
                Err(Lost::ForNow(_)) => {}
            }
        }
    }

    async fn page(&self, wait_s: u64) -> Result<Page, Lost> {
        let path = format!(
            "/api/events?after={}&limit=100&wait={wait_s}&{}",
            self.cursor, self.types
        );
        let reply = self
            .gateway
            .get_within(&path, PATIENCE)
            .await
            .map_err(Lost::ForNow)?;
        match reply.status {
            200 => serde_json::from_slice(&reply.bytes).map_err(|e| {
                Lost::ForGood(Failure::failed(format!(
                    "{} answers, but it is no events feed: {e}",
                    self.gateway.base()
                )))
            }),
            410 => Err(Lost::ForGood(Failure::new(
                5,
                format!(
                    "events after {} are past the gateway's retention and were missed: begin again with --after oldest (what is kept) or --after latest{}",
                    self.cursor,
                    self.file.hint()
                ),
            ))),
            429 | 500..=599 => Err(Lost::ForNow(refused(reply))),
            _ => Err(Lost::ForGood(refused(reply))),
        }
    }

    /// Shows and forwards each event before the cursor passes it: what is cut short comes again.
    async fn take(&mut self, page: Page) -> Result<(), Failure> {
        for event in page.events {
            let now = Clock::System.now();
            self.show.event(&event, now);
            if let Some(forward) = &self.forward {
                let forwarded = forward.send(&event, now).await;
                self.show.forwarded(&event.id, forward.url(), &forwarded);
            }
            self.pass(event.cursor)?;
        }
        self.pass(page.next_cursor)
    }

    fn pass(&mut self, cursor: String) -> Result<(), Failure> {
        self.cursor = cursor;
        self.file.write(&self.cursor)
    }
}

/// Why there is no page.
enum Lost {
    /// Trying again may help.
    ForNow(Failure),
    ForGood(Failure),
}

fn refused(reply: super::call::Reply) -> Failure {
    match reply.ok() {
        Err(failure) => failure,
        Ok(_) => Failure::failed("the gateway's answer is no events feed"),
    }
}
