"""Memory: where in the one arena every activation lies. Pure functions, no files, no target."""

from qembed.plan.check import check
from qembed.plan.demand import Demand, Overlap, Traversal, element_wise
from qembed.plan.memory import Layer, Plan, plan_memory
from qembed.plan.problem import Problem, least_bytes, state_problem

__all__ = [
    "Demand",
    "Layer",
    "Overlap",
    "Plan",
    "Problem",
    "Traversal",
    "check",
    "element_wise",
    "least_bytes",
    "plan_memory",
    "state_problem",
]
