//! The configuration as its operator meets it: the file with its sentences and ranges, the layers in their order, what is refused and
//! how, and that nothing secret is shown.

mod config {
    pub mod command;
    pub mod file;
    pub mod layers;
    pub mod refused;
    pub mod secrets;
}
