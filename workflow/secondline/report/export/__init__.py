"""What a reader takes away: workbook, documents and archives."""
