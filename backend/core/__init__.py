"""What every room stands on: records, access, the one write path, the ledger and its relay."""
