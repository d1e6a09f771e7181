"""A tree as one file, made while it is sent: tar.gz and zip, the same bytes each time."""

from packengine.repository.browsing.archives.archive import Archive, ArchiveFormat, ArchivePlan, plan_archive

__all__ = ["Archive", "ArchiveFormat", "ArchivePlan", "plan_archive"]
