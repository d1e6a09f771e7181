"""What `packhouse maintain` says: to people, and as items of JSON."""

from __future__ import annotations

from packengine.maintenance import CollectionPlan, CollectionReport, MaintenancePlan, MaintenanceReport
from server.cli.output import size_text


def plan_text(plan: MaintenancePlan) -> str:
    """A line for the repository, and one for each thing to do."""
    todo = ", nothing to do" if plan.is_empty else ":"
    first = f"{plan.repository_id}: {_counted(plan.pack_count, 'pack')}, {plan.object_count} objects{todo}"
    merges = (
        f"  merge {len(run.packs)} packs of {run.object_count} objects, {size_text(run.size_bytes)}"
        for run in plan.runs
    )
    files = (
        f"  write {', '.join(kind.value for kind in lack.kinds)} of pack {lack.pack.digest.hex()} "
        f"with {lack.pack.object_count} objects"
        for lack in plan.derivations
    )
    return "\n".join((first, *merges, *files))


def plan_item(plan: MaintenancePlan) -> dict[str, object]:
    """A plan for programs."""
    return {
        "id": plan.repository_id,
        "packs": plan.pack_count,
        "objects": plan.object_count,
        "merges": [
            {"packs": len(run.packs), "objects": run.object_count, "sizeBytes": run.size_bytes} for run in plan.runs
        ],
        "derived": [
            {"pack": lack.pack.digest.hex(), "objects": lack.pack.object_count, "files": [k.value for k in lack.kinds]}
            for lack in plan.derivations
        ],
    }


def report_text(report: MaintenanceReport) -> str:
    """One line."""
    did = [f"{report.merged_packs} packs merged"] if report.merged_packs else []
    did += [f"{_counted(report.derived_files, 'file')} written"] if report.derived_files else []
    packs = _counted(report.packs_after, "pack")
    return f"{report.repository_id}: {packs}, {', '.join(did) or 'nothing to do'}, {report.duration_s:.1f} s"


def report_item(report: MaintenanceReport) -> dict[str, object]:
    """A report for programs."""
    return {
        "id": report.repository_id,
        "packsBefore": report.packs_before,
        "packsAfter": report.packs_after,
        "mergedPacks": report.merged_packs,
        "mergedObjects": report.merged_objects,
        "derivedFiles": report.derived_files,
        "durationMs": round(report.duration_s * 1000, 1),
    }


def collection_plan_text(plan: CollectionPlan) -> str:
    """What a collection would do; the repositories first, of which something would be left out."""
    lines = [
        f"{each.repository_id}: {each.object_count} objects that nothing keeps; "
        f"packs of {size_text(each.size_bytes)} written anew without them"
        for each in plan.garbage
    ]
    lines.append(
        f"unnamed: {plan.unnamed_rows} rows, {_counted(plan.unnamed_blobs, 'blob')}; to be deleted now: "
        f"{plan.due_rows} rows, {_counted(plan.due_blobs, 'blob')}, {size_text(plan.due_bytes)}"
    )
    if plan.held_up_by is not None:
        lines.append(f"held up by reader {plan.held_up_by}, which has something older open")
    return "\n".join(lines)


def collection_plan_item(plan: CollectionPlan) -> dict[str, object]:
    """The same for programs."""
    return {
        "garbage": [
            {"id": each.repository_id, "objects": each.object_count, "sizeBytes": each.size_bytes}
            for each in plan.garbage
        ],
        "unnamedRows": plan.unnamed_rows,
        "unnamedBlobs": plan.unnamed_blobs,
        "dueRows": plan.due_rows,
        "dueBlobs": plan.due_blobs,
        "dueBytes": plan.due_bytes,
        "heldUpBy": plan.held_up_by,
    }


def collection_text(report: CollectionReport) -> str:
    """One line."""
    deleted = report.deleted
    return (
        f"collected: {report.objects_left_out} objects left out of {report.rewritten} repositories, "
        f"{report.condemned} stored things condemned, {deleted.rows} rows and {_counted(deleted.blobs, 'blob')} "
        f"deleted, {size_text(deleted.size_bytes)}, {report.duration_s:.1f} s"
    )


def collection_item(report: CollectionReport) -> dict[str, object]:
    """The same for programs."""
    return {
        "rewritten": report.rewritten,
        "passedOver": report.passed_over,
        "objectsLeftOut": report.objects_left_out,
        "condemned": report.condemned,
        "givenUp": report.given_up,
        "deletedRows": report.deleted.rows,
        "deletedBlobs": report.deleted.blobs,
        "deletedDerivedFiles": report.deleted.derived_files,
        "deletedBytes": report.deleted.size_bytes,
        "durationMs": round(report.duration_s * 1000, 1),
    }


def count_text(count: int, of_which: int, what: str) -> str:
    """The last line where not every repository has one of its own."""
    return f"{count} repositor{'y' if count == 1 else 'ies'}, {of_which} {what}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
