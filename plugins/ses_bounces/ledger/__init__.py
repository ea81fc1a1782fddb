"""The ledger of what happened to each address, and the lists that follow from it."""
