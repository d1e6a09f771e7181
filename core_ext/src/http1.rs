//! HTTP/1.1 for Python: heads of requests, chunked bodies, heads of answers.
//!
//! A request needs each of these once, on the event loop: names and methods that everybody sends are made once.

use crate::args::Input;
use hashbrown::HashMap;
use packhouse_http1::{BodyFraming, ChunkedBody as Chunks, Error, FieldSpace, Head, Response, Version};
use pyo3::create_exception;
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};

create_exception!(
    core_ext,
    HttpError,
    PyValueError,
    "A request that is refused: `status` is the answer's, `sentence` says why."
);

/// What Git, curl, browsers, proxies and our own clients send, as most of them spell it.
const COMMON_NAMES: &[&str] = &[
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Authorization",
    "Cache-Control",
    "Connection",
    "Content-Encoding",
    "Content-Length",
    "Content-Type",
    "Cookie",
    "Expect",
    "Forwarded",
    "Git-Protocol",
    "Host",
    "Idempotency-Key",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "Last-Event-ID",
    "Origin",
    "Pragma",
    "Range",
    "Referer",
    "Traceparent",
    "Transfer-Encoding",
    "Upgrade",
    "User-Agent",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Real-IP",
    "X-Request-ID",
];

/// The head of a request. Frozen.
#[pyclass(frozen, get_all, module = "core_ext")]
struct RequestHead {
    size: usize,
    method: Py<PyString>,
    path: Py<PyString>,
    raw_path: Py<PyBytes>,
    query_string: Py<PyBytes>,
    http_version: Py<PyString>,
    headers: Py<PyList>,
    body_bytes: Option<u64>,
    keeps_alive: bool,
    awaits_continue: bool,
    upgrade: Option<Py<PyBytes>>,
}

impl RequestHead {
    fn new(py: Python<'_>, head: &Head<'_, '_>) -> PyResult<Self> {
        let (target, facts) = (&head.target, &head.facts);
        Ok(Self {
            size: head.size,
            method: method(py, head.method).unbind(),
            path: PyString::new(py, &target.path()).unbind(),
            raw_path: PyBytes::new(py, target.raw_path).unbind(),
            query_string: PyBytes::new(py, target.query).unbind(),
            http_version: version_name(py, head.version).clone().unbind(),
            headers: headers(py, head)?.unbind(),
            body_bytes: facts.body_bytes,
            keeps_alive: facts.keeps_alive,
            awaits_continue: facts.awaits_continue,
            upgrade: facts.upgrade.as_ref().map(|value| PyBytes::new(py, &value.to_ascii_lowercase()).unbind()),
        })
    }
}

fn method<'py>(py: Python<'py>, method: &str) -> Bound<'py, PyString> {
    let common = match method {
        "GET" => intern!(py, "GET"),
        "POST" => intern!(py, "POST"),
        "HEAD" => intern!(py, "HEAD"),
        "PUT" => intern!(py, "PUT"),
        "PATCH" => intern!(py, "PATCH"),
        "DELETE" => intern!(py, "DELETE"),
        "OPTIONS" => intern!(py, "OPTIONS"),
        _ => return PyString::new(py, method),
    };
    common.clone()
}

fn version_name(py: Python<'_>, version: Version) -> &Bound<'_, PyString> {
    match version {
        Version::Http10 => intern!(py, "1.0"),
        Version::Http11 => intern!(py, "1.1"),
    }
}

fn headers<'py>(py: Python<'py>, head: &Head<'_, '_>) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for (name, value) in head.fields() {
        list.append(PyTuple::new(py, [header_name(py, name), PyBytes::new(py, value)])?)?;
    }
    Ok(list)
}

/// The name in lower case.
fn header_name<'py>(py: Python<'py>, name: &str) -> Bound<'py, PyBytes> {
    static COMMON: PyOnceLock<HashMap<String, Py<PyBytes>>> = PyOnceLock::new();
    match COMMON.get_or_init(py, || common_names(py)).get(name) {
        Some(common) => common.bind(py).clone(),
        None => PyBytes::new(py, name.to_ascii_lowercase().as_bytes()),
    }
}

/// By both spellings, so that a look-up makes nothing.
fn common_names(py: Python<'_>) -> HashMap<String, Py<PyBytes>> {
    let spelled = |name: &&str| {
        let lower = name.to_ascii_lowercase();
        let made = PyBytes::new(py, lower.as_bytes()).unbind();
        [((*name).to_owned(), made.clone_ref(py)), (lower, made)]
    };
    COMMON_NAMES.iter().flat_map(spelled).collect()
}

#[pyfunction]
#[pyo3(signature = (data, /, *, max_bytes, max_headers))]
fn parse_request_head(
    py: Python<'_>,
    data: Input,
    max_bytes: usize,
    max_headers: usize,
) -> PyResult<Option<RequestHead>> {
    let mut space = FieldSpace::new(max_headers);
    let head = Head::parse(&data, max_bytes, &mut space).map_err(|error| to_py(py, &error))?;
    head.map(|head| RequestHead::new(py, &head)).transpose()
}

/// Takes the payload out of a chunked body, in whatever pieces it arrives.
#[pyclass(module = "core_ext")]
struct ChunkedBody {
    chunks: Chunks,
}

#[pymethods]
impl ChunkedBody {
    #[new]
    #[pyo3(signature = (*, max_line_bytes, max_trailer_bytes))]
    fn new(max_line_bytes: usize, max_trailer_bytes: usize) -> Self {
        Self { chunks: Chunks::new(max_line_bytes, max_trailer_bytes) }
    }

    #[pyo3(signature = (data, /))]
    fn read<'py>(&mut self, py: Python<'py>, data: &Bound<'py, PyAny>) -> PyResult<(Bound<'py, PyBytes>, usize)> {
        let input: Input = data.extract()?;
        let (runs, used) = self.chunks.read(&input).map_err(|error| to_py(py, &error))?;
        let payload = match runs[..] {
            // In the middle of a large chunk all of it is payload, and nothing is copied.
            [run] if run.len() == input.len() && data.is_exact_instance_of::<PyBytes>() => {
                data.cast::<PyBytes>()?.clone()
            }
            [run] => PyBytes::new(py, run),
            _ => PyBytes::new(py, &runs.concat()),
        };
        Ok((payload, used))
    }

    #[getter]
    fn is_complete(&self) -> bool {
        self.chunks.is_complete()
    }
}

#[pyfunction]
#[pyo3(signature = (status, headers, *, request_method, http_version, keeps_alive, date))]
fn encode_response_head<'py>(
    py: Python<'py>,
    status: u16,
    headers: &Bound<'py, PyAny>,
    request_method: PyBackedStr,
    http_version: PyBackedStr,
    keeps_alive: bool,
    date: PyBackedBytes,
) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyString>, bool)> {
    let version = version_of(&http_version)?;
    let response = Response { status, request_method: &request_method, version, keeps_alive };
    let mut head = packhouse_http1::ResponseHead::new(&response).map_err(PyValueError::new_err)?;
    for pair in headers.try_iter()? {
        let (name, value): (PyBackedBytes, PyBackedBytes) = pair?.extract()?;
        head.field(&name, &value).map_err(PyValueError::new_err)?;
    }
    let (bytes, framing, stays) = head.finish(&date).map_err(PyValueError::new_err)?;
    Ok((PyBytes::new(py, &bytes), framing_name(py, framing).clone(), stays))
}

fn version_of(name: &str) -> PyResult<Version> {
    match name {
        "1.0" => Ok(Version::Http10),
        "1.1" => Ok(Version::Http11),
        other => Err(PyValueError::new_err(format!("neither \"1.0\" nor \"1.1\": {other:?}"))),
    }
}

fn framing_name(py: Python<'_>, framing: BodyFraming) -> &Bound<'_, PyString> {
    match framing {
        BodyFraming::Length => intern!(py, "length"),
        BodyFraming::Chunked => intern!(py, "chunked"),
        BodyFraming::Close => intern!(py, "close"),
        BodyFraming::None => intern!(py, "none"),
    }
}

/// The exception for a refusal, with what an answer is made of as attributes.
fn to_py(py: Python<'_>, refusal: &Error) -> PyErr {
    let error = HttpError::new_err(refusal.sentence.clone().into_owned());
    let value = error.value(py);
    let set = value.setattr("status", refusal.status).and_then(|()| value.setattr("sentence", &*refusal.sentence));
    set.err().unwrap_or(error)
}

/// Add the exception, the classes and the functions to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("HttpError", module.py().get_type::<HttpError>())?;
    module.add_class::<RequestHead>()?;
    module.add_class::<ChunkedBody>()?;
    module.add_function(wrap_pyfunction!(parse_request_head, module)?)?;
    module.add_function(wrap_pyfunction!(encode_response_head, module)?)
}
