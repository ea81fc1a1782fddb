"""Figures: bounces, complaints and deliveries of each day, in small rows that are kept for years."""
