"""Where a decision came from: which moments weighed in it, and what it would be without a part of the sound."""

from edge_ser.explanation.explanation import Explanation, Occlusion
from edge_ser.explanation.files import check_writable, write
from edge_ser.explanation.occlusion import EXPLAINED_SECONDS, explain

__all__ = ["EXPLAINED_SECONDS", "Explanation", "Occlusion", "check_writable", "explain", "write"]
