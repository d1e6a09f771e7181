//! Objects for Python: names, zlib, deltas, parsed commits, trees and tags, and object checks.

use crate::args::{Format, Input, KindName, Severities, oid_bytes};
use crate::errors::{detached, to_py};
use packhouse_object::edges::{for_each_edge, tree_entries};
use packhouse_object::fsck::{self, Severity, SpecialFile};
use packhouse_object::{Kind, delta, parse, zlib};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

type PyOid<'py> = Bound<'py, PyBytes>;
type PyHeader<'py> = (Bound<'py, PyBytes>, Bound<'py, PyBytes>);

#[pyfunction]
#[pyo3(signature = (kind, content, *, object_format))]
fn hash_object<'py>(py: Python<'py>, kind: KindName, content: Input, object_format: Format) -> PyResult<PyOid<'py>> {
    let oid = detached(py, || packhouse_object::hash_object(object_format.0, kind.0, &content))?;
    Ok(oid_bytes(py, &oid))
}

#[pyfunction]
#[pyo3(signature = (data, crc = 0))]
fn crc32(py: Python<'_>, data: Input, crc: u32) -> u32 {
    py.detach(|| {
        let mut hasher = crc32fast::Hasher::new_with_initial(crc);
        hasher.update(&data);
        hasher.finalize()
    })
}

#[pyfunction]
#[pyo3(signature = (stream, *, size, max_bytes))]
fn inflate<'py>(py: Python<'py>, stream: Input, size: u64, max_bytes: u64) -> PyResult<(Bound<'py, PyBytes>, usize)> {
    let (content, used) = detached(py, || zlib::inflate(&stream, size, max_bytes))?;
    Ok((PyBytes::new(py, &content), used))
}

#[pyfunction]
#[pyo3(signature = (content, *, level = 6))]
fn deflate(py: Python<'_>, content: Input, level: u32) -> PyResult<Bound<'_, PyBytes>> {
    if level > zlib::MAX_LEVEL {
        return Err(PyValueError::new_err(format!("compression level {level}, the highest is {}", zlib::MAX_LEVEL)));
    }
    Ok(PyBytes::new(py, &py.detach(|| zlib::deflate(&content, level))))
}

#[pyfunction]
#[pyo3(signature = (base, delta, *, max_result_bytes))]
fn apply_delta<'py>(
    py: Python<'py>,
    base: Input,
    delta: Input,
    max_result_bytes: u64,
) -> PyResult<Bound<'py, PyBytes>> {
    let result = detached(py, || delta::apply(&base, &delta, max_result_bytes))?;
    Ok(PyBytes::new(py, &result))
}

#[pyfunction]
#[pyo3(signature = (base, target, *, max_delta_bytes))]
fn encode_delta<'py>(
    py: Python<'py>,
    base: Input,
    target: Input,
    max_delta_bytes: usize,
) -> Option<Bound<'py, PyBytes>> {
    let delta = py.detach(|| delta::encode(&base, &target, max_delta_bytes))?;
    Some(PyBytes::new(py, &delta))
}

type PyCommit<'py> =
    (PyOid<'py>, Vec<PyOid<'py>>, Bound<'py, PyBytes>, Bound<'py, PyBytes>, Vec<PyHeader<'py>>, Bound<'py, PyBytes>);

#[pyfunction]
#[pyo3(signature = (content, *, object_format))]
fn parse_commit<'py>(py: Python<'py>, content: Input, object_format: Format) -> PyResult<PyCommit<'py>> {
    let commit = parse::commit(object_format.0, &content).map_err(to_py)?;
    let header = |(key, value): &parse::Header<'_>| (PyBytes::new(py, key), PyBytes::new(py, value));
    Ok((
        oid_bytes(py, &commit.tree),
        commit.parents.iter().map(|parent| oid_bytes(py, parent)).collect(),
        PyBytes::new(py, &commit.author),
        PyBytes::new(py, &commit.committer),
        commit.others.iter().map(header).collect(),
        PyBytes::new(py, commit.message),
    ))
}

#[pyfunction]
#[pyo3(signature = (content, *, object_format))]
fn parse_tree<'py>(
    py: Python<'py>,
    content: Input,
    object_format: Format,
) -> PyResult<Vec<(u32, Bound<'py, PyBytes>, PyOid<'py>)>> {
    let entries = tree_entries(object_format.0, &content);
    let entries = entries.map(|entry| {
        let entry = entry.map_err(to_py)?;
        Ok((entry.mode, PyBytes::new(py, entry.name), oid_bytes(py, &entry.oid)))
    });
    entries.collect()
}

type PyTag<'py> = (PyOid<'py>, &'static str, Bound<'py, PyBytes>, Option<Bound<'py, PyBytes>>, Bound<'py, PyBytes>);

#[pyfunction]
#[pyo3(signature = (content, *, object_format))]
fn parse_tag<'py>(py: Python<'py>, content: Input, object_format: Format) -> PyResult<PyTag<'py>> {
    let tag = parse::tag(object_format.0, &content).map_err(to_py)?;
    Ok((
        oid_bytes(py, &tag.target),
        tag.kind.name(),
        PyBytes::new(py, &tag.name),
        tag.tagger.map(|tagger| PyBytes::new(py, &tagger)),
        PyBytes::new(py, tag.message),
    ))
}

#[pyfunction]
#[pyo3(signature = (kind, content, *, object_format))]
fn object_edges<'py>(
    py: Python<'py>,
    kind: KindName,
    content: Input,
    object_format: Format,
) -> PyResult<Vec<(PyOid<'py>, &'static str)>> {
    let mut edges = Vec::new();
    let visit = |oid, kind: Kind| {
        edges.push((oid_bytes(py, &oid), kind.name()));
        Ok(())
    };
    for_each_edge(object_format.0, kind.0, &content, visit).map_err(to_py)?;
    Ok(edges)
}

#[pyfunction]
#[pyo3(signature = (kind, content, *, object_format, severities = None, special_file = None))]
fn check_object(
    py: Python<'_>,
    kind: KindName,
    content: Input,
    object_format: Format,
    severities: Option<Severities>,
    special_file: Option<Special>,
) -> Vec<(&'static str, &'static str, String)> {
    let policy = severities.unwrap_or_default().0;
    py.detach(|| {
        let mut found = Vec::new();
        let mut report =
            |severity: Severity, id, sentence: &str| found.push((severity.name(), id, sentence.to_owned()));
        fsck::check(&policy, object_format.0, kind.0, &content, &mut report, |_, _| ());
        if let (Kind::Blob, Some(Special(file))) = (kind.0, special_file) {
            fsck::check_special(&policy, file, &content, &mut report);
        }
        found
    })
}

/// A `special_file` argument.
struct Special(SpecialFile);

impl<'py> FromPyObject<'_, 'py> for Special {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        match object.extract::<String>()?.as_str() {
            ".gitmodules" => Ok(Self(SpecialFile::Gitmodules)),
            ".gitattributes" => Ok(Self(SpecialFile::Gitattributes)),
            other => Err(PyValueError::new_err(format!("not a special file: {other:?}"))),
        }
    }
}

/// Add the functions to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(hash_object, module)?)?;
    module.add_function(wrap_pyfunction!(crc32, module)?)?;
    module.add_function(wrap_pyfunction!(inflate, module)?)?;
    module.add_function(wrap_pyfunction!(deflate, module)?)?;
    module.add_function(wrap_pyfunction!(apply_delta, module)?)?;
    module.add_function(wrap_pyfunction!(encode_delta, module)?)?;
    module.add_function(wrap_pyfunction!(parse_commit, module)?)?;
    module.add_function(wrap_pyfunction!(parse_tree, module)?)?;
    module.add_function(wrap_pyfunction!(parse_tag, module)?)?;
    module.add_function(wrap_pyfunction!(object_edges, module)?)?;
    module.add_function(wrap_pyfunction!(check_object, module)?)
}
