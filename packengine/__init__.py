"""The Git engine as a library: protocol, refs, manifests and storage, without HTTP."""
