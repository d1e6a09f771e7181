"""A session of agents that have never seen Git: create, commit, fork, commit on each, merge some back, read, restore.

    packhouse serve                                          # in another terminal; it prints the admin token
    PACKHOUSE_SERVER=http://127.0.0.1:8787 PACKHOUSE_TOKEN=… python examples/agent_session.py

Every step is a request over REST, made by the client in `packhouse_client`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import trio

from packhouse_client import AsyncClient
from packhouse_client.changes import write
from packhouse_client.types import Person

BRANCH = "main"
AT_ONCE = 32
"""So many agents ask at a time; the others wait for their turn."""

AGENT = Person("An Agent", "agent@example.org")


async def session(client: AsyncClient, fork_count: int, merge_count: int) -> None:
    """All of it, on a repository of its own, which is deleted in the end with its forks."""
    made = await client.repos.create(description="A session of agents")
    repository = client.repo(made.id)
    print(f"repository {made.id}")
    try:
        first = await repository.commits.create(
            BRANCH, "Begin", [write("README.md", "# Plan\n"), write("src/main.py", "print('hello')\n")], author=AGENT
        )
        before = (await anext(aiter(repository.history()))).manifest

        with timed(f"{fork_count:,} forks in one request"):
            forks = (await repository.fork_many(fork_count)).forks

        with timed(f"{fork_count:,} commits, one on each fork"):
            await commit_on_each(client, [fork.id for fork in forks], first.commit)

        with timed(f"{merge_count} forks merged back"):
            for fork in forks[:merge_count]:
                await repository.merge(BRANCH, BRANCH, source_repo=fork.id, author=AGENT)

        paths = [item.path async for item in repository.tree(BRANCH, "notes")]
        commits = [commit async for commit in repository.commits.log(BRANCH)]
        print(f"{len(paths)} notes by agents; the newest commit: {commits[0].message.strip()!r}")
        check(len(paths) == merge_count, "each fork that was merged has brought its note")

        await repository.restore(manifest=before)
        restored = await anext(aiter(repository.commits.log(BRANCH)))
        print(f"restored to {restored.sha[:10]}, {restored.message.strip()!r}")
        check(restored.sha == first.commit, "the branch stands where it stood before the merges")
    finally:
        await repository.delete(cascade=True)


async def commit_on_each(client: AsyncClient, forks: Sequence[str], parent: str) -> None:
    """One commit on each, so many at a time."""
    limit = trio.CapacityLimiter(AT_ONCE)

    async def commit(number: int, fork_id: str) -> None:
        async with limit:
            note = write(f"notes/{number:04}.md", f"Agent {number} was here.\n")
            await client.repo(fork_id).commits.create(BRANCH, f"Note {number}", [note], parent=parent, author=AGENT)

    async with trio.open_nursery() as nursery:
        for number, fork_id in enumerate(forks):
            nursery.start_soon(commit, number, fork_id)


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long it took."""
    start_s = time.perf_counter()
    yield
    print(f"{what}: {time.perf_counter() - start_s:.2f} s")


def check(holds: bool, what: str) -> None:
    """An example that does not do what it says is to fail."""
    if not holds:
        raise SystemExit(f"it does not hold that {what}")


async def main(arguments: argparse.Namespace) -> None:
    """Server and token come from the environment, or from `packhouse login`."""
    async with AsyncClient() as client:
        await session(client, arguments.forks, arguments.merges)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--forks", type=int, default=1000)
    parser.add_argument("--merges", type=int, default=50)
    trio.run(main, parser.parse_args())
