//! What a guess by a number takes where there is a code to be wrong about and where there is none: whoever times them should learn nothing.

use std::time::Duration;

use clap::Args;
use http::Method;
use serde::Serialize;
use serde_json::{Value, json};

use super::Options;
use super::load::{self, Connection, Ready};
use super::measure::{Spread, percentile_ms, rounded};
use super::report::{Report, line};
use super::scene::{Rented, Scene};
use super::server::{GUESSES_MAX, Kind, Server};
use crate::cli::Failure;
use crate::clock;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    pub options: Options,
    /// Guesses of each kind in one round.
    #[arg(long, default_value_t = 100)]
    pairs: usize,
}

const NOTES: &str = "Wrong codes by a number (contract 003), one after the other over one connection, for numbers with a pending code and for numbers \
that were never sent one, in turns, and who goes first takes turns too. Hashes are as in `serve`. ratio: of the medians, with over without. later_pct: \
how often one with a code took longer than one without, of all pairs of a round: 50 tells nothing, 0 and 100 tell all. The first round is not counted.";

#[derive(Serialize)]
struct Line {
    pairs: usize,
    with_p50_ms: Spread,
    without_p50_ms: Spread,
    with_p95_ms: Spread,
    without_p95_ms: Spread,
    ratio_p50: Spread,
    later_pct: Spread,
}

/// The figures of one round, in the order of a line.
type Figures = [f64; 6];

pub async fn run(arguments: Arguments) -> Result<Report, Failure> {
    let (rounds, pairs) = (arguments.options.rounds, arguments.pairs.max(1));
    let each = pairs.div_ceil(GUESSES_MAX);
    let server = Server::start(Kind::Guesses, each * (rounds + 1), &arguments.options.data).await?;
    let scene = Scene::new(server).await?;
    let mut side = Side::new(&scene).await?;
    let mut rented = scene.rent(each * (rounds + 1)).await?;
    let mut figures: Vec<Figures> = Vec::new();
    for round in 0..=rounds {
        let numbers: Vec<Rented> = rented.drain(..each).collect();
        let measured = side.round(&numbers, (round, pairs)).await?;
        // The first one warms up.
        figures.extend((round > 0).then_some(measured));
    }
    let spread = |at: usize| Spread::of(&figures.iter().map(|round| round[at]).collect::<Vec<_>>());
    let measured = Line {
        pairs,
        with_p50_ms: spread(0),
        without_p50_ms: spread(1),
        with_p95_ms: spread(2),
        without_p95_ms: spread(3),
        ratio_p50: spread(4),
        later_pct: spread(5),
    };
    let headline = json!({ "benchmark": "guesses", "ratio_p50": measured.ratio_p50.median, "later_pct": measured.later_pct.median });
    Ok(Report {
        notes: NOTES,
        headline: line(&headline),
        lines: vec![line(&measured)],
    })
}

/// Whoever guesses.
struct Side {
    connection: Connection,
    headers: Vec<(String, String)>,
    profile: String,
}

impl Side {
    async fn new(scene: &Scene) -> Result<Self, Failure> {
        let mut headers = scene.bearer();
        headers.push(("content-type".into(), "application/json".into()));
        let mut side = Self {
            connection: Connection::open(scene.server.address).await?,
            headers,
            profile: String::new(),
        };
        let made = side.post("/v2/verify_profiles", &json!({ "name": "guesses" }))?;
        let made = side.connection.succeed(made).await?;
        let made: Value = serde_json::from_slice(&made).map_err(Failure::failed)?;
        side.profile = made["data"]["id"].as_str().unwrap_or_default().to_owned();
        Ok(side)
    }

    fn post(&self, path: &str, body: &Value) -> Result<Ready, Failure> {
        load::request(Method::POST, path, &self.headers, body.to_string().into_bytes())
    }

    /// How long a wrong code for this number took.
    async fn guess(&mut self, number: &str) -> Result<Duration, Failure> {
        let path = format!("/v2/verifications/by_phone_number/{number}/actions/verify");
        let wrong = self.post(
            &path,
            &json!({ "code": "54321", "verify_profile_id": self.profile }),
        )?;
        let began = clock::monotonic();
        let answer = self.connection.succeed(wrong).await?;
        let took = clock::monotonic().duration_since(began);
        let answer: Value = serde_json::from_slice(&answer).map_err(Failure::failed)?;
        if answer["data"]["response_code"] != "rejected" {
            return Err(Failure::failed("a wrong code was not rejected"));
        }
        Ok(took)
    }

    async fn round(
        &mut self,
        numbers: &[Rented],
        (round, pairs): (usize, usize),
    ) -> Result<Figures, Failure> {
        for rented in numbers {
            let wish = json!({ "phone_number": rented.number, "verify_profile_id": self.profile, "custom_code": "12345" });
            let wish = self.post("/v2/verifications/sms", &wish)?;
            self.connection.succeed(wish).await?;
        }
        let (mut with, mut without) = (Vec::with_capacity(pairs), Vec::with_capacity(pairs));
        for pair in 0..pairs {
            let known = numbers[pair % numbers.len()].number.clone();
            let unknown = format!("+1303{:03}{pair:04}", round % 1000);
            if pair % 2 == 0 {
                with.push(self.guess(&known).await?);
            }
            without.push(self.guess(&unknown).await?);
            if pair % 2 == 1 {
                with.push(self.guess(&known).await?);
            }
        }
        Ok(summed(&mut with, &mut without))
    }
}

fn summed(with: &mut [Duration], without: &mut [Duration]) -> Figures {
    let p50 = [percentile_ms(with, 50), percentile_ms(without, 50)];
    let p95 = [percentile_ms(with, 95), percentile_ms(without, 95)];
    [
        rounded(p50[0]),
        rounded(p50[1]),
        rounded(p95[0]),
        rounded(p95[1]),
        rounded(p50[0] / p50[1].max(f64::MIN_POSITIVE)),
        rounded(later_pct(with, without)),
    ]
}

/// How often one of these is longer than one of those, in per cent of all pairs; equal ones count half.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a benchmark are far below 2^52"
)]
fn later_pct(these: &[Duration], those: &[Duration]) -> f64 {
    let halves = |this: &Duration, that: &Duration| match this.cmp(that) {
        std::cmp::Ordering::Greater => 2,
        std::cmp::Ordering::Equal => 1,
        std::cmp::Ordering::Less => 0u64,
    };
    let sum: u64 = these
        .iter()
        .flat_map(|this| those.iter().map(move |that| halves(this, that)))
        .sum();
    let pairs = (these.len() * those.len()).max(1);
    sum as f64 * 50.0 / pairs as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_often_one_is_later_is_counted_over_all_pairs() {
        let ms = |list: &[u64]| {
            list.iter()
                .map(|ms| Duration::from_millis(*ms))
                .collect::<Vec<_>>()
        };
        for (these, those, pct) in [
            (&[1, 2, 3][..], &[1, 2, 3][..], 50.0),
            (&[4, 5], &[1, 2, 3], 100.0),
            (&[1], &[2, 3], 0.0),
            (&[2], &[1, 3], 50.0),
        ] {
            assert!((later_pct(&ms(these), &ms(those)) - pct).abs() < 1e-9);
        }
    }
}
