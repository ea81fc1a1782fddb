"""What each task of the DAGs does."""
