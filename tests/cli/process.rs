//! The program in a home of its own: runs a command to its end, or keeps a gateway running and stops it as an operator would.

use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use crate::support::within;

/// A home folder that no other test and no user has.
pub struct Home(TempDir);

/// What a command came to.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// Gives it this input and waits for its end.
async fn fed(mut child: Child, arguments: &[&str], input: &str) -> Output {
    let mut stdin = child.stdin.take().expect("it is piped");
    // A program that does not read its input may be gone already.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    within(&arguments.join(" "), child.wait_with_output())
        .await
        .expect("it ran")
}

impl Home {
    pub fn new() -> Self {
        Self(TempDir::new().expect("a temporary folder"))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file and answers its path.
    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.path().join(name);
        std::fs::write(&path, text).expect("the folder is ours");
        path.display().to_string()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringback"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.path())
            .env("TMPDIR", self.path());
        command
            .env("RINGBACK__ADMIN__LISTEN", "127.0.0.1:0")
            .kill_on_drop(true);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a command to its end.
    pub async fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, "", &[]).await
    }

    /// As `run`, with this on standard input and these variables in the environment.
    pub async fn run_with(&self, arguments: &[&str], input: &str, environment: &[(&str, &str)]) -> Ended {
        let mut command = self.command(arguments);
        let child = command
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .spawn()
            .expect("it was built");
        let output = fed(child, arguments, input).await;
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the program writes UTF-8");
        Ended {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    /// As `run_with`, but whoever was to read its output has gone away before its input came.
    pub async fn run_unread(&self, arguments: &[&str], input: &str) -> Ended {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .spawn()
            .expect("it was built");
        drop(child.stdout.take());
        let output = fed(child, arguments, input).await;
        Ended {
            code: output.status.code(),
            out: String::new(),
            err: String::from_utf8(output.stderr).expect("the program writes UTF-8"),
        }
    }

    /// Runs a command whose errors somebody reads on a terminal.
    pub async fn run_seen(&self, arguments: &[&str]) -> Ended {
        let (ended, shown) = self
            .on_terminal(arguments, |command, terminal| {
                command.stderr(terminal);
            })
            .await;
        Ended { err: shown, ..ended }
    }

    /// Runs a command whose output somebody reads on a terminal.
    pub async fn run_shown(&self, arguments: &[&str]) -> Ended {
        let (ended, shown) = self
            .on_terminal(arguments, |command, terminal| {
                command.stdout(terminal);
            })
            .await;
        Ended { out: shown, ..ended }
    }

    /// Runs a command that has a terminal where `wire` puts it; what it came to, and what the terminal showed.
    async fn on_terminal(
        &self,
        arguments: &[&str],
        wire: fn(&mut Command, std::fs::File),
    ) -> (Ended, String) {
        use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&ours).expect("it is ours");
        unlockpt(&ours).expect("it is ours");
        let name = ptsname(&ours, Vec::new()).expect("it has a name");
        let theirs = std::fs::File::options()
            .write(true)
            .open(name.to_str().expect("a path of /dev"))
            .expect("it is there");
        let mut command = self.command(arguments);
        wire(&mut command, theirs);
        let child = command.spawn().expect("it was built");
        // It holds the other end, without which the terminal would not close.
        drop(command);
        let mut ours = std::fs::File::from(ours);
        let shown = tokio::task::spawn_blocking(move || {
            let mut shown = Vec::new();
            // Linux ends a terminal that nobody holds any more with an error.
            let _ = std::io::Read::read_to_end(&mut ours, &mut shown);
            shown
        });
        let output = within(&arguments.join(" "), child.wait_with_output())
            .await
            .expect("it ran");
        let shown = within("what it showed", shown).await.expect("it was read");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the program writes UTF-8");
        let ended = Ended {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        };
        (ended, text(shown))
    }

    /// Starts a command that runs until it is told to stop.
    pub fn start(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Running {
        let mut child = self
            .command(arguments)
            .envs(environment.iter().copied())
            .spawn()
            .expect("it was built");
        let out = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let err = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        Running { child, out, err }
    }

    /// A `dev` gateway on free ports, and its facts.
    pub async fn dev(&self, more: &[&str]) -> (Running, Value) {
        let arguments = [&["dev", "--json", "--listen", "127.0.0.1:0"], more].concat();
        let mut running = self.start(&arguments, &[]);
        let line = running.line().await;
        (running, serde_json::from_str(&line).expect("one line of JSON"))
    }

    /// A `serve` gateway on free ports with its data in this home, and what it logs when it is ready.
    pub async fn serve(&self, more: &[&str]) -> (Running, Value) {
        let data = self.path().join("data").display().to_string();
        let arguments = [&["serve", "--listen", "127.0.0.1:0", "--data", &data], more].concat();
        let mut running = self.start(&arguments, &[("RINGBACK__LOG__JSON", "true")]);
        loop {
            let line = running.log_line().await;
            if line["fields"]["message"] == "serving" {
                return (running, line["fields"].clone());
            }
        }
    }
}

/// A command at work.
pub struct Running {
    child: Child,
    out: Lines<BufReader<ChildStdout>>,
    err: Lines<BufReader<ChildStderr>>,
}

impl Running {
    /// The next line on standard output.
    pub async fn line(&mut self) -> String {
        match within("a line", self.out.next_line()).await.expect("UTF-8") {
            Some(line) => line,
            None => panic!("the program ended: {:?}", self.err.next_line().await),
        }
    }

    /// The next line of its log, which is JSON.
    pub async fn log_line(&mut self) -> Value {
        let line = within("a line of the log", self.err.next_line())
            .await
            .expect("UTF-8")
            .expect("it runs");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"))
    }

    /// The next line on standard error that has this in it.
    pub async fn error_line_with(&mut self, text: &str) -> String {
        loop {
            let line = within("a line that says so", self.err.next_line()).await;
            let line = line.expect("UTF-8").expect("it says so before it ends");
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Gives the program's first line to this work, ends the program after it, and answers all that it logged.
    pub async fn log_beside(self, work: impl AsyncFnOnce(String)) -> String {
        let Self {
            mut child,
            mut out,
            mut err,
        } = self;
        let reading = async {
            let mut log = String::new();
            while let Some(line) = err.next_line().await.expect("UTF-8") {
                log += &line;
                log.push('\n');
            }
            log
        };
        let working = async {
            let line = out.next_line().await.expect("UTF-8").expect("it began");
            work(line).await;
            child.kill().await.expect("it runs");
        };
        within("the end of its log", async { tokio::join!(reading, working).0 }).await
    }

    /// Sends SIGTERM.
    pub async fn terminate(&self) {
        self.signal("TERM").await;
    }

    /// Sends SIGINT, as Ctrl-C does.
    pub async fn interrupt(&self) {
        self.signal("INT").await;
    }

    /// Lets it sleep, as a closed notebook does: SIGSTOP.
    pub async fn sleep(&self) {
        self.signal("STOP").await;
    }

    /// Wakes it again.
    pub async fn wake(&self) {
        self.signal("CONT").await;
    }

    async fn signal(&self, name: &str) {
        let id = self.child.id().expect("it runs").to_string();
        let sent = Command::new("sh")
            .args(["-c", "kill -\"$1\" \"$0\"", &id, name])
            .status()
            .await;
        assert!(sent.expect("sh is there").success());
    }

    /// Waits for the end; its exit code and what it printed after what was read.
    pub async fn end(mut self) -> (Option<i32>, String) {
        let status = within("the end of the program", self.child.wait())
            .await
            .expect("it ran");
        let mut rest = String::new();
        while let Ok(Some(line)) = self.out.next_line().await {
            rest += &line;
            rest.push('\n');
        }
        (status.code(), rest)
    }
}
