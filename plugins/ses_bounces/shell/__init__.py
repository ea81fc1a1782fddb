"""The shell command ``ses-bounces``: the same rules and the same ledger as the DAGs and the pages."""
