//! How long a guess by a number takes tells nothing of whether there is a code to be wrong about: wrong codes for numbers with one and for
//! numbers without take turns, and what they take is compared. `ringback bench guesses` measures it with more pairs.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::codes::over;
use super::profiles::profile;
use super::triggers::{check_number, rented, trigger};
use crate::support::gateway::Gateway;

/// Wrong codes for one number; all of them find it pending.
const GUESSES: usize = 10;
const NUMBERS: usize = 3;
/// How many times the one may take what the other does: more than the noise of a machine on which other tests run, and far less than the
/// 28 times that a hash left out makes of it.
const RATIO_MAX: f64 = 1.5;

async fn took(gateway: &Gateway, of: (&str, &Value)) -> Duration {
    let began = Instant::now();
    let answer = check_number(gateway, of, "99999").await.expect(200);
    let took = began.elapsed();
    assert_eq!(answer["data"]["response_code"], "rejected");
    took
}

/// The time that a quarter of them stay below: noise only adds.
fn quarter(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times[times.len() / 4].as_secs_f64() * 1000.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guess_takes_as_long_where_there_is_no_code() {
    let mut over = over();
    let slow = toml::toml! {
        bcrypt_cost = 9
        attempts_max = 10
        wrong_locks = false
    };
    over["verify"].as_table_mut().unwrap().extend(slow);
    let gateway = Gateway::start_with(over).await;
    let made = profile(&gateway, json!({ "name": "x" })).await;
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for nth in 0..NUMBERS {
        let (_, number) = rented(&gateway).await;
        let own = json!({ "custom_code": "12345" });
        trigger(&gateway, "sms", (&number, &made), own).await.expect(200);
        for guess in 0..GUESSES {
            let nobody = format!("+1202556{nth}{guess:03}");
            // Who goes first takes turns too.
            if guess % 2 == 0 {
                with.push(took(&gateway, (&number, &made)).await);
            }
            without.push(took(&gateway, (&nobody, &made)).await);
            if guess % 2 == 1 {
                with.push(took(&gateway, (&number, &made)).await);
            }
        }
    }
    let (with_ms, without_ms) = (quarter(&mut with), quarter(&mut without));
    let ratio = with_ms / without_ms;
    assert!(
        (1.0 / RATIO_MAX..RATIO_MAX).contains(&ratio),
        "with a code {with_ms:.1} ms, without one {without_ms:.1} ms: {ratio:.2}"
    );
}
