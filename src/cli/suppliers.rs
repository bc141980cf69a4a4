//! `ringback suppliers`: who sells numbers to a running gateway, which of them are left alone or put aside, and how they fare.

use clap::Subcommand;
use serde_json::json;

use super::Failure;
use super::operate::AdminAt;
use super::table::table;

#[derive(Subcommand)]
pub enum Suppliers {
    /// List the suppliers: whether they are asked, how many of their latest rentals got a code, what is open there.
    Ls {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        admin: AdminAt,
    },
    /// Ask a supplier what it sells numbers for: the catalogue's services go by these names.
    Services {
        /// The supplier.
        name: String,
        #[command(flatten)]
        admin: AdminAt,
    },
}

pub async fn run(suppliers: Suppliers) -> Result<(), Failure> {
    match suppliers {
        Suppliers::Ls { json, admin } => ls(json, admin).await,
        Suppliers::Services { name, admin } => services(&name, admin).await,
    }
}

async fn services(name: &str, admin: AdminAt) -> Result<(), Failure> {
    let path = format!("/admin/suppliers/{name}/services");
    let answer = admin.gateway()?.get(&path).await?.ok()?;
    let services = answer["services"].as_array().map_or(&[][..], Vec::as_slice);
    print!("{}", table(&["serviceName", "capability"], services));
    Ok(())
}

async fn ls(json: bool, admin: AdminAt) -> Result<(), Failure> {
    let mut answer = admin.gateway()?.get("/admin/suppliers").await?.ok()?;
    if json {
        println!("{answer}");
        return Ok(());
    }
    let suppliers = answer["suppliers"]
        .as_array_mut()
        .map(std::mem::take)
        .unwrap_or_default();
    if suppliers.is_empty() {
        println!("no [[supplier]] is configured, so numbers are our own alone");
        return Ok(());
    }
    let rows: Vec<_> = suppliers
        .into_iter()
        .map(|mut supplier| {
            supplier["codes"] = json!(format!("{} of {}", supplier["heard"], supplier["judged"]));
            supplier
        })
        .collect();
    let columns = [
        "name",
        "kind",
        "state",
        "reason",
        "until",
        "codes",
        "rented",
        "unsettled",
        "priceMax",
    ];
    print!("{}", table(&columns, &rows));
    Ok(())
}
