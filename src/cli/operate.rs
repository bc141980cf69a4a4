//! How the operator's commands reach the admin listener of a running gateway.

use std::path::PathBuf;

use clap::Args;

use super::Failure;
use super::call::Gateway;
use super::serve::ConfigFile;
use crate::config::{self, Layers};

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

    pub fn gateway(self) -> Result<Gateway, Failure> {
        let config = config::load(Layers::of_process(self.config.config)).map_err(Failure::usage)?;
        let url = self
            .admin_url
            .unwrap_or_else(|| format!("http://{}", config.admin.listen));
        let folder = self.data.unwrap_or(config.store.folder);
        let path = folder.join("admin.token");
        let token = std::fs::read_to_string(&path).map_err(|e| {
            Failure::unavailable(format!(
                "{}: {e}. Is the gateway running, and is this its data folder?",
                path.display()
            ))
        })?;
        Gateway::new(&url, token.trim())
    }
}
