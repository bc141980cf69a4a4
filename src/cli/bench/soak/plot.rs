//! Memory over time as a picture: SVG written by hand, one line over a grid.

use std::fmt::Write as _;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 320.0;
/// What is left free for the words: left, right, top, bottom.
const MARGIN: [f64; 4] = [60.0, 20.0, 34.0, 40.0];
const LINES: usize = 5;

/// The picture of these samples: seconds and MiB.
pub fn svg(title: &str, samples: &[(f64, f64)]) -> String {
    let last_s = samples.last().map_or(1.0, |sample| sample.0).max(1.0);
    let most = samples.iter().map(|sample| sample.1).fold(1.0, f64::max);
    let step = step(most / LINES as f64);
    let top = (most / step).ceil() * step;
    let [left, right, above, below] = MARGIN;
    let x = |s: f64| left + s / last_s * (WIDTH - left - right);
    let y = |mib: f64| HEIGHT - below - mib / top * (HEIGHT - above - below);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>\n\
         <text x=\"{left}\" y=\"20\" font-size=\"14\" fill=\"#222222\">{title}</text>\n"
    );
    let mut line = |from: (f64, f64), to: (f64, f64), (at, anchor): ((f64, f64), &str), word: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "<path d=\"M{:.1} {:.1}L{:.1} {:.1}\" stroke=\"#dddddd\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\" fill=\"#555555\">{word}</text>",
            from.0, from.1, to.0, to.1, at.0, at.1
        );
    };
    let mut mib = 0.0;
    while mib <= top + step / 2.0 {
        let label = ((left - 6.0, y(mib) + 4.0), "end");
        line(
            (left, y(mib)),
            (WIDTH - right, y(mib)),
            label,
            format!("{mib:.0}"),
        );
        mib += step;
    }
    for part in 0..=LINES {
        let s = last_s * part as f64 / LINES as f64;
        let label = ((x(s), HEIGHT - below + 18.0), "middle");
        line(
            (x(s), above),
            (x(s), HEIGHT - below),
            label,
            format!("{:.1} min", s / 60.0),
        );
    }
    let points: Vec<String> = samples
        .iter()
        .map(|(s, mib)| format!("{:.1},{:.1}", x(*s), y(*mib)))
        .collect();
    text + &format!(
        "<polyline fill=\"none\" stroke=\"#1f5fa8\" stroke-width=\"1.5\" points=\"{}\"/>\n</svg>\n",
        points.join(" ")
    )
}

/// The next of 1, 2, 5, 10, 20, ... that is not less.
fn step(least: f64) -> f64 {
    let mut step = 1.0;
    for factor in [2.0, 2.5, 2.0].into_iter().cycle() {
        if step >= least {
            break;
        }
        step *= factor;
    }
    step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_a_point_and_the_axes_hold_them_all() {
        let picture = svg("memory", &[(0.0, 10.0), (30.0, 42.0), (60.0, 41.0)]);
        assert!(picture.starts_with("<svg") && picture.ends_with("</svg>\n"));
        let points = picture.split("points=\"").nth(1).unwrap();
        let points = points.split('"').next().unwrap();
        assert_eq!(points.split(' ').count(), 3);
        assert!(picture.contains(">50</text>") && picture.contains(">1.0 min</text>"));
        assert_eq!([0.3, 1.5, 9.0, 41.0].map(step), [1.0, 2.0, 10.0, 50.0]);
    }
}
