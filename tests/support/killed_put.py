"""A process that puts a blob and kills itself before the operation of a given number: `killed_put DIRECTORY STEP`."""

import os
import signal
import sys
from pathlib import Path

from packengine.storage import FileBlobStore
from tests.support.lossy_disk import LossyDisk


class KillingDisk(LossyDisk):
    """Where LossyDisk loses power, the process dies by SIGKILL and leaves the files as they are."""

    def _begin(self, operation: str) -> None:
        if len(self.operations) == self.stop_before:
            os.kill(os.getpid(), signal.SIGKILL)
        super()._begin(operation)


def main(directory: Path, step: int) -> None:
    """Count the steps from the end of the store's own beginnings."""
    disk = KillingDisk()
    store = FileBlobStore(directory, disk=disk)
    disk.stop_before = len(disk.operations) + step
    store.put_bytes(b"put by a process that is killed")
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
