//! How far a replay is: one line that is written over on a terminal, and a plain line for every tenth elsewhere. A crate for bars would
//! bring five more for what one line of text does.

use std::io::{IsTerminal, Write, stderr};

use serde_json::Value;

const CELLS: usize = 30;

#[derive(Default)]
pub struct Bar {
    /// Tenths that were told already, where each is a line of its own.
    told: Option<u64>,
    is_drawn: bool,
}

impl Bar {
    pub fn show(&mut self, replay: &Value) {
        let progress = replay["progress"].as_f64().unwrap_or(0.0).clamp(0.0, 1.0);
        let waits = match replay["waitingFor"][0].as_str() {
            Some(id) => format!(", waits for {id}"),
            None => String::new(),
        };
        let told = format!(
            "{:3.0} %  {} deliveries, {} events{waits}",
            progress * 100.0,
            replay["deliveries"],
            replay["events"]
        );
        if stderr().is_terminal() {
            // Where the terminal is gone, nobody looks.
            let _ = write!(stderr(), "\r\x1b[2K[{}] {told}", cells(progress));
            let _ = stderr().flush();
            self.is_drawn = true;
            return;
        }
        let tenth = (progress * 10.0) as u64;
        if self.told != Some(tenth) {
            eprintln!("{told}");
            self.told = Some(tenth);
        }
    }

    /// Leaves the line to what comes next.
    pub fn clear(&mut self) {
        if std::mem::take(&mut self.is_drawn) {
            let _ = write!(stderr(), "\r\x1b[2K");
        }
    }
}

fn cells(progress: f64) -> String {
    let done = (progress * CELLS as f64) as usize;
    let cell = |n| if n < done { '#' } else { '.' };
    (0..CELLS).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_fills_from_the_left() {
        assert_eq!(cells(0.0), ".".repeat(30));
        assert_eq!(cells(0.5), format!("{}{}", "#".repeat(15), ".".repeat(15)));
        assert_eq!(cells(1.0), "#".repeat(30));
    }
}
