"""Maintenance: what keeps a data folder fast and small, beside the requests and after them (design, section 6)."""

from packengine.maintenance.figures import Derivation, MaintenancePlan, MaintenanceReport
from packengine.maintenance.lease import LeaseHeld, LeaseLost, MaintenanceLease
from packengine.maintenance.maintainer import Maintainer
from packengine.maintenance.schedule import Schedule

__all__ = [
    "Derivation",
    "LeaseHeld",
    "LeaseLost",
    "Maintainer",
    "MaintenanceLease",
    "MaintenancePlan",
    "MaintenanceReport",
    "Schedule",
]
