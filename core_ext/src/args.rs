//! Arguments that many functions take: bytes-like input, object formats, kinds and ids.

use packhouse_object::fsck::{Policy, Severity};
use packhouse_object::{Kind, ObjectFormat, Oid};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyMapping, PyMemoryView};
use std::ops::Deref;

/// Bytes-like input that nobody can change while the GIL is released: `bytes` are shared, anything else is copied.
pub struct Input(PyBackedBytes);

impl Deref for Input {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl<'py> FromPyObject<'_, 'py> for Input {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = object.cast::<PyBytes>() {
            return Ok(Self(PyBackedBytes::from(bytes.to_owned())));
        }
        let copy = PyMemoryView::from(&object)?.call_method0("tobytes")?;
        Ok(Self(PyBackedBytes::from(copy.cast_into::<PyBytes>()?)))
    }
}

/// An `object_format` argument.
#[derive(Clone, Copy)]
pub struct Format(pub ObjectFormat);

impl<'py> FromPyObject<'_, 'py> for Format {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let name: String = object.extract()?;
        let unknown = || PyValueError::new_err(format!("unknown object format: {name:?}"));
        ObjectFormat::from_name(&name).map(Self).ok_or_else(unknown)
    }
}

/// A `kind` argument.
#[derive(Clone, Copy)]
pub struct KindName(pub Kind);

impl<'py> FromPyObject<'_, 'py> for KindName {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let name: String = object.extract()?;
        let unknown = || PyValueError::new_err(format!("unknown object kind: {name:?}"));
        Kind::from_name(&name).map(Self).ok_or_else(unknown)
    }
}

/// An id argument: 20 or 32 raw bytes.
#[derive(Clone, Copy)]
pub struct OidArg(pub Oid);

impl<'py> FromPyObject<'_, 'py> for OidArg {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        match object.cast::<PyBytes>() {
            Ok(bytes) => Self::of(bytes.as_bytes()), // as of thousands at once: nothing is shared for so short a look
            Err(_) => Self::of(&Input::extract(object)?),
        }
    }
}

impl OidArg {
    fn of(raw: &[u8]) -> PyResult<Self> {
        let bad = |_| PyValueError::new_err(format!("an object id has 20 or 32 bytes, not {}", raw.len()));
        Oid::from_bytes(raw).map(Self).map_err(bad)
    }
}

/// A `severities` argument: the policy that a mapping of message ids to severities makes.
#[derive(Default)]
pub struct Severities(pub Policy);

impl<'py> FromPyObject<'_, 'py> for Severities {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let pairs: Vec<(String, String)> = object.cast::<PyMapping>()?.items()?.extract()?;
        let mut overrides = Vec::with_capacity(pairs.len());
        for (id, name) in &pairs {
            let unknown = || PyValueError::new_err(format!("unknown severity of {id}: {name:?}"));
            overrides.push((id.as_str(), Severity::from_name(name).ok_or_else(unknown)?));
        }
        Policy::with(overrides).map(Self).map_err(|error| PyValueError::new_err(error.to_string()))
    }
}

/// A raw id, as Python sees it.
pub fn oid_bytes<'py>(py: Python<'py>, oid: &Oid) -> Bound<'py, PyBytes> {
    PyBytes::new(py, oid.as_bytes())
}
