//! The one conversion from the core's error enum to its Python exceptions.

use packhouse_object::Error;
use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyValueError};
use pyo3::prelude::*;

create_exception!(
    core_ext,
    CoreError,
    PyException,
    "Anything that the compiled core refuses. The message says what, where and which limit."
);
create_exception!(core_ext, LimitExceeded, CoreError, "A length from outside is over its limit; no memory was taken.");
create_exception!(core_ext, CorruptObject, CoreError, "An object that does not parse or does not hash to its name.");
create_exception!(core_ext, CorruptPack, CoreError, "A pack that breaks gitformat-pack(5).");
create_exception!(core_ext, CorruptIndex, CoreError, "An idx or rev file that is damaged or contradicts its pack.");
create_exception!(core_ext, CorruptDelta, CoreError, "A delta that breaks its format or reaches beyond its base.");
create_exception!(core_ext, CorruptZlib, CoreError, "A zlib stream that does not inflate to the promised size.");
create_exception!(core_ext, CollisionDetected, CoreError, "Content that carries the mark of a SHA-1 collision attack.");
create_exception!(core_ext, FsckFailed, CoreError, "An object that a push must not bring.");
create_exception!(
    core_ext,
    MissingObject,
    CoreError,
    "An object is needed and is not visible. `args[1]` is its raw id."
);
create_exception!(core_ext, UnrelatedHistories, CoreError, "Two commits to be merged have no common ancestor.");
create_exception!(core_ext, Cancelled, CoreError, "The `Cancel` handle that was passed in has been set.");

/// The exception for an error; an I/O error becomes the `OSError` of its errno.
pub fn to_py(error: Error) -> PyErr {
    let message = error.to_string();
    match error {
        Error::CorruptObject { .. } => CorruptObject::new_err(message),
        Error::CorruptPack { .. } => CorruptPack::new_err(message),
        Error::CorruptIndex { .. } => CorruptIndex::new_err(message),
        Error::CorruptDelta { .. } => CorruptDelta::new_err(message),
        Error::CorruptZlib { .. } => CorruptZlib::new_err(message),
        Error::Limit { .. } => LimitExceeded::new_err(message),
        Error::Missing { oid } | Error::MissingEdge { oid, .. } => {
            MissingObject::new_err((message, oid.as_bytes().to_vec()))
        }
        Error::Unrelated { .. } => UnrelatedHistories::new_err(message),
        Error::Collision { .. } => CollisionDetected::new_err(message),
        Error::Fsck { .. } => FsckFailed::new_err(message),
        Error::Invalid { .. } => PyValueError::new_err(message),
        Error::Cancelled => Cancelled::new_err(message),
        Error::Io(error) => error.into(),
    }
}

/// Do long work without the GIL, and turn its error into an exception.
pub fn detached<T: Send>(py: Python<'_>, work: impl FnOnce() -> packhouse_object::Result<T> + Send) -> PyResult<T> {
    py.detach(work).map_err(to_py)
}

/// Add the exception classes to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add("CoreError", py.get_type::<CoreError>())?;
    module.add("LimitExceeded", py.get_type::<LimitExceeded>())?;
    module.add("CorruptObject", py.get_type::<CorruptObject>())?;
    module.add("CorruptPack", py.get_type::<CorruptPack>())?;
    module.add("CorruptIndex", py.get_type::<CorruptIndex>())?;
    module.add("CorruptDelta", py.get_type::<CorruptDelta>())?;
    module.add("CorruptZlib", py.get_type::<CorruptZlib>())?;
    module.add("CollisionDetected", py.get_type::<CollisionDetected>())?;
    module.add("FsckFailed", py.get_type::<FsckFailed>())?;
    module.add("MissingObject", py.get_type::<MissingObject>())?;
    module.add("UnrelatedHistories", py.get_type::<UnrelatedHistories>())?;
    module.add("Cancelled", py.get_type::<Cancelled>())
}
