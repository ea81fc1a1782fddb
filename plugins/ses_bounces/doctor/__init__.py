"""The doctor: is the feed alive, is anything stuck? Findings with a severity, a meaning, and what to do."""
