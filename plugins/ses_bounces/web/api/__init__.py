"""The JSON API beside the pages: the same rights, the same actions; errors are problem details (RFC 9457)."""
