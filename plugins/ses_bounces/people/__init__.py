"""Allow Group Email: switching the flag in the people table, which belongs to another application."""
