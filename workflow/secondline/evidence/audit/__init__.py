"""Forensic checks: figures of a paper compared with each other, one module per theme."""

from secondline.evidence.audit.audit import audit_project, check_audit
from secondline.evidence.audit.finding import AUDIT_COLUMNS, Finding

__all__ = ["AUDIT_COLUMNS", "Finding", "audit_project", "check_audit"]
