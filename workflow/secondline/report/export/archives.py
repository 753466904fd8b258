"""Office documents are zip archives: the same document gives the same bytes."""

from datetime import datetime
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

EPOCH = datetime(1980, 1, 1)  # the earliest date of a zip archive: documents have one, results have no times


def without_times(content: bytes) -> bytes:
    """Pack an archive anew, in the same order, with the earliest date for every member."""
    result = BytesIO()
    with ZipFile(BytesIO(content)) as old, ZipFile(result, "w", ZIP_DEFLATED) as new:
        for member in old.infolist():
            entry = ZipInfo(member.filename, EPOCH.timetuple()[:6])
            entry.compress_type = ZIP_DEFLATED
            new.writestr(entry, old.read(member))
    return result.getvalue()
