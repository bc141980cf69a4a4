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
    let running = app::start(&config, Start::default())
        .await
        .map_err(Failure::unavailable)?;
    tracing::info!(address = %running.address, admin = %running.admin_address, "serving");
    if !running.gateway.store().live().has_keys() {
        tracing::warn!("there is no API key yet: make one with `ringback keys create --account NAME`");
    }
    if config.source.is_empty() {
        tracing::warn!("no [[source]] is configured, so no carrier can post here");
    }
    stop_signal().await?;
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

/// Waits for SIGTERM or SIGINT.
pub async fn stop_signal() -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::failed)?;
    tokio::select! {
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted.map_err(Failure::failed)?,
    }
    Ok(())
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
