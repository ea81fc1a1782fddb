"""The daily Email Blocked Report: its days, its files, and sending it."""
