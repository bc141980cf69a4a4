//! Nothing secret reaches the log, not even at the most talkative level of every crate in the process: the whole flow runs with TRACE
//! captured, then the capture is searched for everything that was planted, in every form a log could write it.

#[expect(dead_code, reason = "each test file uses its own part of the support")]
mod support;

mod redaction {
    pub mod capture;
    pub mod journey;
    pub mod partner;
    pub mod planted;
    pub mod supplied;
}

#[expect(dead_code, reason = "its own tests use more of it")]
#[path = "supply"]
mod supply {
    pub mod books;
    pub mod schema;
    pub mod upstream;
}

use redaction::capture::Capture;
use redaction::{journey, partner, supplied};

/// One test, because a process has one log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_holds_nothing_secret() {
    let capture = Capture::start();
    let mut planted = journey::travel().await;
    supplied::travel(&mut planted).await;
    partner::travel(&mut planted).await;
    let log = capture.text();
    for word in [
        "inbound request refused",
        "inbound request verified",
        "delivery attempted",
        "a supplier is left alone",
        "sled",
        "h2::",
        "rustls",
    ] {
        assert!(log.contains(word), "the capture hears {word:?}");
    }
    assert!(planted.count() > 30, "everything there is was planted");
    let leaks = planted.leaks(&log);
    assert!(
        leaks.is_empty(),
        "{} leaks in {} bytes of log:\n{}",
        leaks.len(),
        log.len(),
        leaks.join("\n")
    );

    // The same search sees each of them as soon as anybody logs it.
    for (name, secret) in planted.each() {
        let before = capture.text().len();
        tracing::trace!(target: "planted", value = %secret, "a line that should not be");
        let line = capture.text().split_off(before);
        assert!(
            planted.leaks(&line).iter().any(|leak| leak.contains(name)),
            "{name} was logged and not seen: {line}"
        );
    }
    let before = capture.text().len();
    let secret = planted.each().next().expect("there are many").1;
    tracing::debug!(target: "planted", key = ?secret.as_bytes(), "as a list of bytes");
    assert!(!planted.leaks(&capture.text().split_off(before)).is_empty());
}
