//! The Python face of the compiled core: thin classes and functions over the crates, no logic of their own.
//!
//! Each module registers its names in the order in which `core_ext/python/core_ext/_core.pyi` declares them.

use pyo3::prelude::*;

mod args;
mod browse;
mod cancel;
mod differences;
mod errors;
mod fetch;
mod filter;
mod graph;
mod http1;
mod ingest;
mod maintain;
mod merge;
mod objects;
mod purge;
mod reading;
mod sets;
mod stream;
mod work;

#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    errors::register(module)?;
    cancel::register(module)?;
    work::register(module)?;
    objects::register(module)?;
    ingest::register(module)?;
    reading::register(module)?;
    filter::register(module)?;
    sets::register(module)?;
    stream::register(module)?;
    browse::register(module)?;
    differences::register(module)?;
    merge::register(module)?;
    maintain::register(module)?;
    http1::register(module)?;
    Ok(())
}
