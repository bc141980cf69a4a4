//! Time of one extraction over the labelled messages: criterion's mean, and the percentiles that the product promises.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use ringback::core::otp::{Engine, Filter};

/// Passes; the fastest time counts, so that another process on the core is not measured.
const PASSES: usize = 7;

fn messages() -> Vec<String> {
    let mut messages = Vec::new();
    for name in ["dev.jsonl", "corpus.jsonl", "held.jsonl", "negatives.jsonl"] {
        let path = format!("{}/fixtures/otp/{name}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let rows = text
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        messages.extend(rows.filter_map(|row| row["text"].as_str().map(str::to_owned)));
    }
    messages
}

/// Fastest time of each message over some passes through all of them, so that no message finds its own words in the
/// cache, as in a service.
fn fastest(engine: &Engine, messages: &[String]) -> Vec<Duration> {
    let mut times = vec![Duration::MAX; messages.len()];
    for _ in 0..PASSES {
        for (time, text) in times.iter_mut().zip(messages) {
            let start = Instant::now();
            black_box(engine.extract(black_box(text), &Filter::default()));
            *time = start.elapsed().min(*time);
        }
    }
    times
}

fn extraction(criterion: &mut Criterion) {
    let engine = Engine::built_in();
    let messages = messages();
    let mut times = fastest(engine, &messages);
    times.sort_unstable();
    let at = |percent: usize| times[times.len() * percent / 100];
    println!(
        "{} messages: median {:?}, p90 {:?}, p99 {:?}",
        times.len(),
        at(50),
        at(90),
        at(99)
    );
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
