//! How the operator's commands reach the admin listener of a running gateway.

use std::path::PathBuf;

use clap::Args;

use super::Failure;
use super::call::Gateway;
use super::serve::ConfigFile;
use crate::config::{self, Config, Layers};

/// Where the running gateway's admin listener is.
#[derive(Args)]
pub struct AdminAt {
    #[command(flatten)]
    config: ConfigFile,
    /// The admin listener, instead of `admin.listen`.
    #[arg(long, value_name = "URL")]
    admin_url: Option<String>,
    /// The data folder that holds admin.token, instead of `store.folder`.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl AdminAt {
    /// The configuration file that was named.
    pub fn file(&self) -> Option<PathBuf> {
        self.config.config.clone()
    }

    /// The configuration with the data folder that was named.
    pub fn config(&self) -> Result<Config, Failure> {
        let mut layers = Layers::of_process(self.file());
        if let Some(folder) = &self.data {
            layers.set_flag("store", "folder", folder.display().to_string());
        }
        config::load(layers).map_err(Failure::usage)
    }

    pub fn url(&self, config: &Config) -> String {
        let url = self.admin_url.clone();
        url.unwrap_or_else(|| format!("http://{}", config.admin.listen))
    }

    pub fn gateway(self) -> Result<Gateway, Failure> {
        let config = self.config()?;
        let url = self.url(&config);
        let path = config.store.folder.join("admin.token");
        let token = std::fs::read_to_string(&path).map_err(|e| {
            Failure::unavailable(format!(
                "{}: {e}. Is the gateway running, and is this its data folder?",
                path.display()
            ))
        })?;
        Gateway::new(&url, token.trim())
    }
}
