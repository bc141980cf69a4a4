//! Times counted in buckets, in the Prometheus text format.

use std::fmt::Write as _;

/// Upper ends of the buckets, in seconds: from what a healthy subscriber takes to the length of an outage.
const ENDS_S: [f64; 16] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 300.0, 1800.0, 7200.0, 28_800.0, 86_400.0,
];

#[derive(Debug, Clone, Default)]
pub struct Histogram {
    /// By the first end that is not shorter; what is longer than all is in the count alone.
    buckets: [u64; ENDS_S.len()],
    count: u64,
    sum_s: f64,
}

impl Histogram {
    pub fn add(&mut self, time_ms: u64) {
        let time_s = time_ms as f64 / 1000.0;
        if let Some(at) = ENDS_S.iter().position(|end_s| time_s <= *end_s) {
            self.buckets[at] += 1;
        }
        self.count += 1;
        self.sum_s += time_s;
    }

    pub fn render(&self, name: &str, text: &mut String) {
        let mut count = 0;
        // Writing to a String cannot fail.
        for (end_s, bucket) in ENDS_S.iter().zip(self.buckets) {
            count += bucket;
            let _ = writeln!(text, "{name}_bucket{{le=\"{end_s}\"}} {count}");
        }
        let Self { count, sum_s, .. } = self;
        let _ = writeln!(
            text,
            "{name}_bucket{{le=\"+Inf\"}} {count}\n{name}_sum {sum_s}\n{name}_count {count}"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_all_that_is_not_longer() {
        let mut histogram = Histogram::default();
        [5, 6, 1000, 1001, 90_000_000]
            .into_iter()
            .for_each(|ms| histogram.add(ms));
        let mut text = String::new();
        histogram.render("x", &mut text);
        for line in [
            "x_bucket{le=\"0.005\"} 1\n",
            "x_bucket{le=\"0.01\"} 2\n",
            "x_bucket{le=\"1\"} 3\n",
            "x_bucket{le=\"2.5\"} 4\n",
            "x_bucket{le=\"86400\"} 4\n",
            "x_bucket{le=\"+Inf\"} 5\nx_sum 90002.012\nx_count 5\n",
        ] {
            assert!(text.contains(line), "{line}{text}");
        }
    }
}
