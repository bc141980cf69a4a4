//! The services that the configuration names, and those of the file that it names: checked, and what is wrong is told with its line.

use serde::Deserialize;
use toml::Spanned;

use super::BuildError;
use crate::config::{self, Config};
use crate::core::otp::Filter;
use crate::core::service::{Capability, Service};
use crate::gateway::NewService;

/// The configured catalogue: the tables of the configuration, those of the file in the places of their names or behind them.
pub fn services(config: &Config) -> Result<Vec<Service>, BuildError> {
    let mut services = config
        .service
        .iter()
        .map(configured)
        .collect::<Result<Vec<_>, _>>()?;
    for service in from_file(&config.catalogue.file)? {
        match services.iter_mut().find(|known| known.name == service.name) {
            Some(known) => *known = service,
            None => services.push(service),
        }
    }
    let partner = &config.partner.service;
    if !partner.is_empty() && services.iter().all(|service| service.name != *partner) {
        return Err(BuildError::Config(format!(
            "`partner.service`: there is no service {partner}"
        )));
    }
    Ok(services)
}

fn configured(table: &config::Service) -> Result<Service, BuildError> {
    let refuse = |error: String| BuildError::Config(format!("service {}: {error}", table.name));
    let code = Filter::deserialize(toml::Value::Table(table.code.clone()));
    let capability = table.capability.as_deref().map(Capability::parse).transpose();
    let new = NewService {
        name: table.name.clone(),
        description: table.description.clone(),
        capability: capability
            .map_err(|e| refuse(format!("`capability`: {e}")))?
            .unwrap_or_default(),
        price: table.price.clone(),
        lifetime_s: table.lifetime_s,
        code: code.map_err(|e| refuse(format!("`code`: {}", e.message())))?,
        brands: table.brands.clone(),
    };
    new.check().map_err(refuse)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    service: Vec<Spanned<NewService>>,
}

fn from_file(path: &str) -> Result<Vec<Service>, BuildError> {
    if path.is_empty() {
        return Ok(Vec::new());
    }
    let refuse = |error: String| BuildError::Config(format!("catalogue.file: {path}{error}"));
    let text = std::fs::read_to_string(path).map_err(|e| refuse(format!(": {e}")))?;
    let line_at = |at: usize| text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
    let file: File = toml::from_str(&text).map_err(|e| {
        let line = e.span().map_or(1, |span| line_at(span.start));
        refuse(format!(":{line}: {}", e.message()))
    })?;
    let mut services: Vec<Service> = Vec::new();
    for table in file.service {
        let line = line_at(table.span().start);
        let new = table.into_inner();
        let name = new.name.clone();
        let refuse = |error: String| refuse(format!(":{line}: service {name}: {error}"));
        if services.iter().any(|known| known.name == name) {
            return Err(refuse("it is there twice: leave one of them out".into()));
        }
        services.push(new.check().map_err(refuse)?);
    }
    Ok(services)
}
