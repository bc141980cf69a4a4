//! `serve`, `check-config` and `print-config`.

use std::path::PathBuf;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::Failure;
use crate::app::{self, Start};
use crate::config::{self, Config, Layers};
use crate::telemetry;

#[derive(Args)]
pub struct Serve {
    #[command(flatten)]
    config: ConfigFile,
    /// Listen here instead of at `server.listen`.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Keep the data here instead of in `store.folder`.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

#[derive(Args, Clone)]
pub struct ConfigFile {
    /// The configuration file; without one the built-in defaults and the environment count.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Args)]
pub struct PrintConfig {
    #[command(flatten)]
    config: ConfigFile,
    /// Put stars for everything secret.
    #[arg(long)]
    redact: bool,
}

/// Runs until SIGTERM or SIGINT.
pub async fn serve(arguments: Serve) -> Result<(), Failure> {
    let config = load(arguments)?;
    telemetry::start_logging(&config.log.filter, config.log.json).map_err(Failure::usage)?;
    let stop = stop_signal()?;
    let running = app::start(&config, Start::default())
        .await
        .map_err(Failure::unavailable)?;
    tracing::info!(address = %running.address, admin = %running.admin_address, "serving");
    if running.gateway.store().live().counts().keys == 0 {
        tracing::warn!("there is no API key yet: make one with `ringback keys create --account NAME`");
    }
    if config.source.is_empty() {
        tracing::warn!("no [[source]] is configured, so no carrier can post here");
    }
    stop.await;
    tracing::info!("stopping: held polls answer pending, requests in work finish");
    let cut = running.stop().await;
    tracing::info!(connections_cut = cut, "stopped");
    Ok(())
}

fn load(arguments: Serve) -> Result<Config, Failure> {
    let mut layers = Layers::of_process(arguments.config.config);
    if let Some(listen) = arguments.listen {
        layers.set_flag("server", "listen", listen);
    }
    if let Some(folder) = arguments.data {
        layers.set_flag("store", "folder", folder.display().to_string());
    }
    config::load(layers).map_err(Failure::usage)
}

/// Listens for SIGTERM and SIGINT from now on; the future ends with the first of them. Called before anything says that it is
/// ready: a signal that comes right after that must drain and not kill.
pub fn stop_signal() -> Result<impl Future<Output = ()>, Failure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::failed)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

pub fn check_config(file: ConfigFile) -> Result<(), Failure> {
    let config = config::load(Layers::of_process(file.config)).map_err(Failure::usage)?;
    app::check(&config).map_err(Failure::usage)?;
    println!(
        "ok: {} sources, {} services, {} numbers",
        config.source.len(),
        config.service.len(),
        config.number.len()
    );
    Ok(())
}

pub fn print_config(arguments: PrintConfig) -> Result<(), Failure> {
    let table = config::resolved(Layers::of_process(arguments.config.config)).map_err(Failure::usage)?;
    let table = if arguments.redact {
        config::redacted(table)
    } else {
        table
    };
    print!("{}", toml::to_string_pretty(&table).map_err(Failure::failed)?);
    Ok(())
}
