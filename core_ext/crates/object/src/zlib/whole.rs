//! libdeflate on a whole stream, with the count of bytes it consumed, which the safe wrapper does not tell.
//!
//! `unsafe` is allowed here for the calls into C: the pointers come from live slices together with their lengths, the
//! decompressor is owned by one thread, and a `Vec` is only declared as long as the library says it wrote.
#![allow(unsafe_code)]

use libdeflate_sys::{
    libdeflate_alloc_decompressor, libdeflate_decompressor, libdeflate_free_decompressor, libdeflate_result,
    libdeflate_result_LIBDEFLATE_SUCCESS as SUCCESS, libdeflate_zlib_decompress_ex,
};
use std::ptr::NonNull;

thread_local! {
    static DECOMPRESSOR: Decompressor = Decompressor::new();
}

/// Inflate the stream at the start of `input` into at most `size` bytes, which replace the content of `out`.
///
/// Returns the length of the stream, or `None` if it is damaged, too long or cut short. Which of these it is cannot be
/// told: at the end of the input the library reads on in zeros.
pub fn inflate(input: &[u8], size: usize, out: &mut Vec<u8>) -> Option<usize> {
    out.clear();
    out.reserve_exact(size);
    let (mut consumed, mut produced) = (0, 0);
    let result: libdeflate_result = DECOMPRESSOR.with(|decompressor| {
        // SAFETY: `input` is readable for its length, `out` writable for `size`, which was reserved; no other call uses
        // this thread's decompressor meanwhile.
        unsafe {
            libdeflate_zlib_decompress_ex(
                decompressor.0.as_ptr(),
                input.as_ptr().cast(),
                input.len(),
                out.as_mut_ptr().cast(),
                size,
                &raw mut consumed,
                &raw mut produced,
            )
        }
    });
    if result != SUCCESS {
        return None;
    }
    // SAFETY: on success the library has initialised the first `produced` bytes, at most `size`.
    unsafe { out.set_len(produced.min(size)) };
    Some(consumed)
}

struct Decompressor(NonNull<libdeflate_decompressor>);

impl Decompressor {
    fn new() -> Self {
        // SAFETY: takes nothing, returns a new decompressor or null.
        let raw = unsafe { libdeflate_alloc_decompressor() };
        Self(NonNull::new(raw).expect("out of memory"))
    }
}

impl Drop for Decompressor {
    fn drop(&mut self) {
        // SAFETY: allocated in `new`, freed once.
        unsafe { libdeflate_free_decompressor(self.0.as_ptr()) }
    }
}
