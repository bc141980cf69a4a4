//! Time of one extraction over the labelled messages: criterion's mean, and the percentiles that the product promises.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use ringback::core::otp::{Engine, Filter};

/// Passes through all messages, so that no message finds its own words in the cache, as in a service.
const PASSES: usize = 7;

/// The texts of all labelled messages.
fn messages() -> Vec<String> {
    let folder = format!("{}/fixtures/otp", env!("CARGO_MANIFEST_DIR"));
    let mut messages = Vec::new();
    for folder in [
        folder.clone(),
        format!("{folder}/independent"),
        format!("{folder}/tuning"),
    ] {
        for entry in std::fs::read_dir(&folder)
            .expect("the fixtures are there")
            .flatten()
        {
            if entry.path().extension().is_some_and(|end| end == "jsonl") {
                let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
                let rows = text
                    .lines()
                    .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
                messages.extend(rows.filter_map(|row| row["text"].as_str().map(str::to_owned)));
            }
        }
    }
    messages
}

/// The times of each message, one of each pass.
fn times(engine: &Engine, messages: &[String]) -> Vec<[Duration; PASSES]> {
    let mut times = vec![[Duration::ZERO; PASSES]; messages.len()];
    for pass in 0..PASSES {
        for (times, text) in times.iter_mut().zip(messages) {
            let start = Instant::now();
            black_box(engine.extract(black_box(text), &Filter::default()));
            times[pass] = start.elapsed();
        }
    }
    times
}

/// Every sample has what else the machine did in it; the fastest of each message has least of that.
fn print(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |permille: usize| times[times.len() * permille / 1_000];
    println!(
        "{what}: {} times, median {:?}, p90 {:?}, p99 {:?}, p99.9 {:?}",
        times.len(),
        at(500),
        at(900),
        at(990),
        at(999)
    );
}

fn extraction(criterion: &mut Criterion) {
    let engine = Engine::built_in();
    let messages = messages();
    let times = times(engine, &messages);
    let fastest = |times: &[Duration; PASSES]| times.iter().min().copied().unwrap_or_default();
    print("all samples", times.iter().flatten().copied().collect());
    print("fastest of each message", times.iter().map(fastest).collect());
    let mut turn = messages.iter().cycle();
    criterion.bench_function("otp/extract", |bencher| {
        bencher.iter(|| {
            engine.extract(
                black_box(turn.next().map_or("", String::as_str)),
                &Filter::default(),
            )
        });
    });
    let english = "Your Examplo code is 482913. Do not share it with anyone.";
    criterion.bench_function("otp/english", |bencher| {
        bencher.iter(|| engine.extract(black_box(english), &Filter::default()));
    });
}

criterion_group!(benches, extraction);
criterion_main!(benches);
