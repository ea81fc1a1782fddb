"""Setting up the feed in AWS: a plan first, as a diff; then, when told, what it says; and the way back."""
