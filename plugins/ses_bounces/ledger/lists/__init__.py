"""What the pages and the JSON API show: lists, histories, counts. Read-only, each by way of an index."""
