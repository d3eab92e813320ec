"""HTTP in: routes per audience, and nothing of the trade itself."""

from api.app import create

__all__ = ["create"]
