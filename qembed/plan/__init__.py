"""Memory: where in the one arena every activation lies. Pure functions, no files, no target."""

from qembed.plan.check import check
from qembed.plan.demand import Demand, Overlap, Traversal, element_wise
from qembed.plan.memory import Layer, Plan, least_bytes, plan_memory

__all__ = [
    "Demand",
    "Layer",
    "Overlap",
    "Plan",
    "Traversal",
    "check",
    "element_wise",
    "least_bytes",
    "plan_memory",
]
