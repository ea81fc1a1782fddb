"""SES's own suppression list: reading it, its drift from the ledger, pushing and lifting."""
