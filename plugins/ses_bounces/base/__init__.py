"""What everything stands on: settings, sites, errors, metrics; AWS clients; the database."""
