"""How the kernel calls are compiled: cffi in API mode, one small extension module `packengine.kernel._linux`.

Each wrapper returns 0 or an errno value, so that the error travels with the result and not in thread state.
cffi releases the GIL around the calls.
"""

from cffi import FFI

ffi = FFI()

ffi.cdef("""
    int ph_rename_noreplace(const char *source, const char *target);
    int ph_start_writeback(int fd, int64_t offset, int64_t length);
""")

ffi.set_source(
    "packengine.kernel._linux",
    r"""
    #include <errno.h>
    #include <fcntl.h>
    #include <stdint.h>
    #include <sys/syscall.h>
    #include <unistd.h>

    /* By number: musl has no wrapper, and glibc's came later than the system call. */
    #define PH_RENAME_NOREPLACE 1u

    static int ph_rename_noreplace(const char *source, const char *target)
    {
        long rc = syscall(SYS_renameat2, AT_FDCWD, source, AT_FDCWD, target, PH_RENAME_NOREPLACE);
        return rc == 0 ? 0 : errno;
    }

    static int ph_start_writeback(int fd, int64_t offset, int64_t length)
    {
        return sync_file_range(fd, offset, length, SYNC_FILE_RANGE_WRITE) == 0 ? 0 : errno;
    }
    """,
    define_macros=[("_GNU_SOURCE", "1")],
)

if __name__ == "__main__":
    ffi.compile(verbose=True)
