//! Files that are derived from one pack and make walks over it fast. Each can be deleted and made again.
