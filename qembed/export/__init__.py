"""Graph + target -> C99: values are computed here, templates print them."""

from qembed.export.model import ModelSources, model_sources, plan_for
from qembed.export.package import ExportResult, Vectors, export_model

__all__ = [
    "ExportResult",
    "ModelSources",
    "Vectors",
    "export_model",
    "model_sources",
    "plan_for",
]
