"""Forensic checks: figures of a paper held against each other, one module a theme."""

from nma.evidence.audit.audit import audit_project, check_audit
from nma.evidence.audit.finding import AUDIT_COLUMNS, Finding

__all__ = ["AUDIT_COLUMNS", "Finding", "audit_project", "check_audit"]
