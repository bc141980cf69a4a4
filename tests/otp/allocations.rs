//! How often one message allocates: a fixed number of buffers and the answer, whatever the length of the message.

use allocation_counter::measure;
use ringback::core::otp::{CHARS_MAX, Engine, Filter};

use crate::rows;

/// Calls to the allocator for one message. The second reading counts: the first one may build what all share.
fn allocations(text: &str) -> u64 {
    let (engine, filter) = (Engine::built_in(), Filter::default());
    let read = || {
        std::hint::black_box(engine.extract(text, &filter));
    };
    read();
    measure(read).count_total
}

#[test]
fn a_usual_message_takes_few_buffers() {
    let mut counts: Vec<u64> = rows("dev.jsonl")
        .iter()
        .map(|row| allocations(&row.text))
        .collect();
    counts.sort_unstable();
    let (median, most) = (counts[counts.len() / 2], counts[counts.len() - 1]);
    println!("allocations a message: median {median}, most {most}");
    assert!(median <= 24 && most <= 64, "median {median}, most {most}");
}

#[test]
fn a_long_message_takes_a_few_buffers_more() {
    let long = "the words of an ordinary message without a number, ".repeat(CHARS_MAX / 50);
    let (short, long) = (
        allocations("the words of an ordinary message"),
        allocations(&long),
    );
    println!("allocations: short {short}, long {long}");
    assert!(long <= short + 16, "short {short}, long {long}");
}
