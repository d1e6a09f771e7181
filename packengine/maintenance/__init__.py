"""Maintenance: what keeps a data folder fast and small, beside the requests and after them (design, section 6)."""

from packengine.maintenance.collector import CollectionPlan, CollectionReport, Collector, RepositoryGarbage
from packengine.maintenance.figures import Derivation, MaintenancePlan, MaintenanceReport
from packengine.maintenance.lease import LeaseHeld, LeaseLost, MaintenanceLease
from packengine.maintenance.maintainer import Maintainer
from packengine.maintenance.named import CollectionRefused
from packengine.maintenance.schedule import FAILURES, Schedule
from packengine.maintenance.sweep import Deleted

__all__ = [
    "FAILURES",
    "CollectionPlan",
    "CollectionRefused",
    "CollectionReport",
    "Collector",
    "Deleted",
    "Derivation",
    "LeaseHeld",
    "LeaseLost",
    "Maintainer",
    "MaintenanceLease",
    "MaintenancePlan",
    "MaintenanceReport",
    "RepositoryGarbage",
    "Schedule",
]
