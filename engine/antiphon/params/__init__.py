"""The parameter table: the only place where a control is defined."""

from .spec import Param, Registry, Value
from .table import REGISTRY, TABLE

__all__ = ["REGISTRY", "TABLE", "Param", "Registry", "Value"]
